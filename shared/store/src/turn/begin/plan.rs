//! One try at a begin: what it writes, and what must hold for it.

use message::Role;

use crate::cursor::Cursor;
use crate::messages::find::MessageRef;
use crate::run::{Keys, OpenTurn, TurnKeys};
use crate::slot::QuotaSlot;
use crate::thread::item::ThreadItem;
use crate::{Store, StoreError, keys};

use super::decide::{is_about, repeats};
use super::{BeginTurn, PreparedBegin, Question};

/// The number of its last messages that a thread remembers, so that one of them is known when it is
/// sent again.
const MAX_REMEMBERED: usize = 6;

pub(super) struct Plan {
    pub(super) at_ms: u64,
    pub(super) user_sk: String,
    pub(super) answer_sk: String,
    /// The cuts of question and answer, see [`crate::messages::path`].
    pub(super) user_cut: Option<String>,
    pub(super) cut: Option<String>,
    /// The answer that this one goes on from.
    pub(super) continues: Option<String>,
    pub(super) condition: ThreadCondition,
}

/// The condition on the thread.
pub(super) enum ThreadCondition {
    /// It is not there: what is asked for can hardly be planned without having seen it.
    NoThread,
    /// Its last message is another, nothing is open, and the clock has moved on.
    AnotherMessage,
    /// It was deleted then.
    Deleted(u64),
    /// It has had no turn.
    NoTurn,
    /// This is its latest run, and has ended.
    Ended(String),
    /// This is its latest run, and has not ended.
    Open(OpenTurn),
}

/// The part of a turn that depends on the stored messages.
#[derive(Default)]
struct Placement {
    /// The question, if it is stored.
    question: Option<MessageRef>,
    /// The cut of a question that is not.
    user_cut: Option<String>,
    cut: Option<String>,
    continues: Option<String>,
}

impl Plan {
    pub(super) fn blind(prepared: &PreparedBegin<'_>) -> Self {
        let condition = match prepared.begin.question {
            Question::Sent => ThreadCondition::AnotherMessage,
            Question::Regenerated | Question::Edited | Question::Continued => {
                ThreadCondition::NoThread
            }
        };
        Self::new(
            prepared.begin,
            prepared.begin.now_ms,
            Placement::default(),
            condition,
        )
    }

    /// Returns the first turn of a thread whose name a deleted one had. Nothing that is left of
    /// that precedes it.
    fn over(prepared: &PreparedBegin<'_>, deleted_at: u64) -> Self {
        let at_ms = prepared.begin.now_ms.max(deleted_at.saturating_add(1));
        let placement = Placement {
            user_cut: Some(keys::FIRST_MESSAGE.to_owned()),
            ..Placement::default()
        };
        Self::new(
            prepared.begin,
            at_ms,
            placement,
            ThreadCondition::Deleted(deleted_at),
        )
    }

    fn new(
        begin: &BeginTurn<'_>,
        at_ms: u64,
        placement: Placement,
        condition: ThreadCondition,
    ) -> Self {
        let (user_sk, user_cut) = match placement.question {
            Some(question) => (question.sk, question.cut),
            None => (
                keys::message(at_ms, Role::User, begin.message),
                placement.user_cut,
            ),
        };
        let answer_sk = keys::message(at_ms, Role::Assistant, begin.answer);
        Self {
            at_ms,
            user_sk,
            answer_sk,
            user_cut,
            cut: placement.cut,
            continues: placement.continues,
            condition,
        }
    }

    /// Returns true if the question has not been stored before.
    pub(super) fn is_new_message(&self, begin: &BeginTurn<'_>) -> bool {
        self.user_sk == keys::message(self.at_ms, Role::User, begin.message)
    }

    /// Returns the keys of the turn, which begins in a thread that remembers so many messages.
    pub(super) fn keys(&self, prepared: &PreparedBegin<'_>, remembered: usize) -> TurnKeys {
        TurnKeys::new(Keys {
            forgets: remembered >= MAX_REMEMBERED,
            user_sk: self.user_sk.clone(),
            answer_sk: self.answer_sk.clone(),
            user_cut: self.user_cut.clone(),
            cut: self.cut.clone(),
            at_ms: self.at_ms,
            ..unplanned(prepared.begin, prepared.quota_slot.clone())
        })
    }

    /// Returns the bound before the question.
    pub(super) fn history(&self) -> Cursor {
        Cursor::before(&self.user_sk, self.user_cut.as_deref())
    }

    pub(super) fn took_over(&self) -> Option<&OpenTurn> {
        match &self.condition {
            ThreadCondition::Open(turn) => Some(turn),
            ThreadCondition::NoThread
            | ThreadCondition::AnotherMessage
            | ThreadCondition::Deleted(_)
            | ThreadCondition::NoTurn
            | ThreadCondition::Ended(_) => None,
        }
    }
}

/// Keys that do for ending a turn, and for nothing else.
pub(super) fn keys_unplanned(begin: &BeginTurn<'_>, quota_slot: QuotaSlot) -> TurnKeys {
    TurnKeys::new(unplanned(begin, quota_slot))
}

