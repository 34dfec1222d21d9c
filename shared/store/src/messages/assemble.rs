//! The assembly of a message from an item and its continuations.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use message::{AnswerMetadata, MessageId, Role};

use crate::attribute::{self, DATA, Item, string};
use crate::cursor::Cursor;
use crate::messages::item::{MessageItem, PARTS, Status};
use crate::messages::parts;
use crate::{Store, StoreError, keys};

/// A message as it was put. What was not reported is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMessage {
    /// Its id: the client's for a user's message, ours for an assistant's.
    pub id: MessageId,
    /// The role of the author.
    pub role: Role,
    /// The parts as JSON text, byte for byte as they were put.
    pub parts: Box<str>,
    /// The time of its arrival, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// The model that answered.
    pub model: Option<String>,
    /// The status of an answer.
    pub status: Option<Status>,
    /// Tokens of the prompt.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// The metadata of an answer.
    pub metadata: Option<AnswerMetadata>,
    /// Its place, for [`crate::History::before`].
    pub cursor: Cursor,
}

impl Store {
    /// Makes a message of its item and, if it has any, its continuations.
    pub(super) async fn assemble(
        &self,
        mut item: Item,
        continuations: HashMap<String, Item>,
    ) -> Result<StoredMessage, StoreError> {
        let parts = item.remove(PARTS);
        let message: MessageItem = attribute::read(item)?;
        let corrupt =
            |cause: crate::error::Cause| StoreError::corrupt(&message.pk, &message.sk, cause);
        let text = match (parts, message.len) {
            (Some(AttributeValue::S(text)), _) => text.into_boxed_str(),
            (Some(AttributeValue::B(bytes)), Some(length)) => {
                parts::unpack(bytes.as_ref(), length).map_err(|error| corrupt(error.into()))?
            }
            (None, Some(length)) => {
                let bytes = self.pieces(&message, continuations).await?;
                parts::unpack(&bytes, length).map_err(|error| corrupt(error.into()))?
            }
            _ => return Err(corrupt("no parts".into())),
        };
        stored_message(message, text)
    }

    /// Returns the bytes that a message's continuations hold. A page can be older than the next
    /// one, so what is missing from those read on the way is looked for once more before it counts
    /// as lost.
    async fn pieces(
        &self,
        message: &MessageItem,
        read: HashMap<String, Item>,
    ) -> Result<Vec<u8>, StoreError> {
        if let Some(bytes) = join_pieces(message, read) {
            return Ok(bytes);
        }
        join_pieces(message, self.continuations(message).await?).ok_or_else(|| {
            StoreError::corrupt(&message.pk, &message.sk, "missing or damaged continuation")
        })
    }

    async fn continuations(
        &self,
        message: &MessageItem,
    ) -> Result<HashMap<String, Item>, StoreError> {
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
            found.insert(attribute::text(&item, "sk"), item);
        }
        Ok(found)
    }
}

/// Returns the continuations' bytes in order, if they are all there and what was written.
fn join_pieces(message: &MessageItem, mut continuations: HashMap<String, Item>) -> Option<Vec<u8>> {
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

fn stored_message(message: MessageItem, parts: Box<str>) -> Result<StoredMessage, StoreError> {
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
        cursor: Cursor::before(&message.sk, message.cut.as_deref()),
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
            (
                keys::continuation("sk", index, checksum),
                Item::from([(DATA.to_owned(), data)]),
            )
        };
        let second = || piece(1, &checksum, "two");
        for (name, pieces, expected) in [
            (
                "whole",
                vec![second(), piece(0, &checksum, "one")],
                Some("onetwo"),
            ),
            ("altered", vec![piece(0, &checksum, "uno"), second()], None),
            ("one missing", vec![second()], None),
            (
                "one of another version",
                vec![piece(0, "00000000", "one"), second()],
                None,
            ),
        ] {
            let join_pieces = join_pieces(&message, pieces.into_iter().collect());
            assert_eq!(
                join_pieces.as_deref(),
                expected.map(str::as_bytes),
                "{name}"
            );
        }
    }
}
