//! The write that begins a turn.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use crate::attribute::{self, Item, condition_failed, number, string};
use crate::thread::item::ThreadItem;
use crate::{Store, StoreError, keys};

use super::plan::{Plan, ThreadCondition};
use super::{BeginTurn, PreparedBegin, lease};

const MAX_TITLE_CHARS: usize = 80;
/// The condition that the item is not the tombstone of a deleted thread, see [`crate::thread::delete`].
const NOT_DELETED: &str = "attribute_not_exists(deletedAt)";
/// Other attributes that a tombstone may hold.
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
    "(attribute_not_exists(streamId) OR doneId = streamId OR failedId = streamId)";

pub(super) enum Attempt {
    /// The turn has begun. The thread before, parsed and as it was stored.
    Begun(Box<ThreadItem>, Item),
    /// The plan does not fit the thread, which is this.
    ConditionFailed(Box<ThreadItem>),
}

/// The title that a begin gives to a thread without one.
pub(super) fn title_of(begin: &BeginTurn<'_>) -> String {
    begin.title.chars().take(MAX_TITLE_CHARS).collect()
}

impl ThreadCondition {
    fn expression(&self) -> String {
        match self {
            Self::Deleted(_) => "deletedAt = :deleted".to_owned(),
            Self::NoThread => format!("attribute_not_exists(createdAt) AND {NOT_DELETED}"),
            Self::AnotherMessage => format!(
                "(attribute_not_exists(lastMsg) OR lastMsg <> :message) \
                 AND (attribute_not_exists(lastActivityAt) OR lastActivityAt < :at) AND {NO_OPEN_TURN} \
                 AND NOT contains(recent, :mark) AND {NOT_DELETED}"
            ),
            Self::NoTurn => format!("attribute_not_exists(streamId) AND {NOT_DELETED}"),
            Self::Ended(_) => format!("streamId = :seen AND {NOT_DELETED}"),
            Self::Open(_) => format!(
                "streamId = :seen AND attribute_not_exists(prev) \
                 AND (attribute_not_exists(doneId) OR doneId <> :seen) \
                 AND (attribute_not_exists(failedId) OR failedId <> :seen) AND {NOT_DELETED}"
            ),
        }
    }

    fn seen(&self) -> Option<&str> {
        match self {
            Self::NoThread | Self::AnotherMessage | Self::Deleted(_) | Self::NoTurn => None,
            Self::Ended(stream) => Some(stream),
            Self::Open(turn) => Some(turn.stream().as_str()),
        }
    }
}

impl Store {
    pub(super) async fn try_begin(
        &self,
        prepared: &PreparedBegin<'_>,
        plan: &Plan,
    ) -> Result<Attempt, StoreError> {
        let begin = prepared.begin;
        let mut set = String::from(
            "SET createdAt = if_not_exists(createdAt, :at), lastActivityAt = :at, lastMsg = :message, \
             lastHash = :hash, #model = :model, userSk = :user, asstSk = :answer, streamId = :stream, \
             lease = :lease",
        );
        let mut remove = String::from(" REMOVE stopId, doneId, failedId");
        let mut request = self.client.update_item();
        if !begin.title.is_empty() {
            set.push_str(", title = if_not_exists(title, :title)");
            request = request.expression_attribute_values(":title", string(title_of(begin)));
        }
        let question = prepared
            .inline_question
            .as_ref()
            .map(attribute::serialize)
            .transpose()?;
        let prev = plan
            .took_over()
            .map(|turn| attribute::serialize(turn.run()))
            .transpose()?;
        for (name, value) in [
            ("question", question),
            ("userCut", plan.user_cut.as_ref().map(string)),
            ("cut", plan.cut.as_ref().map(string)),
            ("continues", plan.continues.as_ref().map(string)),
        ] {
            match value {
                Some(value) => {
                    set.push_str(&format!(", {name} = :{name}"));
                    request = request.expression_attribute_values(format!(":{name}"), value);
                }
                None => remove.push_str(&format!(", {name}")),
            }
        }
        if let Some(prev) = prev {
            set.push_str(", prev = :prev");
            request = request.expression_attribute_values(":prev", prev);
        }
        if plan.is_new_message(begin) {
            set.push_str(", recent = list_append(if_not_exists(recent, :nothing), :marks)");
            request = request
                .expression_attribute_values(":nothing", AttributeValue::L(Vec::new()))
                .expression_attribute_values(
                    ":marks",
                    AttributeValue::L(vec![string(&prepared.mark)]),
                );
        }
        if let ThreadCondition::AnotherMessage = plan.condition {
            request = request.expression_attribute_values(":mark", string(&prepared.mark));
        }
        if let ThreadCondition::Deleted(deleted_at) = plan.condition {
            for name in TOMBSTONE_ATTRIBUTES {
                remove.push_str(&format!(", #{name}"));
                request = request.expression_attribute_names(format!("#{name}"), name);
            }
            request = request.expression_attribute_values(":deleted", number(deleted_at));
        }
        if let Some(seen) = plan.condition.seen() {
            request = request.expression_attribute_values(":seen", string(seen));
        }
        let sent = request
            .table_name(&*self.table)
            .key("pk", string(keys::user(begin.user)))
            .key("sk", string(keys::thread(begin.thread)))
            .update_expression(format!("{set}{remove} ADD turns :one"))
            .condition_expression(plan.condition.expression())
            .expression_attribute_names("#model", "model")
            .expression_attribute_values(":at", number(plan.at_ms))
            .expression_attribute_values(":message", string(begin.message.as_str()))
            .expression_attribute_values(":hash", string(prepared.digest.as_str()))
            .expression_attribute_values(":model", string(begin.model))
            .expression_attribute_values(":user", string(&plan.user_sk))
            .expression_attribute_values(":answer", string(&plan.answer_sk))
            .expression_attribute_values(":stream", string(begin.stream.as_str()))
            .expression_attribute_values(":lease", number(lease(begin)))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let stored = answer.attributes.unwrap_or_default();
                let before = attribute::read(stored.clone())?;
                Ok(Attempt::Begun(Box::new(before), stored))
            }
            Err(error) => match condition_failed(&error) {
                Some(thread) => {
                    attribute::read(thread).map(|thread| Attempt::ConditionFailed(Box::new(thread)))
                }
                None => Err(StoreError::of("UpdateItem", error)),
            },
        }
    }
}
