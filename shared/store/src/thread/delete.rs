//! Deletes of a thread with everything in it, also while a turn runs in it, and also if the
//! deleting process dies.
//!
//! # How it cannot come back
//! First the thread's item is replaced by what is left of it: `deletedAt`, a time after its last
//! turn began, and the name of its last run. That is one conditional write, in which the thread
//! vanishes from the index and for every reader, and in which its turn is asked to stop. From then
//! on:
//! - No begin takes the item for a thread, since each is on condition that there is no `deletedAt`.
//!   One that finds it begins a new thread over it, later than `deletedAt`, whose first question
//!   has a cut before everything that is there ([`crate::messages::path`]).
//! - A turn that still runs may put its messages, since a put cannot depend on another item. But
//!   its last step is to mark its end in the thread, as it is of the process that recovers it.
//!   There it sees `deletedAt`, or no thread, or one that was created after its own begin, and
//!   takes away what it has put, see [`Store::clear_if_deleted`].
//! - Messages are deleted up to `deletedAt` only, so those of a new thread are never among them.
//!
//! Whatever began before `deletedAt` has a key up to it, because `lastActivityAt` never goes back.
//!
//! # How it ends
//! Messages go next, in batches. Then the item itself, unless one of its turns may still be at
//! work: then it stays until some time after that turn's lease, and `ttl` removes it. As long as
//! the item is there a second delete goes on where the first one died, since the item says all that
//! it needs.
//!
//! An item that a turn puts after the delete and cannot take away, because it dies or the table
//! fails it, stays until the thread is deleted again; once `ttl` has removed what is left, nothing
//! leads to it any more.
//!
//! Journals go as messages do, those of all turns. What a turn still writes there it takes away
//! itself, but for the last piece, which follows its end, and what it wrote if it dies: those
//! expire.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use message::{ThreadId, UserId};

use crate::attribute::{self, Item, number, string};
use crate::run::TurnKeys;
use crate::thread::item::{State, ThreadItem};
use crate::update::Update;
use crate::{Store, StoreError, keys};

/// The most items of one `BatchWriteItem`.
const MAX_BATCH_ITEMS: usize = 25;
/// The number of retries for unprocessed items of a batch, and the wait before the first, which
/// doubles.
const MAX_RETRIES: u32 = 8;
const FIRST_BACKOFF: Duration = Duration::from_millis(25);
/// The number of attempts of a delete while turns begin or end in between.
const MAX_ATTEMPTS: usize = 8;
/// The time after the last lease when no turn can write late any more.
const TOMBSTONE_GRACE_MS: u64 = 60 * 60 * 1000;

/// The item that is left of a thread until it is deleted.
struct Tombstone {
    deleted_at: u64,
    /// Until when a turn of it may still be at work.
    lease_ms: u64,
}

impl Store {
    /// Deletes a thread and everything in it. May be repeated, and goes on where an earlier try has
    /// stopped. Says whether there was one.
    ///
    /// # Errors
    /// Not all of it is deleted yet. No request sees it any more, if its item could be reached at
    /// all.
    pub async fn delete_thread(
        &self,
        user: &UserId,
        thread: &ThreadId,
        now_ms: u64,
    ) -> Result<bool, StoreError> {
        let Some(tombstone) = self.write_tombstone(user, thread, now_ms).await? else {
            return Ok(false);
        };
        let messages = keys::messages(user, thread);
        let end = keys::before(tombstone.deleted_at.saturating_add(1));
        self.delete_range(&messages, keys::FIRST_MESSAGE, &end)
            .await?;
        let end = keys::journals_before(tombstone.deleted_at.saturating_add(1));
        self.delete_range(&keys::journals(user, thread), "0", &end)
            .await?;
        self.expire_tombstone(user, thread, &tombstone, now_ms)
            .await?;
        Ok(true)
    }

