//! A thread, what is asked of it, and what the model says must become of it.

use std::collections::BTreeMap;

use message::{MessageId, StreamId, UserId};
use store::{Begin, BegunTurn, OpenTurn, Question, Store, TurnSignal, TurnUsage};
use tokio::task::JoinSet;

use crate::asking::{
    Ask, LEASE, NOON, NOTHING_USED, ask, end_using, put_question, recover, text_parts,
};
use crate::engine::Engine;

use super::Event;

/// The usage of each turn.
const USED: TurnUsage = TurnUsage {
    input: Some(1),
    ..NOTHING_USED
};

/// A turn of the model.
pub(super) struct Turn {
    pub(super) ask: Ask,
    pub(super) begun: BegunTurn,
    pub(super) question: usize,
    /// True if the model produces content.
    pub(super) says: bool,
    pub(super) has_ended: bool,
    /// True if it had been recovered by then.
    pub(super) was_late: bool,
    pub(super) was_given_up: bool,
    pub(super) recovered: Option<String>,
}

pub(super) struct Asked {
    pub(super) message: MessageId,
    pub(super) parts: String,
    /// The turn that was the last when it came.
    pub(super) follows: Option<usize>,
}

pub(super) struct World<'a> {
    pub(super) engine: &'a Engine,
    pub(super) store: &'a Store,
    pub(super) user: UserId,
    pub(super) now_ms: u64,
    pub(super) turns: Vec<Turn>,
    pub(super) questions: Vec<Asked>,
    pub(super) runs: usize,
}

fn text_of(stream: &str) -> String {
    format!("all of {stream}")
}

