//! The built `chat` binary, seen from outside. One module for each promise; the harness is this package's library.

mod deadline;
mod dev;
mod gateway_faults;
mod load;
mod parts;
mod refusals;
mod samples;
mod secrets;
mod start;
mod store_faults;
mod turns;
mod ways;
mod wire;
