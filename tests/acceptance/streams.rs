//! The stream of an answer: its bytes, its parts, and readers that leave or resume.

mod disconnect;
mod openai_servers;
mod parts;
mod resume;
mod sources;
mod wire;
