//! What a begin may do with the thread that it finds. Pure: the whole decision, and nothing else.
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
//! Whoever would take over while an earlier turn is not known to be over has to recover that one first, and so has
//! who asks for that turn's message, which may not be stored yet.

use crate::keys;
use crate::thread::{RunItem, State, ThreadItem};

use super::{Asked, Digest, Question};

/// What the decision depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) stream: &'a str,
    pub(crate) message: &'a str,
    pub(crate) digest: &'a Digest,
    /// The mark of the message's id; `None` if it is known that no message of this id is stored.
    pub(crate) mark: Option<&'a str>,
    pub(crate) question: Question,
    pub(crate) supersede: bool,
    pub(crate) now_ms: u64,
}

/// What a begin may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An earlier attempt of this very begin was applied, and only its answer got lost.
    Ours,
    /// The same, and another turn has taken over already.
    OursSuperseded(RunItem),
    /// The same is being answered.
    Running,
    /// The same has been answered.
    Answered,
    /// The same was being answered, by a process that died.
    Recover,
    /// An older message may have come under this id: it is to be looked for.
    MaybeOlder,
    /// An earlier turn is not known to be over.
    RecoverPrevious(RunItem),
    /// Another message is being answered.
    Busy,
    /// The message said something else before.
    DifferentMessage,
    /// The thread can be taken.
    Begin,
    /// The thread can be taken from a turn that has not ended.
    TakeOver,
}

pub(crate) fn judge(thread: &ThreadItem, asking: &Asking<'_>) -> Verdict {
    if thread.gone_at.is_some() {
        return Verdict::Begin;
    }
    if thread.stream_id.as_deref() == Some(asking.stream) {
        return Verdict::Ours;
    }
    if let Some(run) = thread
        .prev
        .as_ref()
        .filter(|run| run.stream_id == asking.stream)
    {
        return Verdict::OursSuperseded(run.clone());
    }
    let state = thread.state(asking.now_ms);
    if repeats(thread, asking) {
        return match state {
            State::None | State::Failed => Verdict::Begin,
            State::Done => Verdict::Answered,
            State::Running => Verdict::Running,
            State::Dead => Verdict::Recover,
        };
    }
    if asking.question == Question::Sent && is_about(thread, asking.message) {
        return Verdict::DifferentMessage;
    }
    if let Some(run) = thread.prev.as_ref().filter(|run| asks_for(run, asking)) {
        return Verdict::RecoverPrevious(run.clone());
    }
    if asking.question == Question::Sent && remembers(thread, asking) {
        return Verdict::MaybeOlder;
    }
    match (state, &thread.prev) {
        (State::None | State::Done | State::Failed, _) => Verdict::Begin,
        (State::Running, _) if !asking.supersede => Verdict::Busy,
        (State::Running | State::Dead, Some(run)) => Verdict::RecoverPrevious(run.clone()),
        (State::Running | State::Dead, None) => Verdict::TakeOver,
    }
}

/// Whether `message` is what the thread's current turn answers.
pub(crate) fn is_about(thread: &ThreadItem, message: &str) -> bool {
    thread.last_msg.as_deref() == Some(message)
}

/// Whether the thread's current turn was asked for the same.
pub(crate) fn repeats(thread: &ThreadItem, asking: &Asking<'_>) -> bool {
    asking.question != Question::Regenerated
        && is_about(thread, asking.message)
        && thread
            .last_hash
            .as_deref()
            .is_none_or(|stored| asking.digest.repeats(stored))
}

/// Whether a message with such an id was among the thread's last.
fn remembers(thread: &ThreadItem, asking: &Asking<'_>) -> bool {
    asking
        .mark
        .is_some_and(|mark| thread.recent.iter().any(|recent| recent == mark))
}

/// Whether the turn's message is what is asked for.
fn asks_for(run: &RunItem, asking: &Asking<'_>) -> bool {
    keys::parts_of(&run.user_sk).is_some_and(|(_, message)| message.as_str() == asking.message)
}

impl Asked<'_> {
    pub(super) fn asking(&self) -> Asking<'_> {
        Asking {
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

    fn asked(digest: &Digest, question: Question) -> Asking<'_> {
        let mark = Some("mark");
        Asking {
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

    fn name(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Ours => "ours",
            Verdict::OursSuperseded(_) => "ours, superseded",
            Verdict::Running => "running",
            Verdict::Answered => "answered",
            Verdict::Recover => "recover",
            Verdict::MaybeOlder => "maybe older",
            Verdict::RecoverPrevious(_) => "recover previous",
            Verdict::Busy => "busy",
            Verdict::DifferentMessage => "different",
            Verdict::Begin => "begin",
            Verdict::TakeOver => "take over",
        }
    }

    /// What one who must not take over is told, and one who has to recover an earlier turn first.
    fn expected(
        told: &'static str,
        state: &str,
        supersede: bool,
        with_previous: bool,
    ) -> &'static str {
        match told {
            "take over" if state == "running" && !supersede => "busy",
            "take over" if with_previous => "recover previous",
            told => told,
        }
    }

    #[test]
    fn every_question_in_every_state_is_decided_as_the_table_says() {
        const AGAIN: [&str; 5] = ["begin", "answered", "begin", "running", "recover"];
        const FRESH: [&str; 5] = ["begin", "begin", "begin", "take over", "take over"];
        const REFUSED: [&str; 5] = ["different"; 5];
        use Question::{Continued, Edited, Regenerated, Sent};
        for (question, message, parts, told) in [
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
            for (state, told) in STATES.into_iter().zip(told) {
                for (supersede, with_previous) in
                    [(true, false), (true, true), (false, false), (false, true)]
                {
                    let digest = Digest::of(parts, None);
                    let asking = Asking {
                        message,
                        supersede,
                        ..asked(&digest, question)
                    };
                    let verdict = judge(&thread(state, with_previous), &asking);
                    assert_eq!(
                        name(&verdict),
                        expected(told, state, supersede, with_previous),
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
                let asking = Asking {
                    message: "other",
                    ..asked(&digest, question)
                };
                assert_eq!(
                    name(&judge(&thread, &asking)),
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
                let asking = Asking {
                    message: "older",
                    mark,
                    ..asked(&digest, question)
                };
                let verdict = name(&judge(&thread, &asking));
                assert_eq!(
                    verdict == "maybe older",
                    looked_for,
                    "{question:?} {mark:?} while {state}: {verdict}"
                );
            }
        }
    }

    #[test]
    fn a_begin_recognises_itself_in_every_state() {
        let digest = Digest::of("other", None);
        for state in STATES {
            let asking = Asking {
                stream: "old",
                ..asked(&digest, Question::Sent)
            };
            let expected = if state == "none" { "different" } else { "ours" };
            assert_eq!(
                name(&judge(&thread(state, true), &asking)),
                expected,
                "{state}"
            );
            let asking = Asking {
                stream: "before",
                ..asking
            };
            assert_eq!(
                name(&judge(&thread(state, true), &asking)),
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
            judge(&thread, &asked(&digest, Question::Sent)),
            Verdict::Answered
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
            judge(&thread, &asked(&plain, Question::Sent)),
            Verdict::Answered
        );
        assert_eq!(
            judge(&thread, &asked(&on, Question::Continued)),
            Verdict::Answered
        );
        let more = Digest::of("same", Some("answer and more"));
        assert_eq!(
            judge(&thread, &asked(&more, Question::Continued)),
            Verdict::Begin
        );
    }
}
