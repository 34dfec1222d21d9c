//! The one table: threads, their turns, messages and better-auth's sessions.
//!
//! Knows DynamoDB: keys, conditions, item sizes, retries. Knows nothing of HTTP, models or how a message is
//! built: parts, usage and metadata come in as JSON and go out as they came.
//!
//! # Items
//! The owner is part of every key, so another user's thread cannot even be named.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | session | `BA#<key>` | `-` |
//! | thread | `U#<user>` | `T#<thread>` |
//! | message | `T#<user>#<thread>` | `M#<ms, 13 digits>#<0 user, 1 assistant>#<id>` |
//! | rest of a long message | the message's | `<the message's sk>#~<index, 3 digits>#<checksum>` |
//!
//! The index `byActivity` (`pk`, `lastActivityAt`) holds threads only: nothing else has a `lastActivityAt`.

mod client;
mod error;
mod history;
mod item;
mod keys;
mod messages;
mod parts;
mod sessions;
mod table;
mod thread;
mod turns;

use std::sync::Arc;

pub use aws_sdk_dynamodb::Client;

pub use client::{ClientOptions, ConnectError, connect, https_client};
pub use error::StoreError;
pub use history::{Cursor, History, StoredMessage};
pub use item::Status;
pub use messages::{Answer, UserMessage};
pub use table::create_table;
pub use thread::Thread;
pub use turns::{BeginError, BeginTurn, BegunTurn, Finished, Question, TurnKeys, TurnOutcome};

/// The table, and the client that reaches it. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: Arc<str>,
}

impl Store {
    /// Uses `table` through `client`. Talks to nobody yet.
    pub fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.into() }
    }
}