    /// Takes away what a turn has put into a thread that was deleted meanwhile, as its last write
    /// seems to have found. Says whether it was so.
    pub(crate) async fn clear_if_deleted(&self, keys: &TurnKeys) -> Result<bool, StoreError> {
        // Not every engine shows the item whose condition failed, and nothing may be deleted for
        // that.
        let found = self
            .get_consistent(&keys.0.thread_pk, &keys.0.thread_sk)
            .await?;
        let found: ThreadItem = found.map(attribute::read).transpose()?.unwrap_or_default();
        if !found.is_deleted(keys.0.at_ms) {
            return Ok(false);
        }
        for sk in [&keys.0.user_sk, &keys.0.answer_sk] {
            // A begin that was given up has no keys.
            if !sk.is_empty() {
                self.delete_range(&keys.0.messages_pk, sk, &keys::after(sk))
                    .await?;
            }
        }
        let journal = keys::journal(keys.0.at_ms, &keys.0.stream);
        self.delete_range(&keys.0.journals_pk, &journal, &format!("{journal}~~"))
            .await?;
        Ok(true)
    }

    /// Puts what is left of the thread in its place. `None`: there is none.
    async fn write_tombstone(
        &self,
        user: &UserId,
        thread: &ThreadId,
        now_ms: u64,
    ) -> Result<Option<Tombstone>, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            let found = self
                .get_consistent(&keys::user(user), &keys::thread(thread))
                .await?;
            let found: ThreadItem = found.map(attribute::read).transpose()?.unwrap_or_default();
            if let Some(deleted_at) = found.deleted_at {
                let lease_ms = found.lease;
                return Ok(Some(Tombstone {
                    deleted_at,
                    lease_ms,
                }));
            }
            if !found.exists() {
                return Ok(None);
            }
            let deleted_at = now_ms.max(found.last_activity_at);
            let tombstone = Tombstone::of(&found, deleted_at);
            if self.replace(&found, &tombstone).await? {
                return Ok(Some(tombstone));
            }
        }
        Err(StoreError::Conflict {
            operation: "PutItem",
        })
    }

    /// Replaces the thread's item in one write, on condition that nothing has begun or ended since
    /// it was read.
    async fn replace(
        &self,
        thread: &ThreadItem,
        tombstone: &Tombstone,
    ) -> Result<bool, StoreError> {
        let mut request = self.client.put_item();
        let mut condition = vec!["attribute_not_exists(deletedAt)".to_owned()];
        for (name, seen) in [
            (
                "lastActivityAt",
                (thread.last_activity_at > 0).then(|| number(thread.last_activity_at)),
            ),
            ("doneId", thread.done_id.as_ref().map(string)),
            ("failedId", thread.failed_id.as_ref().map(string)),
        ] {
            match seen {
                Some(seen) => {
                    condition.push(format!("{name} = :{name}"));
                    request = request.expression_attribute_values(format!(":{name}"), seen);
                }
                None => condition.push(format!("attribute_not_exists({name})")),
            }
        }
        let sent = request
            .table_name(&*self.table)
            .set_item(Some(tombstone.item(thread)))
            .condition_expression(condition.join(" AND "))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    PutItemError::ConditionalCheckFailedException(_)
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::of("PutItem", error)),
        }
    }

    /// Removes what is left of the thread, now or when no turn can write late any more.
    async fn expire_tombstone(
        &self,
        user: &UserId,
        thread: &ThreadId,
        tombstone: &Tombstone,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        let (pk, sk) = (keys::user(user), keys::thread(thread));
        if tombstone.lease_ms < now_ms {
            let sent = self
                .client
                .delete_item()
                .table_name(&*self.table)
                .key("pk", string(pk))
                .key("sk", string(sk))
                .condition_expression("deletedAt = :deleted")
                .expression_attribute_values(":deleted", number(tombstone.deleted_at))
                .send()
                .await;
            return match sent {
                Ok(_) => Ok(()),
                // A new thread has begun over it.
                Err(SdkError::ServiceError(error))
                    if matches!(
                        error.err(),
                        DeleteItemError::ConditionalCheckFailedException(_)
                    ) =>
                {
                    Ok(())
                }
                Err(error) => Err(StoreError::of("DeleteItem", error)),
            };
        }
        let expires_at_s = (tombstone.lease_ms + TOMBSTONE_GRACE_MS) / 1000;
        let update = Update::default()
            .set("ttl", number(expires_at_s))
            .condition("deletedAt = :deleted")
            .value(":deleted", number(tombstone.deleted_at));
        self.update(&pk, &sk, update).await?;
        Ok(())
    }

    /// Deletes all items of `pk` from the sort key `first` to `last`, page by page.
    async fn delete_range(&self, pk: &str, first: &str, last: &str) -> Result<(), StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .projection_expression("pk, sk")
            .expression_attribute_values(":pk", string(pk))
            .expression_attribute_values(":first", string(first))
            .expression_attribute_values(":last", string(last))
            .consistent_read(true)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| StoreError::of("Query", error))?;
            for batch in page.items().chunks(MAX_BATCH_ITEMS) {
                self.delete_batch(batch).await?;
            }
        }
        Ok(())
    }

    async fn delete_batch(&self, keys: &[Item]) -> Result<(), StoreError> {
        let mut left: Vec<WriteRequest> = keys.iter().map(deletion).collect();
        let mut backoff = FIRST_BACKOFF;
        for _ in 0..MAX_RETRIES {
            let sent = self
                .client
                .batch_write_item()
                .request_items(&*self.table, left)
                .send()
                .await;
            let answer = sent.map_err(|error| StoreError::of("BatchWriteItem", error))?;
            let mut unprocessed = answer.unprocessed_items.unwrap_or_default();
            match unprocessed
                .remove(&*self.table)
                .filter(|left| !left.is_empty())
            {
                Some(unprocessed) => left = unprocessed,
                None => return Ok(()),
            }
            tokio::time::sleep(backoff).await;
            backoff *= 2;
        }
        let source = format!(
            "{} items were still unprocessed after {MAX_RETRIES} attempts",
            left.len()
        )
        .into();
        Err(StoreError::Throttled {
            operation: "BatchWriteItem",
            source,
        })
    }
}

