//! Failures of the gateway, of DynamoDB and of the process, and turns that run out of time.

mod crash;
mod deadline;
mod degraded_dynamodb;
mod dynamodb;
mod gateway;
