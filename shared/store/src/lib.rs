//! The one table: threads, their turns, messages and better-auth's sessions.
//!
//! Knows DynamoDB: keys, conditions, item sizes, retries. Knows nothing of HTTP, models or how a
//! message is built: parts, usage and metadata come in as JSON and go out as they came.
//!
//! # Items
//! The owner is part of every key, so another user's thread cannot even be named.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | session | `BA#<key>` | `-` |
//! | thread | `U#<user>` | `T#<thread>` |
//! | message | `T#<user>#<thread>` | `M#<ms, 13 digits>#<0 user, 1 assistant>#<id>` |
//! | a user's day | `U#<user>` | `Q#<UTC date>` |
//! | journal of a run | `C#<user>#<thread>` | `<ms>#<stream>#<index, 6 digits>`, `<ms>#<stream>#~end` |
//! | rest of a long message | the message's | `<the message's sk>#~<index, 3 digits>#<checksum>` |
//!
//! The index `byActivity` (`pk`, `lastActivityAt`) holds threads only: nothing else has a
//! `lastActivityAt`.

mod begin;
mod client;
mod delete;
mod error;
mod finish;
mod history;
mod item;
mod journal;
mod kept;
mod keys;
mod messages;
mod month;
mod page;
mod parts;
mod path;
mod quota;
mod recover;
mod sessions;
mod stop;
mod table;
mod thread;
mod threads;
mod title;
mod turn;
mod usage;

use std::sync::Arc;

pub use aws_sdk_dynamodb::Client;

pub use begin::{Begin, BeginError, BeginTurn, BegunTurn, Question};
pub use client::{ClientOptions, ConnectError, connect, https_client};
pub use error::StoreError;
pub use finish::{Finished, TurnOutcome};
pub use history::{Cursor, History, StoredMessage};
pub use item::Status;
pub use journal::{Journal, JournalName, JournalPiece};
pub use messages::{Answer, UserMessage};
pub use month::{MonthUsage, UsageReport};
pub use page::{MessagePage, Pages};
pub use quota::{DayUsage, TurnLimits};
pub use recover::RecoveredAnswer;
pub use stop::TurnSignal;
pub use table::create_table;
pub use thread::{CurrentTurn, Thread};
pub use threads::{ThreadCursor, ThreadPage, ThreadSummary};
pub use turn::{AnsweredTurn, OpenTurn, TurnKeys};
pub use usage::{Cost, TurnUsage};

/// The table, and the client that reaches it. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: Arc<str>,
}

impl Store {
    /// Creates a store on `table` through `client`. Sends no request yet.
    pub fn new(client: Client, table: &str) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }
}
