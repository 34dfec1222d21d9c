//! The handlers, one file for each route.

pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod messages;
pub(crate) mod models;
pub(crate) mod rename;
pub(crate) mod usage;
