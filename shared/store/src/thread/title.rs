//! Titles of threads: set by the user, or made by a model in the place of the one that a begin
//! wrote.
//!
//! # Made titles
//! The process that makes one leaves a mark in the thread and in the user's day first, the run's
//! name in the set `titling`, and removes both when it is done. What making it used is added in the
//! writes that remove the marks, so each of them counts once though it be repeated. A mark that is
//! never removed has no meaning and blocks nothing.
//!
//! The title itself is written only over the one that the begin wrote: a user who renames the
//! thread meanwhile wins.

use aws_sdk_dynamodb::types::ReturnValue;
use message::{ThreadId, UserId};

use crate::attribute::{self, number, set_of, string};
use crate::run::TurnKeys;
use crate::thread::item::ThreadItem;
use crate::thread::read::Thread;
use crate::update::{Update, Updated};
use crate::usage::counters::TurnUsage;
use crate::{Store, StoreError, keys};

/// The turn's thread is there, and is not another of the same name.
const THREAD_EXISTS: &str = "createdAt <= :at AND attribute_not_exists(deletedAt)";

impl Store {
    /// Gives a thread another title. `None`: this user has no such thread.
    pub async fn rename_thread(
        &self,
        user: &UserId,
        thread: &ThreadId,
        title: &str,
    ) -> Result<Option<Thread>, StoreError> {
        let update = Update::default()
            .set("title", string(title))
            .condition("attribute_exists(createdAt)")
            .returning(ReturnValue::AllNew);
        let (pk, sk) = (keys::user(user), keys::thread(thread));
        match self.update(&pk, &sk, update).await? {
            Updated::Applied(item) => attribute::read::<ThreadItem>(item)?.try_into().map(Some),
            Updated::ConditionFailed(_) => Ok(None),
        }
    }

    /// Notes that a title is being made for the turn's thread, if it still has the title `first`
    /// that its begin wrote, or none if that wrote none. `false`: it has another by now, or is
    /// gone.
    pub async fn begin_title(
        &self,
        keys: &TurnKeys,
        first: Option<&str>,
    ) -> Result<bool, StoreError> {
        let update = Update::default()
            .add("titling", set_of(keys.0.stream.as_str()))
            .condition(THREAD_EXISTS)
            .value(":at", number(keys.0.at_ms));
        if !self.update_thread(keys, has_title(update, first)).await? {
            return Ok(false);
        }
        let update = Update::default()
            .add("titling", set_of(keys.0.stream.as_str()))
            // A day's item is never made here: it would stay for ever.
            .condition("attribute_exists(req)");
        self.update_day(keys, update).await?;
        Ok(true)
    }

    /// Gives the thread its `title`, if one was made and the user has not set another, and adds the
    /// usage of making it to the thread and to the user's day. `false`: it has kept the title that
    /// it had.
    pub async fn end_title(
        &self,
        keys: &TurnKeys,
        first: Option<&str>,
        title: Option<&str>,
        usage: &TurnUsage,
    ) -> Result<bool, StoreError> {
        let is_titled = match title {
            Some(title) => {
                let update = without_mark(keys, usage).set("title", string(title));
                self.update_thread(keys, has_title(update, first)).await?
            }
            None => false,
        };
        if !is_titled {
            self.update_thread(keys, without_mark(keys, usage)).await?;
        }
        self.update_day(keys, without_mark(keys, usage)).await?;
        Ok(is_titled)
    }

    /// Updates the turn's thread. Returns true if the condition held.
    async fn update_thread(&self, keys: &TurnKeys, update: Update) -> Result<bool, StoreError> {
        let updated = self
            .update(&keys.0.thread_pk, &keys.0.thread_sk, update)
            .await?;
        Ok(updated.is_applied())
    }

    /// Updates the day in which the turn began, if the condition holds.
    async fn update_day(&self, keys: &TurnKeys, update: Update) -> Result<(), StoreError> {
        let sk = keys::day(&keys::date(keys.0.at_ms));
        self.update(&keys.0.thread_pk, &sk, update).await?;
        Ok(())
    }
}

/// Adds the condition that the thread has the title `first`, or none.
fn has_title(update: Update, first: Option<&str>) -> Update {
    match first {
        Some(first) => update
            .condition("title = :first")
            .value(":first", string(first)),
        None => update.condition("attribute_not_exists(title)"),
    }
}

/// Returns the update that removes the mark of the turn, once, and adds the usage.
fn without_mark(keys: &TurnKeys, usage: &TurnUsage) -> Update {
    let stream = keys.0.stream.as_str();
    let update = Update::default()
        .delete("titling", set_of(stream))
        .condition("contains(titling, :stream)")
        .value(":stream", string(stream));
    usage.add_to(update)
}
