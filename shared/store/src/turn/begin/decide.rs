//! The decision of a begin on the thread that it finds: a pure function.
//!
//! | begin of | none, done, failed | running | dead |
//! |---|---|---|---|
//! | another message, sent | begins | takes over, or busy | takes over |
//! | the same, sent again | done: answered; else begins | running | to be recovered |
//! | the same id, sent with another content | refused | refused | refused |
//! | one of the last few before it, sent again | looked for: answered or refused | the same | the same |
//! | the last message, edited or continued as it was before | as sent again | as sent again | as sent again |
//! | a message regenerated, edited or continued | begins | takes over, or busy | takes over |
//!
//! A begin that would take over while an earlier turn is not known to be over has to recover that
//! one first, and so has who asks for that turn's message, which may not be stored yet.

use crate::keys;
use crate::run::RunItem;
use crate::thread::item::{State, ThreadItem};

use super::{Digest, PreparedBegin, Question};

/// The input of the decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecisionInput<'a> {
    pub(crate) stream: &'a str,
    pub(crate) message: &'a str,
    pub(crate) digest: &'a Digest,
    /// The mark of the message's id; `None` if it is known that no message of this id is stored.
    pub(crate) mark: Option<&'a str>,
    pub(crate) question: Question,
    pub(crate) supersede: bool,
    pub(crate) now_ms: u64,
}

/// The decision on a begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// An earlier attempt of this very begin was applied, and only its answer got lost.
    AlreadyApplied,
    /// Applied already, and another turn has taken over since.
    AlreadyAppliedSuperseded(RunItem),
    /// An answer to the same question is running.
    Running,
    /// An answer to the question is stored.
    Answered,
    /// An answer to the same question was running in a process that died.
    Recover,
    /// An older message may have come under this id: it is to be looked for.
    MaybeOlder,
    /// An earlier turn is not known to be over.
    RecoverPrevious(RunItem),
    /// Another message is being answered.
    Busy,
    /// The message had another content before.
    DifferentMessage,
    /// The thread can be taken.
    Begin,
    /// The thread can be taken from a turn that has not ended.
    TakeOver,
}

pub(crate) fn decide(thread: &ThreadItem, input: &DecisionInput<'_>) -> Decision {
    if thread.deleted_at.is_some() {
        return Decision::Begin;
    }
    if thread.stream_id.as_deref() == Some(input.stream) {
        return Decision::AlreadyApplied;
    }
    if let Some(run) = thread
        .prev
        .as_ref()
        .filter(|run| run.stream_id == input.stream)
    {
        return Decision::AlreadyAppliedSuperseded(run.clone());
    }
    let state = thread.state(input.now_ms);
    if repeats(thread, input) {
        return match state {
            State::None | State::Failed => Decision::Begin,
            State::Done => Decision::Answered,
            State::Running => Decision::Running,
            State::Dead => Decision::Recover,
        };
    }
    if input.question == Question::Sent && is_about(thread, input.message) {
        return Decision::DifferentMessage;
    }
    if let Some(run) = thread.prev.as_ref().filter(|run| asks_for(run, input)) {
        return Decision::RecoverPrevious(run.clone());
    }
    if input.question == Question::Sent && remembers(thread, input) {
        return Decision::MaybeOlder;
    }
    match (state, &thread.prev) {
        (State::None | State::Done | State::Failed, _) => Decision::Begin,
        (State::Running, _) if !input.supersede => Decision::Busy,
        (State::Running | State::Dead, Some(run)) => Decision::RecoverPrevious(run.clone()),
        (State::Running | State::Dead, None) => Decision::TakeOver,
    }
}

/// Returns true if the thread's current turn answers `message`.
pub(crate) fn is_about(thread: &ThreadItem, message: &str) -> bool {
    thread.last_msg.as_deref() == Some(message)
}

/// Returns true if the thread's current turn is of the same request.
pub(crate) fn repeats(thread: &ThreadItem, input: &DecisionInput<'_>) -> bool {
    input.question != Question::Regenerated
        && is_about(thread, input.message)
        && thread
            .last_hash
            .as_deref()
            .is_none_or(|stored| input.digest.repeats(stored))
}