impl Tombstone {
    fn of(thread: &ThreadItem, deleted_at: u64) -> Self {
        let current = match thread.state(0) {
            State::Running | State::Dead => thread.lease,
            State::None | State::Done | State::Failed => 0,
        };
        let previous = thread.prev.as_ref().map_or(0, |run| run.lease);
        Self {
            deleted_at,
            lease_ms: current.max(previous),
        }
    }

    /// Returns the item that takes the thread's place. Its turn, if it still runs, finds in it that
    /// it shall stop.
    fn item(&self, thread: &ThreadItem) -> Item {
        let mut item = Item::from([
            ("pk".to_owned(), string(&thread.pk)),
            ("sk".to_owned(), string(&thread.sk)),
            ("deletedAt".to_owned(), number(self.deleted_at)),
            ("lease".to_owned(), number(self.lease_ms)),
            // The end of a turn takes two out of it, whether they are there or not, but not out of
            // nothing.
            ("recent".to_owned(), AttributeValue::L(Vec::new())),
        ]);
        let names = [
            ("streamId", &thread.stream_id),
            ("stopId", &thread.stream_id),
            ("userSk", &thread.user_sk),
            ("asstSk", &thread.asst_sk),
        ];
        let ended = (self.lease_ms == 0).then_some(("doneId", &thread.stream_id));
        for (name, value) in names.into_iter().chain(ended) {
            item.extend(value.as_ref().map(|value| (name.to_owned(), string(value))));
        }
        item
    }
}

fn deletion(key: &Item) -> WriteRequest {
    let key = DeleteRequest::builder().set_key(Some(key.clone())).build();
    WriteRequest::builder()
        .delete_request(key.expect("a key is all there is to it"))
        .build()
}
