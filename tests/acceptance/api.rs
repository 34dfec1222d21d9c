//! Requests of any shape: the refused ones, and the ones that the API's documents describe.

mod openapi;
mod refusals;
mod samples;