impl World<'_> {
    fn ask(&mut self, message: &str, parts: &str, question: Question) -> Ask {
        self.runs += 1;
        Ask {
            user: self.user.clone(),
            parts: parts.to_owned(),
            question,
            ..ask(message, &format!("s{}", self.runs), self.now_ms)
        }
    }

    /// Returns the content that a recoverer finds of a turn: a part of it, or none yet.
    fn found_of(&self, open: &OpenTurn) -> String {
        let turn = self
            .turns
            .iter()
            .find(|turn| &turn.ask.stream == open.stream());
        let says = turn.is_some_and(|turn| turn.says);
        let length = open.stream().as_str().len() + self.turns.len();
        if says && !length.is_multiple_of(3) {
            format!("part of {}", open.stream())
        } else {
            String::new()
        }
    }

    async fn recover(&mut self, open: &OpenTurn, readers: usize) {
        let text = self.found_of(open);
        let mut recoveries = JoinSet::new();
        for _ in 0..readers {
            let (store, open, text, now_ms) =
                (self.store.clone(), open.clone(), text.clone(), self.now_ms);
            recoveries.spawn(async move { recover(&store, &open, &text, now_ms).await });
        }
        while let Some(recovered) = recoveries.join_next().await {
            recovered.unwrap();
        }
        let turn = self
            .turns
            .iter_mut()
            .find(|turn| &turn.ask.stream == open.stream());
        turn.expect("only turns that began are recovered")
            .recovered
            .get_or_insert(text);
    }

    async fn begin(&mut self, ask: &Ask, clients: usize) -> Option<BegunTurn> {
        loop {
            let mut begins = JoinSet::new();
            for client in 0..clients {
                let mut ask = ask.clone();
                if client > 0 {
                    ask.stream = StreamId::parse(&format!("{}-{client}", ask.stream)).unwrap();
                }
                let store = self.store.clone();
                begins.spawn(async move { ask.begin(&store).await.unwrap() });
            }
            let mut begun = None;
            let mut open = None;
            while let Some(begin) = begins.join_next().await {
                match begin.unwrap() {
                    Begin::Begun(turn) => {
                        assert_eq!(begun.replace(turn), None, "two equal messages began");
                    }
                    Begin::Recover(turn) => open = Some(turn),
                    Begin::Answered(turn) => {
                        let answer = self
                            .store
                            .answer_of(&turn)
                            .await
                            .unwrap()
                            .expect("it is answered");
                        assert_ne!(&*answer.parts, "[]", "there is something to show");
                    }
                    Begin::Running(turn) => assert!(!turn.is_dead(self.now_ms)),
                }
            }
            match (begun, open) {
                (Some(turn), _) => return Some(turn),
                (None, Some(open)) => self.recover(&open, 1).await,
                (None, None) => return None,
            }
        }
    }

    /// Begins a turn about the question, unless that is being answered or has been.
    async fn turn(&mut self, ask: Ask, clients: usize, question: usize, says: bool) {
        let is_new = self.turns.iter().all(|turn| turn.question != question);
        let Some(begun) = self.begin(&ask, clients).await else {
            assert!(!is_new, "a new question always begins");
            return;
        };
        let ask = Ask {
            stream: begun.keys.stream().clone(),
            ..ask
        };
        if !begun.question_inlined {
            put_question(self.store, &ask, &begun).await;
        }
        self.turns.push(Turn {
            ask,
            begun,
            question,
            says,
            has_ended: false,
            was_late: false,
            was_given_up: false,
            recovered: None,
        });
    }

    pub(super) fn last(&self) -> Option<usize> {
        self.turns.len().checked_sub(1)
    }

    /// Returns true if the turn's answer replaces another, and has no content.
    pub(super) fn is_passed_over(&self, turn: usize) -> bool {
        !self.is_first(turn) && self.text(turn).is_empty()
    }

    /// Returns true if the turn's question is new.
    fn is_first(&self, turn: usize) -> bool {
        self.turns[..turn]
            .iter()
            .all(|earlier| earlier.question != self.turns[turn].question)
    }

    /// Returns the message's latest question: the current turn's, or the newest that somebody has
    /// stored or will.
    fn question_of(&self, message: &MessageId) -> Option<usize> {
        let last = self.turns.last()?.question;
        if &self.questions[last].message == message {
            return Some(last);
        }
        (0..self.questions.len())
            .rev()
            .find(|&index| &self.questions[index].message == message && self.is_stored(index))
    }

    pub(super) fn is_stored(&self, question: usize) -> bool {
        self.turns
            .iter()
            .any(|turn| turn.question == question && !turn.was_given_up)
    }

    fn some_message(&self, choice: usize) -> Option<usize> {
        let messages: BTreeMap<&str, usize> = (0..self.questions.len())
            .filter_map(|index| {
                let message = &self.questions[index].message;
                Some((message.as_str(), self.question_of(message)?))
            })
            .collect();
        messages
            .values()
            .nth(choice % messages.len().max(1))
            .copied()
    }

    pub(super) async fn happen(&mut self, event: &Event) {
        self.now_ms += 10;
        match *event {
            Event::Send {
                clients,
                is_long,
                says,
            } => {
                let message = format!("m{}", self.runs);
                let parts = text_parts(&format!(
                    "{message} {}",
                    if is_long { noise(3_000) } else { String::new() }
                ));
                let ask = self.ask(&message, &parts, Question::Sent);
                let follows = self.last();
                self.questions.push(Asked {
                    message: id(&message),
                    parts,
                    follows,
                });
                self.turn(ask, clients, self.questions.len() - 1, says)
                    .await;
            }
            Event::Again { says } => {
                let Some(last) = self.turns.last() else {
                    return;
                };
                let (question, text) = (last.question, self.text(self.turns.len() - 1));
                let Asked { message, parts, .. } = &self.questions[question];
                let (message, parts) = (message.to_string(), parts.clone());
                let ask = self.ask(&message, &parts, Question::Sent);
                let turns = self.turns.len();
                self.turn(ask, 1, question, says).await;
                let began = self.turns.len() > turns;
                assert!(
                    !began || text.is_empty(),
                    "an answer exists, and was asked for again"
                );
            }
            Event::Regenerate { message, says } => {
                let Some(question) = self.some_message(message) else {
                    return;
                };
                let Asked { message, parts, .. } = &self.questions[question];
                let (message, parts) = (message.to_string(), parts.clone());
                let ask = self.ask(&message, &parts, Question::Regenerated);
                self.turn(ask, 1, question, says).await;
            }
            Event::Edit { message, says } => {
                let Some(old) = self.some_message(message) else {
                    return;
                };
                let Asked {
                    message, follows, ..
                } = &self.questions[old];
                let (message, follows) = (message.to_string(), *follows);
                let parts = text_parts(&format!("{message} edited {}", self.runs));
                let ask = self.ask(&message, &parts, Question::Edited);
                self.questions.push(Asked {
                    message: id(&message),
                    parts,
                    follows,
                });
                self.turn(ask, 1, self.questions.len() - 1, says).await;
            }
            Event::Continue { says } => {
                let Some(last) = self.turns.last().filter(|turn| !turn.was_given_up) else {
                    return;
                };
                let (question, answer) = (last.question, last.ask.answer.clone());
                let Asked { message, parts, .. } = &self.questions[question];
                let (message, parts) = (message.to_string(), parts.clone());
                let ask = self.ask(&message, &parts, Question::Continued);
                let continued = Some(text_parts(&format!("added before {}", self.runs)));
                self.turn(
                    Ask {
                        continued,
                        answer,
                        ..ask
                    },
                    1,
                    question,
                    says,
                )
                .await;
            }
            Event::GiveUp { regenerate } => self.give_up(regenerate).await,
            Event::Put { turn } => {
                if let Some(turn) = self.process(turn) {
                    let turn = &self.turns[turn];
                    put_question(self.store, &turn.ask, &turn.begun).await;
                }
            }
            Event::End { turn } => {
                if let Some(turn) = self.process(turn) {
                    let turn = &mut self.turns[turn];
                    put_question(self.store, &turn.ask, &turn.begun).await;
                    let text = if turn.says {
                        text_of(turn.ask.stream.as_str())
                    } else {
                        String::new()
                    };
                    end_using(self.store, &turn.begun, &text, &USED).await;
                    turn.has_ended = true;
                    turn.was_late = self.now_ms > turn.ask.now_ms + LEASE;
                }
            }
            Event::Stop => self.stop().await,
            Event::Sleep => self.now_ms += LEASE,
            Event::Touch { readers } => self.touch(readers).await,
        }
    }

    async fn give_up(&mut self, regenerate: bool) {
        let turns = self.turns.len();
        let event = match regenerate {
            true => Event::Regenerate {
                message: 0,
                says: false,
            },
            false => Event::Send {
                clients: 1,
                is_long: false,
                says: false,
            },
        };
        Box::pin(self.happen(&event)).await;
        if self.turns.len() > turns {
            let turn = self.turns.last_mut().unwrap();
            turn.ask.abandon(self.store).await;
            turn.was_given_up = true;
        }
    }

    /// Returns a turn whose process has not ended it yet.
    fn process(&self, choice: usize) -> Option<usize> {
        let processes: Vec<_> = (0..self.turns.len())
            .filter(|&turn| !self.turns[turn].has_ended && !self.turns[turn].was_given_up)
            .collect();
        processes.get(choice % processes.len().max(1)).copied()
    }

    async fn stop(&self) {
        let thread = &ask("m", "s", NOON).thread;
        let stopped = self
            .store
            .stop_turn(&self.user, thread, None)
            .await
            .unwrap();
        for turn in self
            .turns
            .iter()
            .filter(|turn| !turn.has_ended && turn.recovered.is_none())
        {
            let is_stopped = stopped
                .as_ref()
                .is_some_and(|open| open.stream() == &turn.ask.stream);
            let signal = self.store.watch_turn(&turn.begun.keys).await.unwrap();
            assert_eq!(
                signal == TurnSignal::StopRequested,
                is_stopped,
                "{}",
                turn.ask.stream
            );
        }
    }

    pub(super) async fn touch(&mut self, readers: usize) {
        let thread = ask("m", "s", NOON).thread;
        let Some(current) = self.store.current_turn(&self.user, &thread).await.unwrap() else {
            return;
        };
        let dead = current.open.filter(|open| open.is_dead(self.now_ms));
        for open in current.unfinished_previous.into_iter().chain(dead) {
            self.recover(&open, readers).await;
        }
    }

    /// Returns the final content of the turn's answer.
    pub(super) fn text(&self, turn: usize) -> String {
        let turn = &self.turns[turn];
        match (turn.has_ended, &turn.recovered) {
            (true, _) if turn.says => text_of(turn.ask.stream.as_str()),
            (false, Some(text)) => text.clone(),
            _ => String::new(),
        }
    }

    /// Returns the path that ends in the turn's answer, newest first: ids and texts.
    pub(super) fn branch(&self, turn: usize) -> Vec<(String, String)> {
        let text = self.text(turn);
        let answer = self.turns[turn].ask.answer.to_string();
        let mut path = vec![(
            answer,
            if text.is_empty() {
                "-".to_owned()
            } else {
                text
            },
        )];
        path.extend(self.asked(self.turns[turn].question));
        path
    }

    /// Returns the path that ends in the question.
    fn asked(&self, question: usize) -> Vec<(String, String)> {
        let Asked {
            message,
            parts,
            follows,
        } = &self.questions[question];
        let mut path = vec![(message.to_string(), texts_of(parts))];
        path.extend(self.path(*follows));
        path
    }

    /// Returns the path when `turn` was the last there was: that of its answer, or what else there
    /// is.
    pub(super) fn path(&self, turn: Option<usize>) -> Vec<(String, String)> {
        let Some(turn) = turn else { return Vec::new() };
        let question = self.turns[turn].question;
        if !self.turns[turn].was_given_up && !self.is_passed_over(turn) {
            self.branch(turn)
        } else if self.is_first(turn) && self.is_stored(question) {
            self.asked(question)
        } else {
            self.path(turn.checked_sub(1))
        }
    }
}

fn id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

fn noise(length: usize) -> String {
    crate::long_messages::noise(length, 5)
}

fn texts_of(parts: &str) -> String {
    let parts: serde_json::Value = serde_json::from_str(parts).unwrap();
    parts[0]["text"].as_str().unwrap_or("-").to_owned()
}
