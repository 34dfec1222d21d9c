//! A turn's beginning and end: who may answer which message of a thread, and when.
//!
//! # States
//! A thread item names its current turn (`streamId`), the message it answers (`lastMsg`), and until when it
//! lives (`lease`). The turn is *done* once `doneId = streamId`, *failed* once `failedId = streamId`, *dead* once
//! its lease has passed, and else *running*.
//!
//! | begin of | thread is new | running | done, failed or dead |
//! |---|---|---|---|
//! | the same message, sent again | – | [`BeginError::Running`] | begins: same key for the question, a new one for the answer |
//! | the same message, regenerated | – | begins: the older turn is superseded | the same |
//! | the same id, edited | – | begins: the older turn is superseded | begins: a new key for both |
//! | another message | begins | begins: the older turn is superseded | begins |
//!
//! Each begin gives the thread a `streamId` of its own, and whatever a turn writes to the thread later is
//! conditional on it: a superseded turn can no longer mark anything.
//!
//! # Round trips
//! The first write assumes the ordinary case: another message than the last, and a clock that has moved on. If that
//! does not hold, the refusal brings the item, and one more write, on condition that `streamId` has not changed,
//! takes its values from there: the question's key, and a time after the last. More are needed only while other
//! begins win in between.
//!
//! A message is recognised as sent again if it was the thread's last. A regenerated one may be older, and so is
//! looked for among the messages.
//!
//! # Order
//! [`Store::begin_turn`] is first. [`Store::put_user_message`] may run beside the model call, but must have succeeded
//! before anything of the answer is shown. [`Store::put_answer`] comes after it, and [`Store::finish_turn`] last, not
//! beside it: `doneId` promises that the answer is there.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use message::{MessageId, Role, StreamId, ThreadId, UserId};

use crate::item::{self, number, string};
use crate::thread::{ThreadItem, Verdict};
use crate::{Store, StoreError, keys};

/// How often one begin is tried while others win in between.
const ATTEMPTS: usize = 8;
const TITLE_CHARS: usize = 80;

/// The ordinary case: not the message that is being answered, and the clock has moved on.
const ANOTHER_MESSAGE: &str = "(attribute_not_exists(lastMsg) OR lastMsg <> :message) \
     AND (attribute_not_exists(lastActivityAt) OR lastActivityAt < :at)";
const NO_THREAD: &str = "attribute_not_exists(createdAt)";
const NO_TURN: &str = "attribute_not_exists(streamId)";
const SEEN_TURN: &str = "streamId = :seen";

/// What a turn is begun with.
#[derive(Debug, Clone, Copy)]
pub struct BeginTurn<'a> {
    /// Who asks.
    pub user: &'a UserId,
    /// The thread, created if the user has none of this name.
    pub thread: &'a ThreadId,
    /// The user's message.
    pub message: &'a MessageId,
    /// This run. Never used before.
    pub stream: &'a StreamId,
    /// The message this run will answer with: one never used before, or the answer that it goes on with. Of two stored
    /// messages with one id, the later holds all that the earlier does.
    pub answer: &'a MessageId,
    /// The title of a thread that has none; its first 80 characters are kept. Empty: left for a later turn.
    pub title: &'a str,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// How long the turn may live.
    pub lease_ms: u64,
    /// What there is to the message.
    pub question: Question,
}

/// What a begin says of the user's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// It is sent: for the first time, or again because the client got no answer.
    Sent,
    /// It has been answered and is to be answered anew.
    Regenerated,
    /// It keeps its id but says something else now. What it said before stays stored beside it.
    Edited,
}

/// A turn that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunTurn {
    /// What the turn's other operations need.
    pub keys: TurnKeys,
    /// Whether the thread is new.
    pub new_thread: bool,
    /// The thread's `lastActivityAt` from now on: now, or a little later if turns come faster than the clock.
    pub at_ms: u64,
}

/// Where the parts of one turn are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnKeys {
    pub(crate) thread_pk: String,
    pub(crate) thread_sk: String,
    pub(crate) messages_pk: String,
    pub(crate) user_sk: String,
    pub(crate) answer_sk: String,
    pub(crate) message: MessageId,
    pub(crate) answer: MessageId,
    pub(crate) stream: StreamId,
}

