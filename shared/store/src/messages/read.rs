//! Reads of messages: along one path, newest first, each of them complete.
//!
//! Continuations sort after their message, so read backwards they come before it. Those whose
//! message does not come are of a writer that died, and are dropped.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use message::{ThreadId, UserId};

use crate::attribute::{self, Item, string};
use crate::cursor::Cursor;
use crate::messages::assemble::StoredMessage;
use crate::messages::item::PARTS;
use crate::messages::path::{self, Path};
use crate::run::AnsweredTurn;
use crate::{Store, StoreError, keys};

/// The least number of items of a further read where the first ones were not enough: a full page of
/// the engine would cost 128 units or more, however little is missing.
const MIN_NEXT_PAGE_ITEMS: i32 = 25;

/// The selection of a thread's messages.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// At most so many.
    pub limit: usize,
    /// At most so many bytes of parts: the first message that exceeds it ends the reading, and is
    /// left out.
    pub max_bytes: Option<usize>,
    /// Only those before this place; `None` begins with the path's end.
    pub before: Option<&'a Cursor>,
    /// True for a strongly consistent read, which costs twice as much.
    pub consistent: bool,
}

impl Store {
    /// Reads the thread's current path, newest first. A thread that is not there has none.
    pub async fn messages(
        &self,
        user: &UserId,
        thread: &ThreadId,
        history: &History<'_>,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let end = history
            .before
            .map_or(keys::LAST_MESSAGE, |cursor| &cursor.0);
        let mut budget = ReadBudget::new(history);
        self.walk(
            &keys::messages(user, thread),
            Path::before(end),
            history,
            &mut budget,
        )
        .await
    }

    /// Reads a turn's answer, strongly consistent. `None`: it is not there.
    pub async fn answer_of(
        &self,
        turn: &AnsweredTurn,
    ) -> Result<Option<StoredMessage>, StoreError> {
        match self
            .get_consistent(&turn.messages_pk, &turn.answer_sk)
            .await?
        {
            Some(item) => self.assemble(item, HashMap::new()).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn walk(
        &self,
        pk: &str,
        mut path: Path,
        history: &History<'_>,
        budget: &mut ReadBudget,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let mut messages = Vec::new();
        let mut continuations = HashMap::new();
        let mut page_limit = first_page_limit(history);
        let mut end = path.bound().to_owned();
        let mut next = None;
        while budget.messages > 0 {
            let (items, last) = self
                .page(pk, history.consistent, page_limit, &end, next)
                .await?;
            for item in items {
                let sk = attribute::text(&item, "sk");
                if !path.admits(&sk) {
                    continue;
                }
                if sk.contains("#~") {
                    continuations.insert(sk, item);
                    continue;
                }
                if path.passes(&sk, path::is_nothing(&item)) {
                    continue;
                }
                if !budget.take(&item) {
                    return Ok(messages);
                }
                path.step(
                    &sk,
                    item.get("cut")
                        .and_then(|cut| cut.as_s().ok())
                        .map(String::as_str),
                );
                messages.push(
                    self.assemble(item, std::mem::take(&mut continuations))
                        .await?,
                );
                if budget.messages == 0 {
                    return Ok(messages);
                }
            }
            let Some(last) = last else { break };
            // Where the path goes on far below, what lies between is not read.
            if path.admits(&attribute::text(&last, "sk")) {
                next = Some(last);
            } else {
                end = path.bound().to_owned();
                next = None;
            }
            page_limit = page_limit.map(|items| items.max(MIN_NEXT_PAGE_ITEMS));
        }
        Ok(messages)
    }

    async fn page(
        &self,
        pk: &str,
        consistent: bool,
        limit: Option<i32>,
        end: &str,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :end")
            .expression_attribute_values(":pk", string(pk))
            .expression_attribute_values(":first", string(keys::FIRST_MESSAGE))
            .expression_attribute_values(":end", string(end))
            .scan_index_forward(false)
            .consistent_read(consistent)
            .set_limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::of("Query", error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}

/// The remaining messages and bytes of a read.
pub(crate) struct ReadBudget {
    messages: usize,
    bytes: usize,
    /// True if a message was left out because it has too many bytes.
    pub(crate) is_full: bool,
}

impl ReadBudget {
    pub(crate) fn new(history: &History<'_>) -> Self {
        let bytes = history.max_bytes.unwrap_or(usize::MAX);
        Self {
            messages: history.limit,
            bytes,
            is_full: false,
        }
    }

    /// Makes room for a message, if there is any.
    fn take(&mut self, item: &Item) -> bool {
        match self.bytes.checked_sub(parts_len(item)) {
            Some(bytes) => {
                self.bytes = bytes;
                self.messages -= 1;
                true
            }
            None => {
                self.is_full = true;
                false
            }
        }
    }
}

/// Returns the length of a message's parts, in bytes.
fn parts_len(item: &Item) -> usize {
    match (item.get("len"), item.get(PARTS)) {
        (Some(AttributeValue::N(length)), _) => length.parse().unwrap_or_default(),
        (_, Some(AttributeValue::S(text))) => text.len(),
        _ => 0,
    }
}

/// Returns the number of items to read: one for each message, and the one the cursor names. More
/// are needed only where a message has continuations or is not on the path.
fn first_page_limit(history: &History<'_>) -> Option<i32> {
    let items = history
        .limit
        .saturating_add(usize::from(history.before.is_some()));
    i32::try_from(items).ok()
}
