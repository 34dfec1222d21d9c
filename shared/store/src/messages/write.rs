//! Writes of messages: once, and completely or not at all.
//!
//! A message too long for one item goes into continuations first; the item that makes it visible
//! comes last and holds their number. A writer that dies in between leaves continuations that are
//! never read.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use message::{AnswerMetadata, Role};

use crate::attribute::{DATA, Item, MAX_DATA_BYTES, string};
use crate::messages::item::{MessageItem, PARTS, Status};
use crate::messages::parts::{self, MAX_PIECES, Packed};
use crate::{Store, StoreError, TurnKeys, keys};

/// A user's message.
#[derive(Debug, Clone, Copy)]
pub struct UserMessage<'a> {
    /// The parts as JSON text. Comes back byte for byte.
    pub parts: &'a str,
    /// The time of its arrival, in milliseconds since 1970.
    pub created_at_ms: u64,
}

/// An assistant's message. What was not reported is `None`, and stays absent.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The parts as JSON text. Comes back byte for byte.
    pub parts: &'a str,
    /// The status at its end.
    pub status: Status,
    /// Everything else that is known of it. Model and tokens become attributes of their own as
    /// well.
    pub metadata: &'a AnswerMetadata,
}

/// The condition on an item under the key of the message that is put.
enum PutCondition {
    Absent,
    /// Or what a recoverer has put there.
    AbsentOrRecovered,
}

/// The outcome of a put.
pub(crate) enum PutOutcome {
    /// It is put, or was before.
    Stored,
    /// Something else is there, and stays.
    AlreadyExists(Item),
}

impl Store {
    /// Stores the turn's question. If it is there already, from an earlier try, it stays as it is.
    pub async fn put_user_message(
        &self,
        keys: &TurnKeys,
        message: &UserMessage<'_>,
    ) -> Result<(), StoreError> {
        let item = MessageItem {
            cut: keys.0.user_cut.clone(),
            ..MessageItem::new(
                &keys.0.messages_pk,
                &keys.0.user_sk,
                &keys.0.message,
                Role::User,
                message.created_at_ms,
            )
        };
        self.put_message(item, message.parts, PutCondition::Absent)
            .await
            .map(|_| ())
    }

    /// Stores the turn's answer. Replaces one that a recoverer has put in its place; any other that
    /// is there is this answer, put before, and stays.
    pub async fn put_answer(&self, keys: &TurnKeys, answer: &Answer<'_>) -> Result<(), StoreError> {
        self.put_message(
            answer_item(keys, answer),
            answer.parts,
            PutCondition::AbsentOrRecovered,
        )
        .await
        .map(|_| ())
    }

    /// Stores what could be recovered of a turn's answer, unless something is there.
    pub(crate) async fn put_recovered_answer(
        &self,
        keys: &TurnKeys,
        answer: &Answer<'_>,
    ) -> Result<PutOutcome, StoreError> {
        let item = MessageItem {
            recovered: Some(true),
            ..answer_item(keys, answer)
        };
        self.put_message(item, answer.parts, PutCondition::Absent)
            .await
    }

    async fn put_message(
        &self,
        mut message: MessageItem,
        text: &str,
        condition: PutCondition,
    ) -> Result<PutOutcome, StoreError> {
        let parts = match parts::pack(text).await {
            Packed::Plain(text) => Some(string(text)),
            Packed::Single(bytes) => {
                message.len = Some(text.len());
                Some(binary(&bytes))
            }
            Packed::Pieces { bytes, checksum } => {
                message.len = Some(text.len());
                message.n = Some(self.put_pieces(&message, &bytes, &checksum).await?);
                message.crc = Some(checksum);
                None
            }
        };
        let mut item = message.into_item()?;
        item.extend(parts.map(|parts| (PARTS.to_owned(), parts)));
        self.put_on_condition(item, condition).await
    }

    /// Puts the continuations one after the other: together they would exceed the throughput of a
    /// partition.
    async fn put_pieces(
        &self,
        message: &MessageItem,
        bytes: &[u8],
        checksum: &str,
    ) -> Result<usize, StoreError> {
        let pieces = bytes.chunks(MAX_DATA_BYTES);
        let count = pieces.len();
        if count > MAX_PIECES {
            let source = format!("{} bytes do not fit into {MAX_PIECES} items", bytes.len()).into();
            return Err(StoreError::Refused {
                operation: "PutItem",
                source,
            });
        }
        for (index, piece) in pieces.enumerate() {
            self.client
                .put_item()
                .table_name(&*self.table)
                .item("pk", string(&message.pk))
                .item(
                    "sk",
                    string(keys::continuation(&message.sk, index, checksum)),
                )
                .item(DATA, binary(piece))
                .send()
                .await
                .map_err(|error| StoreError::of("PutItem", error))?;
        }
        Ok(count)
    }

    async fn put_on_condition(
        &self,
        item: Item,
        condition: PutCondition,
    ) -> Result<PutOutcome, StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = match condition {
            PutCondition::Absent => request.condition_expression("attribute_not_exists(pk)"),
            PutCondition::AbsentOrRecovered => request
                .condition_expression("attribute_not_exists(pk) OR recovered = :true")
                .expression_attribute_values(":true", AttributeValue::Bool(true)),
        };
        match request.send().await {
            Ok(_) => Ok(PutOutcome::Stored),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refusal)) => Ok(
                    PutOutcome::AlreadyExists(refusal.item.clone().unwrap_or_default()),
                ),
                _ => Err(StoreError::of("PutItem", error)),
            },
        }
    }
}

fn answer_item(keys: &TurnKeys, answer: &Answer<'_>) -> MessageItem {
    let metadata = answer.metadata;
    let usage = metadata.usage.unwrap_or_default();
    MessageItem {
        status: Some(answer.status),
        model: Some(metadata.model.clone()),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        metadata: Some(metadata.clone()),
        cut: keys.0.cut.clone(),
        ..MessageItem::new(
            &keys.0.messages_pk,
            &keys.0.answer_sk,
            &keys.0.answer,
            Role::Assistant,
            metadata.created_at,
        )
    }
}

fn binary(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}
