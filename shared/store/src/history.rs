//! How messages are read back: newest first, each of them whole.
//!
//! Continuations sort after their message, so read backwards they come before it. Those whose message does not
//! come, or comes with another checksum, were left behind by a writer that died, and are dropped.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use message::{AnswerMetadata, MessageId, Role, ThreadId, UserId};

use crate::item::{self, DATA, Item, MessageItem, PARTS, Status, string};
use crate::{Store, StoreError, keys, parts};

/// Which messages of a thread to read.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// At most so many.
    pub limit: usize,
    /// Only those before this message; `None` begins with the newest.
    pub before: Option<&'a Cursor>,
    /// Whether what was written a moment ago must be seen. Costs twice as much.
    pub consistent: bool,
}

/// A message's place in its thread.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(Box<str>);

/// A message as it was put. What was not reported is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMessage {
    /// Its id: the client's for a user's message, ours for an assistant's.
    pub id: MessageId,
    /// Who speaks.
    pub role: Role,
    /// The parts as JSON text, byte for byte as they were put.
    pub parts: Box<str>,
    /// When it came, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// The model that answered.
    pub model: Option<String>,
    /// How the answer ended.
    pub status: Option<Status>,
    /// Tokens of the prompt.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// What is known of an answer.
    pub metadata: Option<AnswerMetadata>,
    /// Its place, for [`History::before`].
    pub cursor: Cursor,
}

impl Store {
    /// Reads messages of a thread, newest first. A thread that is not there has none.
    pub async fn messages(
        &self,
        user: &UserId,
        thread: &ThreadId,
        history: &History<'_>,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let pk = keys::messages(user, thread);
        let mut messages = Vec::new();
        let mut continuations = HashMap::new();
        let mut next = None;
        while messages.len() < history.limit {
            let page_limit = if next.is_none() { first_page_limit(history) } else { None };
            let (items, last) = self.page(&pk, history, page_limit, next).await?;
            for item in items {
                let sk = item::text(&item, "sk");
                if history.before.is_some_and(|before| *before.0 == *sk) {
                    continue;
                }
                if sk.contains("#~") {
                    continuations.insert(sk, item);
                    continue;
                }
                messages.push(self.join(item, std::mem::take(&mut continuations)).await?);
                if messages.len() == history.limit {
                    return Ok(messages);
                }
            }
            if last.is_none() {
                break;
            }
            next = last;
        }
        Ok(messages)
    }

    async fn page(
        &self,
        pk: &str,
        history: &History<'_>,
        limit: Option<i32>,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let before = history.before.map_or(keys::LAST_MESSAGE, |cursor| &cursor.0);
        let answer = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :before")
            .expression_attribute_values(":pk", string(pk))
            .expression_attribute_values(":first", string(keys::FIRST_MESSAGE))
            .expression_attribute_values(":before", string(before))
            .scan_index_forward(false)
            .consistent_read(history.consistent)
            .set_limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::of("Query", error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Makes a message of its item and, if it has any, its continuations.
    async fn join(
        &self,
        mut item: Item,
        continuations: HashMap<String, Item>,
    ) -> Result<StoredMessage, StoreError> {
        let parts = item.remove(PARTS);
        let message: MessageItem = item::read(item)?;
        let corrupt = |cause: crate::error::Cause| StoreError::corrupt(&message.pk, &message.sk, cause);
        let text = match (parts, message.len) {
            (Some(AttributeValue::S(text)), _) => text.into_boxed_str(),
            (Some(AttributeValue::B(bytes)), Some(length)) => {
                parts::unpack(bytes.as_ref(), length).map_err(|error| corrupt(error.into()))?
            }
            (None, Some(length)) => {
                let bytes = self.pieces(&message, continuations).await?;
                parts::unpack(&bytes, length).map_err(|error| corrupt(error.into()))?
            }
            _ => return Err(corrupt("it has no parts".into())),
        };
        whole(message, text)
    }

    /// The bytes that a message's continuations hold. A page can be older than the next one, so what is missing from
    /// those read on the way is looked for once more before it counts as lost.
    async fn pieces(
        &self,
        message: &MessageItem,
        read: HashMap<String, Item>,
    ) -> Result<Vec<u8>, StoreError> {
        if let Some(bytes) = joined(message, read) {
            return Ok(bytes);
        }
        joined(message, self.continuations(message).await?).ok_or_else(|| {
            StoreError::corrupt(&message.pk, &message.sk, "a continuation is missing or damaged")
        })
    }

    async fn continuations(&self, message: &MessageItem) -> Result<HashMap<String, Item>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", string(&message.pk))
            .expression_attribute_values(":sk", string(keys::continuations(&message.sk)))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut found = HashMap::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| StoreError::of("Query", error))?;
            found.insert(item::text(&item, "sk"), item);
        }
        Ok(found)
    }

    /// The key of a question that is stored already, newest first if its id was used twice.
    pub(crate) async fn find_question(
        &self,
        user: &UserId,
        thread: &ThreadId,
        question: &MessageId,
    ) -> Result<Option<String>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :first)")
            .filter_expression("id = :id AND #role = :user")
            .projection_expression("sk")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":pk", string(keys::messages(user, thread)))
            .expression_attribute_values(":first", string(keys::FIRST_MESSAGE))
            .expression_attribute_values(":id", string(question.as_str()))
            .expression_attribute_values(":user", string("user"))
            .scan_index_forward(false)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let found = pages.next().await.transpose().map_err(|error| StoreError::of("Query", error))?;
        Ok(found.map(|item| item::text(&item, "sk")))
    }
}

