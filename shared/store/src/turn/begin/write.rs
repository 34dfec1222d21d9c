//! The write that begins a turn.

use aws_sdk_dynamodb::types::ReturnValue;

use crate::attribute::{self, Item, number, string};
use crate::thread::item::ThreadItem;
use crate::update::{Update, Updated};
use crate::{Store, StoreError, keys};

use super::plan::{Plan, ThreadCondition};
use super::{BeginTurn, PreparedBegin, lease};

/// The longest title that a begin gives to a thread, in characters.
pub const MAX_TITLE_CHARS: usize = 80;

/// The condition that the item is not the tombstone of a deleted thread, see
/// [`crate::thread::delete`].
const NOT_DELETED: &str = "attribute_not_exists(deletedAt)";
/// The attributes of a tombstone that a new thread does not take over.
const TOMBSTONE_ATTRIBUTES: [&str; 8] = [
    "deletedAt",
    "ttl",
    "pendingUsage",
    "tin",
    "tout",
    "tcached",
    "treasoning",
    "cost",
];
/// `doneId` and `failedId` may name an older run.
const NO_OPEN_TURN: &str =
    "attribute_not_exists(streamId) OR doneId = streamId OR failedId = streamId";

pub(super) enum Attempt {
    /// The turn has begun. The thread before, parsed and as it was stored.
    Begun(Box<ThreadItem>, Item),
    /// The plan does not fit the thread, which is this.
    ConditionFailed(Box<ThreadItem>),
}

/// Returns the title that a begin gives to a thread without one.
pub(super) fn title_of(begin: &BeginTurn<'_>) -> String {
    begin.title.chars().take(MAX_TITLE_CHARS).collect()
}

impl ThreadCondition {
    /// Adds the condition to the update of a begin.
    fn add_to(&self, update: Update, mark: &str) -> Update {
        match self {
            Self::Deleted(deleted_at) => update
                .condition("deletedAt = :deleted")
                .value(":deleted", number(*deleted_at)),
            Self::NoThread => update
                .condition("attribute_not_exists(createdAt)")
                .condition(NOT_DELETED),
            Self::AnotherMessage => update
                .condition("attribute_not_exists(lastMsg) OR lastMsg <> :lastMsg")
                .condition(
                    "attribute_not_exists(lastActivityAt) OR lastActivityAt < :lastActivityAt",
                )
                .condition(NO_OPEN_TURN)
                .condition("NOT contains(recent, :mark)")
                .condition(NOT_DELETED)
                .value(":mark", string(mark)),
            Self::NoTurn => update
                .condition("attribute_not_exists(streamId)")
                .condition(NOT_DELETED),
            Self::Ended(stream) => update
                .condition("streamId = :seen")
                .condition(NOT_DELETED)
                .value(":seen", string(stream)),
            Self::Open(turn) => update
                .condition("streamId = :seen AND attribute_not_exists(prev)")
                .condition("attribute_not_exists(doneId) OR doneId <> :seen")
                .condition("attribute_not_exists(failedId) OR failedId <> :seen")
                .condition(NOT_DELETED)
                .value(":seen", string(turn.stream().as_str())),
        }
    }
}

/// Returns the update of the thread that begins a turn.
pub(super) fn begin_update(
    prepared: &PreparedBegin<'_>,
    plan: &Plan,
) -> Result<Update, StoreError> {
    let begin = prepared.begin;
    let question = prepared.inline_question.as_ref();
    let question = question.map(attribute::serialize).transpose()?;
    let mut update = Update::default()
        .set_if_absent("createdAt", number(plan.at_ms))
        .set("lastActivityAt", number(plan.at_ms))
        .set("lastMsg", string(begin.message.as_str()))
        .set("lastHash", string(prepared.digest.as_str()))
        .set("model", string(begin.model))
        .set("userSk", string(&plan.user_sk))
        .set("asstSk", string(&plan.answer_sk))
        .set("streamId", string(begin.stream.as_str()))
        .set("lease", number(lease(begin)))
        .set_or_remove("question", question)
        .set_or_remove("userCut", plan.user_cut.as_ref().map(string))
        .set_or_remove("cut", plan.cut.as_ref().map(string))
        .set_or_remove("continues", plan.continues.as_ref().map(string))
        .remove("stopId")
        .remove("doneId")
        .remove("failedId")
        .add("turns", number(1));
    if !begin.title.is_empty() {
        update = update.set_if_absent("title", string(title_of(begin)));
    }
    if let Some(turn) = plan.took_over() {
        update = update.set("prev", attribute::serialize(turn.run())?);
    }
    if plan.is_new_message(begin) {
        update = update.append("recent", vec![string(&prepared.mark)]);
    }
    if let ThreadCondition::Deleted(_) = plan.condition {
        update = TOMBSTONE_ATTRIBUTES
            .into_iter()
            .fold(update, Update::remove);
    }
    Ok(plan.condition.add_to(update, &prepared.mark))
}

impl Store {
    /// Begins the turn as planned, if the thread is as the plan assumes.
    pub(super) async fn try_begin(
        &self,
        prepared: &PreparedBegin<'_>,
        plan: &Plan,
    ) -> Result<Attempt, StoreError> {
        let (user, thread) = (prepared.begin.user, prepared.begin.thread);
        let update = begin_update(prepared, plan)?.returning(ReturnValue::AllOld);
        let updated = self
            .update(&keys::user(user), &keys::thread(thread), update)
            .await?;
        Ok(match updated {
            Updated::Applied(stored) => {
                let before = attribute::read(stored.clone())?;
                Attempt::Begun(Box::new(before), stored)
            }
            Updated::ConditionFailed(thread) => {
                Attempt::ConditionFailed(Box::new(attribute::read(thread)?))
            }
        })
    }
}
