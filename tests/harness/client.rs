//! The callers of the functions: the real `ai` client, the real better-auth, generated requests,
//! and requests made by hand.

pub mod ai_sdk;
pub mod better_auth;
pub mod reloaded_page;
pub mod requests;
pub mod schemathesis;
