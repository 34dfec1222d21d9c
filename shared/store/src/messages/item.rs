//! A message as an item, but for its parts.

use message::{AnswerMetadata, MessageId, Role};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::attribute::Item;

/// The attribute that holds a message's parts: text, or deflated bytes.
pub(crate) const PARTS: &str = "parts";
/// The parts of an answer in which there is nothing.
pub(crate) const EMPTY_PARTS: &str = "[]";

/// The status of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The model finished.
    Completed,
    /// The user stopped it.
    Stopped,
    /// The model, or the way to it, failed.
    Failed,
    /// We ran out of time, or died: its process may still store more.
    Interrupted,
}

impl Status {
    /// Returns the status as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Everything of a message but its parts. What was not reported is absent, never zero.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageItem {
    pub(crate) pk: String,
    pub(crate) sk: String,
    pub(crate) id: String,
    pub(crate) role: StoredRole,
    pub(crate) created_at: u64,
    /// The number of bytes that the parts inflate to; absent where they are plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) len: Option<usize>,
    /// The number of continuations that hold the parts; absent where they are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n: Option<usize>,
    /// The checksum in the continuations' keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<AnswerMetadata>,
    /// The sort key from which on no item precedes the message on its path, see
    /// [`crate::messages::path`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cut: Option<String>,
    /// True if recovery put it in place of the turn's own process, which may still do so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovered: Option<bool>,
}

/// [`Role`] as it is stored.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoredRole {
    User,
    Assistant,
}

impl From<Role> for StoredRole {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::Assistant => Self::Assistant,
        }
    }
}

impl From<StoredRole> for Role {
    fn from(role: StoredRole) -> Self {
        match role {
            StoredRole::User => Self::User,
            StoredRole::Assistant => Self::Assistant,
        }
    }
}

impl MessageItem {
    pub(crate) fn new(pk: &str, sk: &str, id: &MessageId, role: Role, created_at_ms: u64) -> Self {
        Self {
            pk: pk.to_owned(),
            sk: sk.to_owned(),
            id: id.to_string(),
            role: role.into(),
            created_at: created_at_ms,
            len: None,
            n: None,
            crc: None,
            status: None,
            model: None,
            input_tokens: None,
            output_tokens: None,
            metadata: None,
            cut: None,
            recovered: None,
        }
    }

    pub(crate) fn into_item(self) -> Result<Item, StoreError> {
        serde_dynamo::aws_sdk_dynamodb_1::to_item(self).map_err(|error| StoreError::Refused {
            operation: "PutItem",
            source: error.into(),
        })
    }
}