impl TurnKeys {
    /// The run these keys belong to.
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    fn new(begin: &BeginTurn<'_>, user_sk: String, answer_sk: String) -> Self {
        Self {
            thread_pk: keys::user(begin.user),
            thread_sk: keys::thread(begin.thread),
            messages_pk: keys::messages(begin.user, begin.thread),
            user_sk,
            answer_sk,
            message: begin.message.clone(),
            answer: begin.answer.clone(),
            stream: begin.stream.clone(),
        }
    }
}

/// Why a turn did not begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The same message is being answered.
    #[error("the message is being answered by {stream}")]
    Running {
        /// The run that answers it.
        stream: StreamId,
    },
    /// The table did not do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a turn ended, for the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnOutcome {
    /// The answer is stored, whatever its status.
    Done,
    /// There is no answer: the same message sent again is a first try, not a repetition.
    Failed,
}

/// What became of the mark that ends a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The thread shows that the turn is over.
    Recorded,
    /// Another turn has taken the thread over, and the mark was left out.
    Superseded,
}

/// One try at a begin: what it writes, and what must hold for it.
struct Plan {
    at_ms: u64,
    user_sk: String,
    condition: &'static str,
    seen: Option<String>,
}

impl Plan {
    fn blind(begin: &BeginTurn<'_>) -> Self {
        Self {
            at_ms: begin.now_ms,
            user_sk: keys::message(begin.now_ms, Role::User, begin.message),
            condition: match begin.question {
                Question::Regenerated => NO_THREAD,
                Question::Sent | Question::Edited => ANOTHER_MESSAGE,
            },
            seen: None,
        }
    }

    fn after(begin: &BeginTurn<'_>, thread: &ThreadItem, user_sk: Option<String>) -> Self {
        let at_ms = begin.now_ms.max(thread.last_activity_at + 1);
        Self {
            at_ms,
            user_sk: user_sk.unwrap_or_else(|| keys::message(at_ms, Role::User, begin.message)),
            condition: if thread.stream_id.is_some() { SEEN_TURN } else { NO_TURN },
            seen: thread.stream_id.clone(),
        }
    }

    fn answer_sk(&self, begin: &BeginTurn<'_>) -> String {
        keys::message(self.at_ms, Role::Assistant, begin.answer)
    }
}

enum Attempt {
    Begun { new_thread: bool },
    Refused(Box<ThreadItem>),
}

impl Store {
    /// Begins a turn: creates or touches the thread, and makes this its current turn.
    pub async fn begin_turn(&self, begin: &BeginTurn<'_>) -> Result<BegunTurn, BeginError> {
        let mut plan = Plan::blind(begin);
        for _ in 0..ATTEMPTS {
            let thread = match self.try_begin(begin, &plan).await? {
                Attempt::Begun { new_thread } => {
                    let answer_sk = plan.answer_sk(begin);
                    let keys = TurnKeys::new(begin, plan.user_sk, answer_sk);
                    return Ok(BegunTurn { keys, new_thread, at_ms: plan.at_ms });
                }
                Attempt::Refused(thread) => thread,
            };
            match thread.judge(begin) {
                Verdict::Ours => return Ok(begun_before(begin, *thread)),
                Verdict::Running => return Err(running(&thread)?),
                Verdict::Free if !thread.exists() => plan = Plan::blind(begin),
                Verdict::Free => plan = Plan::after(begin, &thread, self.question_sk(begin, &thread).await?),
            }
        }
        Err(StoreError::Conflict { operation: "UpdateItem" }.into())
    }

    /// Gives up a turn of which it is not known whether it has begun: the begin may have been written though its
    /// answer got lost, and would count as running until its lease is over.
    pub async fn abandon_turn(&self, begin: &BeginTurn<'_>) -> Result<Finished, StoreError> {
        let (user_sk, answer_sk) = (String::new(), String::new());
        self.finish_turn(&TurnKeys::new(begin, user_sk, answer_sk), TurnOutcome::Failed).await
    }

