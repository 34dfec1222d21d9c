//! The processes: run modes, configuration, logs, load and memory.

mod configuration;
mod dev;
mod load;
mod log_lines;
mod memory;
mod run_modes;
mod secrets;