fn unplanned(begin: &BeginTurn<'_>, quota_slot: QuotaSlot) -> Keys {
    Keys {
        thread_pk: keys::user(begin.user),
        thread_sk: keys::thread(begin.thread),
        messages_pk: keys::messages(begin.user, begin.thread),
        journals_pk: keys::journals(begin.user, begin.thread),
        user_sk: String::new(),
        answer_sk: String::new(),
        user_cut: None,
        cut: None,
        message: begin.message.clone(),
        answer: begin.answer.clone(),
        stream: begin.stream.clone(),
        at_ms: begin.now_ms,
        forgets: false,
        quota_slot: Some(quota_slot),
    }
}

impl Store {
    /// Plans the next try by what the last one found. `open` is the turn to take over from.
    pub(super) async fn plan(
        &self,
        prepared: &PreparedBegin<'_>,
        thread: &ThreadItem,
        open: Option<OpenTurn>,
    ) -> Result<Plan, StoreError> {
        if let Some(deleted_at) = thread.deleted_at {
            return Ok(Plan::over(prepared, deleted_at));
        }
        let condition = match (open, &thread.stream_id) {
            (Some(open), _) => ThreadCondition::Open(open),
            (None, Some(stream)) => ThreadCondition::Ended(stream.clone()),
            (None, None) if thread.exists() => ThreadCondition::NoTurn,
            (None, None) => return Ok(Plan::blind(prepared)),
        };
        let placement = self.locate_among_messages(prepared, thread).await?;
        let at_ms = prepared
            .begin
            .now_ms
            .max(thread.last_activity_at.saturating_add(1));
        Ok(Plan::new(prepared.begin, at_ms, placement, condition))
    }

    async fn locate_among_messages(
        &self,
        prepared: &PreparedBegin<'_>,
        thread: &ThreadItem,
    ) -> Result<Placement, StoreError> {
        let question = prepared.begin.question;
        if repeats(thread, &prepared.decision_input()) {
            return Ok(repeated_placement(thread, question));
        }
        if question == Question::Sent {
            return Ok(Placement::default());
        }
        let stored = self.stored_question(prepared, thread).await?;
        Ok(match (question, stored) {
            (Question::Edited, Some(old)) => Placement {
                user_cut: Some(old.bound()),
                ..Placement::default()
            },
            (Question::Continued, stored) => {
                self.continuation_placement(prepared, thread, stored)
                    .await?
            }
            (_, Some(stored)) => Placement {
                cut: Some(keys::after(&stored.sk)),
                question: Some(stored),
                ..Placement::default()
            },
            (_, None) => Placement::default(),
        })
    }

    async fn stored_question(
        &self,
        prepared: &PreparedBegin<'_>,
        thread: &ThreadItem,
    ) -> Result<Option<MessageRef>, StoreError> {
        let begin = prepared.begin;
        if is_about(thread, begin.message.as_str()) && thread.user_sk.is_some() {
            return Ok(current_question(thread));
        }
        self.find_message(
            begin.user,
            begin.thread,
            begin.message,
            Some(Role::User),
            true,
        )
        .await
    }

    /// Plans a continued answer. It stays off the path, as does the answer that it replaced.
    async fn continuation_placement(
        &self,
        prepared: &PreparedBegin<'_>,
        thread: &ThreadItem,
        question: Option<MessageRef>,
    ) -> Result<Placement, StoreError> {
        let begin = prepared.begin;
        let current = thread
            .asst_sk
            .as_ref()
            .filter(|sk| keys::parts_of(sk).is_some_and(|(_, answer)| answer == *begin.answer));
        let answer = match current {
            // There is nothing in it to go on from, but in what it went on from.
            Some(_) if thread.has_failed() && thread.continues.is_some() => {
                thread.continues.clone().map(|sk| MessageRef {
                    sk,
                    cut: thread.cut.clone(),
                })
            }
            Some(sk) => Some(MessageRef {
                sk: sk.clone(),
                cut: thread.cut.clone(),
            }),
            None => {
                let role = Some(Role::Assistant);
                self.find_message(begin.user, begin.thread, begin.answer, role, true)
                    .await?
            }
        };
        let cut = match (&answer, &question) {
            (Some(answer), _) => Some(answer.bound()),
            (None, Some(question)) => Some(keys::after(&question.sk)),
            (None, None) => None,
        };
        Ok(Placement {
            question,
            cut,
            continues: answer.map(|answer| answer.sk),
            user_cut: None,
        })
    }
}

/// Plans a failed turn again: an answer that it may have put leaves the path.
fn repeated_placement(thread: &ThreadItem, question: Question) -> Placement {
    let Some(stored) = current_question(thread) else {
        return Placement::default();
    };
    if question == Question::Continued {
        let (cut, continues) = (thread.cut.clone(), thread.continues.clone());
        return Placement {
            question: Some(stored),
            cut,
            continues,
            user_cut: None,
        };
    }
    Placement {
        cut: Some(keys::after(&stored.sk)),
        question: Some(stored),
        ..Placement::default()
    }
}

fn current_question(thread: &ThreadItem) -> Option<MessageRef> {
    Some(MessageRef {
        sk: thread.user_sk.clone()?,
        cut: thread.user_cut.clone(),
    })
}
