//! The handlers, one file for each route.

pub(crate) mod chat;
pub(crate) mod resume;
pub(crate) mod stop;