/// Returns true if a message with such an id is among the thread's last ones.
fn remembers(thread: &ThreadItem, input: &DecisionInput<'_>) -> bool {
    input
        .mark
        .is_some_and(|mark| thread.recent.iter().any(|recent| recent == mark))
}

/// Returns true if the turn's message is the requested one.
fn asks_for(run: &RunItem, input: &DecisionInput<'_>) -> bool {
    keys::parts_of(&run.user_sk).is_some_and(|(_, message)| message.as_str() == input.message)
}

impl PreparedBegin<'_> {
    pub(super) fn decision_input(&self) -> DecisionInput<'_> {
        DecisionInput {
            stream: self.begin.stream.as_str(),
            message: self.begin.message.as_str(),
            digest: &self.digest,
            mark: Some(&self.mark),
            question: self.begin.question,
            supersede: self.begin.supersede,
            now_ms: self.begin.now_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [&str; 5] = ["none", "done", "failed", "running", "dead"];
    const NOW: u64 = 100;

    fn input(digest: &Digest, question: Question) -> DecisionInput<'_> {
        let mark = Some("mark");
        DecisionInput {
            stream: "new",
            message: "last",
            digest,
            mark,
            question,
            supersede: true,
            now_ms: NOW,
        }
    }

    fn thread(state: &str, with_previous: bool) -> ThreadItem {
        let run = |stream: &str| RunItem {
            stream_id: stream.to_owned(),
            ..RunItem::default()
        };
        let stream = || (state != "none").then(|| "old".to_owned());
        ThreadItem {
            created_at: Some(1),
            last_msg: Some("last".to_owned()),
            last_hash: Some(Digest::of("same", None).as_str().to_owned()),
            stream_id: stream(),
            done_id: if state == "done" {
                stream()
            } else {
                Some("older".to_owned())
            },
            failed_id: if state == "failed" {
                stream()
            } else {
                Some("oldest".to_owned())
            },
            lease: if state == "dead" { NOW - 1 } else { NOW },
            prev: with_previous.then(|| run("before")),
            ..ThreadItem::default()
        }
    }

    fn name(decision: &Decision) -> &'static str {
        match decision {
            Decision::AlreadyApplied => "ours",
            Decision::AlreadyAppliedSuperseded(_) => "ours, superseded",
            Decision::Running => "running",
            Decision::Answered => "answered",
            Decision::Recover => "recover",
            Decision::MaybeOlder => "maybe older",
            Decision::RecoverPrevious(_) => "recover previous",
            Decision::Busy => "busy",
            Decision::DifferentMessage => "different",
            Decision::Begin => "begin",
            Decision::TakeOver => "take over",
        }
    }

    /// Returns the decision for a begin that must not take over, or has to recover an earlier turn
    /// first.
    fn expected(
        outcome: &'static str,
        state: &str,
        supersede: bool,
        with_previous: bool,
    ) -> &'static str {
        match outcome {
            "take over" if state == "running" && !supersede => "busy",
            "take over" if with_previous => "recover previous",
            outcome => outcome,
        }
    }

    #[test]
    fn every_question_in_every_state_is_decided_as_the_table_says() {
        const AGAIN: [&str; 5] = ["begin", "answered", "begin", "running", "recover"];
        const FRESH: [&str; 5] = ["begin", "begin", "begin", "take over", "take over"];
        const REFUSED: [&str; 5] = ["different"; 5];
        use Question::{Continued, Edited, Regenerated, Sent};
        for (question, message, parts, outcome) in [
            (Sent, "last", "same", AGAIN),
            (Sent, "last", "other", REFUSED),
            (Sent, "other", "same", FRESH),
            (Sent, "other", "other", FRESH),
            (Regenerated, "last", "same", FRESH),
            (Regenerated, "last", "other", FRESH),
            (Regenerated, "other", "same", FRESH),
            (Regenerated, "other", "other", FRESH),
            (Edited, "last", "same", AGAIN),
            (Edited, "last", "other", FRESH),
            (Edited, "other", "same", FRESH),
            (Edited, "other", "other", FRESH),
            (Continued, "last", "same", AGAIN),
            (Continued, "last", "other", FRESH),
            (Continued, "other", "same", FRESH),
            (Continued, "other", "other", FRESH),
        ] {
            for (state, outcome) in STATES.into_iter().zip(outcome) {
                for (supersede, with_previous) in
                    [(true, false), (true, true), (false, false), (false, true)]
                {
                    let digest = Digest::of(parts, None);
                    let input = DecisionInput {
                        message,
                        supersede,
                        ..input(&digest, question)
                    };
                    let decision = decide(&thread(state, with_previous), &input);
                    assert_eq!(
                        name(&decision),
                        expected(outcome, state, supersede, with_previous),
                        "{question:?} {message} {parts} while {state}, supersede {supersede}, {with_previous}"
                    );
                }
            }
        }
    }

    #[test]
    fn who_asks_for_a_message_that_may_not_be_stored_recovers_it_first() {
        let digest = Digest::of("same", None);
        let user_sk = "M#0000000000001#0#other".to_owned();
        for state in STATES {
            let run = RunItem {
                stream_id: "before".to_owned(),
                user_sk: user_sk.clone(),
                ..RunItem::default()
            };
            let thread = ThreadItem {
                prev: Some(run),
                ..thread(state, true)
            };
            for question in [Question::Regenerated, Question::Edited, Question::Continued] {
                let input = DecisionInput {
                    message: "other",
                    ..input(&digest, question)
                };
                assert_eq!(
                    name(&decide(&thread, &input)),
                    "recover previous",
                    "{question:?} while {state}"
                );
            }
        }
    }

    #[test]
    fn a_message_that_the_thread_remembers_is_looked_for_in_every_state() {
        let digest = Digest::of("same", None);
        for state in STATES {
            let thread = ThreadItem {
                recent: vec!["mark".to_owned()],
                ..thread(state, false)
            };
            for (question, mark, looked_for) in [
                (Question::Sent, Some("mark"), true),
                (Question::Sent, Some("another"), false),
                (Question::Sent, None, false),
                (Question::Regenerated, Some("mark"), false),
            ] {
                let input = DecisionInput {
                    message: "older",
                    mark,
                    ..input(&digest, question)
                };
                let decision = name(&decide(&thread, &input));
                assert_eq!(
                    decision == "maybe older",
                    looked_for,
                    "{question:?} {mark:?} while {state}: {decision}"
                );
            }
        }
    }

    #[test]
    fn a_begin_recognises_itself_in_every_state() {
        let digest = Digest::of("other", None);
        for state in STATES {
            let input = DecisionInput {
                stream: "old",
                ..input(&digest, Question::Sent)
            };
            let expected = if state == "none" { "different" } else { "ours" };
            assert_eq!(
                name(&decide(&thread(state, true), &input)),
                expected,
                "{state}"
            );
            let input = DecisionInput {
                stream: "before",
                ..input
            };
            assert_eq!(
                name(&decide(&thread(state, true), &input)),
                "ours, superseded",
                "{state}"
            );
        }
    }

    #[test]
    fn a_thread_without_a_digest_takes_the_message_for_the_same() {
        let digest = Digest::of("other", None);
        let thread = ThreadItem {
            last_hash: None,
            ..thread("done", false)
        };
        assert_eq!(
            decide(&thread, &input(&digest, Question::Sent)),
            Decision::Answered
        );
    }

    #[test]
    fn a_question_whose_answer_went_on_is_answered() {
        let (plain, on) = (Digest::of("same", None), Digest::of("same", Some("answer")));
        let thread = ThreadItem {
            last_hash: Some(on.as_str().to_owned()),
            ..thread("done", false)
        };
        assert_eq!(
            decide(&thread, &input(&plain, Question::Sent)),
            Decision::Answered
        );
        assert_eq!(
            decide(&thread, &input(&on, Question::Continued)),
            Decision::Answered
        );
        let more = Digest::of("same", Some("answer and more"));
        assert_eq!(
            decide(&thread, &input(&more, Question::Continued)),
            Decision::Begin
        );
    }
}
