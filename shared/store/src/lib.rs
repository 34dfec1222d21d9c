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

mod attribute;
mod client;
mod cursor;
mod deflate;
mod error;
mod inline_question;
mod journal;
mod keys;
mod limits;
mod messages;
mod run;
mod sessions;
mod slot;
mod store;
#[cfg(feature = "test-support")]
mod test_support;
mod thread;
mod turn;
mod update;
mod usage;

pub use aws_sdk_dynamodb::Client;

pub use client::{ClientOptions, ConnectError, connect, https_client};
pub use cursor::Cursor;
pub use error::{BeginError, StoreError};
pub use journal::{Journal, JournalName, JournalPiece};
pub use limits::TurnLimits;
pub use messages::{Answer, History, MessagePage, Pages, Status, StoredMessage, UserMessage};
pub use run::{AnsweredTurn, OpenTurn, TurnKeys};
pub use store::Store;
pub use thread::{CurrentTurn, Thread, ThreadCursor, ThreadPage, ThreadSummary};
pub use turn::{
    Begin, BeginTurn, BegunTurn, Finished, MAX_TITLE_CHARS, Question, RecoveredAnswer, TurnOutcome,
    TurnSignal,
};
pub use usage::{Cost, DayUsage, MonthUsage, TurnUsage, UsageReport};