    /// Marks the turn as over, unless another has taken the thread over. May be repeated.
    pub async fn finish_turn(&self, keys: &TurnKeys, outcome: TurnOutcome) -> Result<Finished, StoreError> {
        let mark = match outcome {
            TurnOutcome::Done => "SET doneId = :stream",
            TurnOutcome::Failed => "SET failedId = :stream",
        };
        let sent = self
            .client
            .update_item()
            .table_name(&*self.table)
            .key("pk", string(&keys.thread_pk))
            .key("sk", string(&keys.thread_sk))
            .update_expression(mark)
            .condition_expression("streamId = :stream")
            .expression_attribute_values(":stream", string(keys.stream.as_str()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Finished::Recorded),
            Err(error) if refused_item(&error).is_some() => Ok(Finished::Superseded),
            Err(error) => Err(StoreError::of("UpdateItem", error)),
        }
    }

    async fn try_begin(&self, begin: &BeginTurn<'_>, plan: &Plan) -> Result<Attempt, StoreError> {
        let mut update = String::from(
            "SET createdAt = if_not_exists(createdAt, :at), lastActivityAt = :at, lastMsg = :message, \
             userSk = :user, asstSk = :answer, streamId = :stream, lease = :lease",
        );
        let mut request = self.client.update_item();
        if !begin.title.is_empty() {
            let title: String = begin.title.chars().take(TITLE_CHARS).collect();
            update.push_str(", title = if_not_exists(title, :title)");
            request = request.expression_attribute_values(":title", string(title));
        }
        if let Some(seen) = &plan.seen {
            request = request.expression_attribute_values(":seen", string(seen));
        }
        update.push_str(" REMOVE stopId ADD turns :one");
        let sent = request
            .table_name(&*self.table)
            .key("pk", string(keys::user(begin.user)))
            .key("sk", string(keys::thread(begin.thread)))
            .update_expression(update)
            .condition_expression(plan.condition)
            .expression_attribute_values(":at", number(plan.at_ms))
            .expression_attribute_values(":message", string(begin.message.as_str()))
            .expression_attribute_values(":user", string(&plan.user_sk))
            .expression_attribute_values(":answer", string(plan.answer_sk(begin)))
            .expression_attribute_values(":stream", string(begin.stream.as_str()))
            .expression_attribute_values(":lease", number(begin.now_ms.saturating_add(begin.lease_ms)))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let before: ThreadItem = item::read(answer.attributes.unwrap_or_default())?;
                Ok(Attempt::Begun { new_thread: !before.exists() })
            }
            Err(error) => match refused_item(&error) {
                Some(thread) => item::read(thread).map(|thread| Attempt::Refused(Box::new(thread))),
                None => Err(StoreError::of("UpdateItem", error)),
            },
        }
    }

    /// The key the question has already, if it is stored.
    async fn question_sk(
        &self,
        begin: &BeginTurn<'_>,
        thread: &ThreadItem,
    ) -> Result<Option<String>, StoreError> {
        match begin.question {
            Question::Edited => Ok(None),
            _ if thread.is_about(begin) => Ok(thread.user_sk.clone()),
            Question::Sent => Ok(None),
            Question::Regenerated => self.find_question(begin.user, begin.thread, begin.message).await,
        }
    }
}

/// The item that failed the condition, if that is what the error is about; empty where there is none.
fn refused_item<R>(error: &SdkError<UpdateItemError, R>) -> Option<item::Item> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
            Some(refusal.item.clone().unwrap_or_default())
        }
        _ => None,
    }
}

/// The same begin, sent twice because the first answer got lost on the way.
fn begun_before(begin: &BeginTurn<'_>, thread: ThreadItem) -> BegunTurn {
    let at_ms = thread.last_activity_at;
    let user_sk = thread.user_sk.unwrap_or_else(|| keys::message(at_ms, Role::User, begin.message));
    let answer_sk = thread.asst_sk.unwrap_or_else(|| keys::message(at_ms, Role::Assistant, begin.answer));
    BegunTurn { keys: TurnKeys::new(begin, user_sk, answer_sk), new_thread: thread.turns == 1, at_ms }
}

fn running(thread: &ThreadItem) -> Result<BeginError, StoreError> {
    match thread.stream()? {
        Some(stream) => Ok(BeginError::Running { stream }),
        None => Err(StoreError::corrupt(&thread.pk, &thread.sk, "a running turn has no stream")),
    }
}