/// As many items as messages are wanted, and the one the cursor names. More are needed only where a message has
/// continuations, and then as many as a page holds.
fn first_page_limit(history: &History<'_>) -> Option<i32> {
    let items = history.limit.saturating_add(usize::from(history.before.is_some()));
    i32::try_from(items).ok()
}

/// The continuations' bytes in order, if they are all there and what was written.
fn joined(message: &MessageItem, mut continuations: HashMap<String, Item>) -> Option<Vec<u8>> {
    let checksum = message.crc.as_deref()?;
    let mut bytes = Vec::new();
    for index in 0..message.n? {
        let mut item = continuations.remove(&keys::continuation(&message.sk, index, checksum))?;
        let piece: Blob = match item.remove(DATA)? {
            AttributeValue::B(piece) => piece,
            _ => return None,
        };
        bytes.extend_from_slice(piece.as_ref());
    }
    (parts::checksum(&bytes) == checksum).then_some(bytes)
}

fn whole(message: MessageItem, parts: Box<str>) -> Result<StoredMessage, StoreError> {
    let id = MessageId::parse(&message.id)
        .map_err(|error| StoreError::corrupt(&message.pk, &message.sk, error))?;
    Ok(StoredMessage {
        id,
        role: message.role.into(),
        parts,
        created_at_ms: message.created_at,
        model: message.model,
        status: message.status,
        input_tokens: message.input_tokens,
        output_tokens: message.output_tokens,
        metadata: message.metadata,
        cursor: Cursor(message.sk.into_boxed_str()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuations_join_only_if_they_are_what_was_written() {
        let id = MessageId::parse("m").unwrap();
        let checksum = parts::checksum(b"onetwo");
        let message = MessageItem {
            n: Some(2),
            crc: Some(checksum.clone()),
            ..MessageItem::new("pk", "sk", &id, Role::Assistant, 0)
        };
        let piece = |index, checksum: &str, bytes: &str| {
            let data = AttributeValue::B(Blob::new(bytes));
            (keys::continuation("sk", index, checksum), Item::from([(DATA.to_owned(), data)]))
        };
        let second = || piece(1, &checksum, "two");
        for (name, pieces, expected) in [
            ("whole", vec![second(), piece(0, &checksum, "one")], Some("onetwo")),
            ("altered", vec![piece(0, &checksum, "uno"), second()], None),
            ("one missing", vec![second()], None),
            ("one of another version", vec![piece(0, "00000000", "one"), second()], None),
        ] {
            let joined = joined(&message, pieces.into_iter().collect());
            assert_eq!(joined.as_deref(), expected.map(str::as_bytes), "{name}");
        }
    }
}
