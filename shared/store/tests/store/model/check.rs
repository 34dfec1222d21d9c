//! The invariants at the end of a run.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use message::{MessageId, ThreadId};
use store::{StoredMessage, TurnLimits};

use crate::asking::{ALL, Ask, LEASE, NOON, ask, end, texts};

use super::world::World;

impl World<'_> {
    /// Lets all leases pass and somebody look, and then compares the table with the model.
    pub(super) async fn check(&mut self) {
        self.now_ms += LEASE + 1;
        self.touch(2).await;
        let thread = ask("m", "s", NOON).thread;
        let Some(current) = self.store.current_turn(&self.user, &thread).await.unwrap() else {
            assert!(self.turns.is_empty());
            return;
        };
        assert!(
            current.ended() && current.unfinished_previous.is_none(),
            "{current:?}"
        );
        let says_something = self
            .turns
            .last()
            .is_some_and(|turn| !turn.was_given_up && !self.text(self.turns.len() - 1).is_empty());
        assert_eq!(
            current.answered.is_some(),
            says_something,
            "what is answered can be shown"
        );
        self.check_items().await;
        let path = self
            .store
            .messages(&self.user, &thread, &ALL)
            .await
            .unwrap();
        assert_eq!(named(&path), self.path(self.last()), "the thread's path");
        for answer in self.turns.iter().map(|turn| &turn.ask.answer) {
            let Some(turn) = self.named(answer) else {
                continue;
            };
            let branch = self
                .store
                .branch(&self.user, &thread, answer, &ALL)
                .await
                .unwrap();
            assert_eq!(named(&branch), self.branch(turn), "the path of {answer}");
        }
        self.check_usage().await;
        self.check_quota().await;
    }

    /// Returns the turn whose answer is found by this id: the latest that is worth it.
    fn named(&self, answer: &MessageId) -> Option<usize> {
        let turns = (0..self.turns.len()).rev().filter(|&turn| {
            !self.turns[turn].was_given_up && self.turns[turn].ask.answer == *answer
        });
        turns
            .clone()
            .find(|&turn| !self.is_passed_over(turn))
            .or_else(|| turns.clone().next())
    }

    /// Checks that a turn's usage is counted once, by any process that ended it. Only its thread
    /// need not know of one that was given up for dead.
    async fn check_usage(&self) {
        let ended = self.turns.iter().filter(|turn| turn.has_ended);
        let (late, in_time): (Vec<_>, Vec<_>) = ended.partition(|turn| turn.was_late);
        let all = (late.len() + in_time.len()) as u64;
        let day = self.store.usage(&self.user, NOON).await.unwrap();
        assert_eq!(day.usage.input.unwrap_or_default(), all, "of the day");
        let thread = ask("m", "s", NOON).thread;
        let thread = self
            .store
            .thread(&self.user, &thread)
            .await
            .unwrap()
            .unwrap();
        let total = thread.usage.input.unwrap_or_default();
        assert!(
            (in_time.len() as u64..=all).contains(&total),
            "{total} of the thread, of {all}"
        );
    }

    /// Checks that there is one answer a turn, one item a question, and one mark on the thread.
    async fn check_items(&self) {
        let answers = self
            .turns
            .iter()
            .filter(|turn| !turn.was_given_up)
            .map(|turn| format!("M#{:013}#1#{}", turn.begun.at_ms, turn.ask.answer));
        let mut expected: Vec<String> = answers.collect();
        expected.sort();
        let (stored, questions): (Vec<_>, Vec<_>) = self
            .items(&format!("T#{}#t", self.user))
            .await
            .into_iter()
            .map(|item| item["sk"].as_s().unwrap().clone())
            .filter(|sk| !sk.contains("#~"))
            .partition(|sk| sk.contains("#1#"));
        assert_eq!(stored, expected, "one answer each");
        let asked = (0..self.questions.len())
            .filter(|&question| self.is_stored(question))
            .count();
        assert_eq!(questions.len(), asked, "each question once: {questions:?}");
        let user = self.items(&format!("U#{}", self.user)).await;
        let thread = user
            .iter()
            .find(|item| item["sk"].as_s().unwrap() == "T#t")
            .unwrap();
        let marks = ["doneId", "failedId"].map(|mark| thread.get(mark) == thread.get("streamId"));
        assert!(marks[0] != marks[1], "one terminal state: {thread:?}");
    }

    async fn items(&self, pk: &str) -> Vec<HashMap<String, AttributeValue>> {
        let query = self
            .engine
            .client
            .query()
            .table_name(&self.engine.table)
            .consistent_read(true);
        let query = query.key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
        query.send().await.unwrap().items.unwrap_or_default()
    }

    /// Checks that there is room for one more turn when all leases have passed, whatever died.
    async fn check_quota(&self) {
        let counted = self.turns.iter().filter(|turn| !turn.was_given_up).count() as u64;
        assert_eq!(
            self.store.usage(&self.user, NOON).await.unwrap().turns,
            counted
        );
        let limits = TurnLimits {
            per_day: counted + 1,
            parallel: 1,
        };
        let thread = ThreadId::parse("another").unwrap();
        let one_more = Ask {
            user: self.user.clone(),
            thread,
            limits,
            ..ask("m", "one-more", self.now_ms)
        };
        let turn = one_more.begun(self.store).await;
        end(self.store, &turn, "a").await;
        assert_eq!(self.store.usage(&self.user, NOON).await.unwrap().running, 0);
    }
}

fn named(path: &[StoredMessage]) -> Vec<(String, String)> {
    path.iter()
        .map(|message| message.id.to_string())
        .zip(texts(path))
        .collect()
}
