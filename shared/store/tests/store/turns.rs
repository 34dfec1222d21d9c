//! Beginning and ending turns.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use message::{MessageId, Role, StreamId, ThreadId, UserId};
use store::{BeginError, BeginTurn, BegunTurn, Finished, History, Question, Store, TurnOutcome, UserMessage};
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::wire::{Step, Wire};

/// In the year 2100, so that no engine finds anything to have expired by its own clock.
pub(crate) const NOON: u64 = 4_102_444_800_000;
pub(crate) const LEASE: u64 = 60_000;

/// What a test says about a begin; the rest is the same everywhere.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) user: UserId,
    pub(crate) thread: ThreadId,
    pub(crate) message: MessageId,
    pub(crate) stream: StreamId,
    pub(crate) answer: MessageId,
    pub(crate) title: String,
    pub(crate) now_ms: u64,
    pub(crate) question: Question,
}

/// The run `run` of `message` at `now_ms`, in the thread `t` of the user `u`.
pub(crate) fn ask(message: &str, run: &str, now_ms: u64) -> Ask {
    Ask {
        user: UserId::parse("u").unwrap(),
        thread: ThreadId::parse("t").unwrap(),
        message: MessageId::parse(message).unwrap(),
        stream: StreamId::parse(run).unwrap(),
        answer: MessageId::parse(&format!("answer-{run}")).unwrap(),
        title: "a title".into(),
        now_ms,
        question: Question::Sent,
    }
}

impl Ask {
    fn turn(&self) -> BeginTurn<'_> {
        BeginTurn {
            user: &self.user,
            thread: &self.thread,
            message: &self.message,
            stream: &self.stream,
            answer: &self.answer,
            title: &self.title,
            now_ms: self.now_ms,
            lease_ms: LEASE,
            question: self.question,
        }
    }

    pub(crate) async fn begin(&self, store: &Store) -> Result<BegunTurn, BeginError> {
        store.begin_turn(&self.turn()).await
    }

    async fn abandon(&self, store: &Store) -> Finished {
        store.abandon_turn(&self.turn()).await.unwrap()
    }

    async fn thread(&self, store: &Store) -> store::Thread {
        store.thread(&self.user, &self.thread).await.unwrap().expect("the thread is there")
    }
}

pub(crate) async fn put_question(store: &Store, turn: &BegunTurn) {
    let question = UserMessage { parts: "[]", created_at_ms: turn.at_ms };
    store.put_user_message(&turn.keys, &question).await.unwrap();
}

fn running_stream(result: Result<BegunTurn, BeginError>) -> String {
    match result {
        Err(BeginError::Running { stream }) => stream.to_string(),
        other => panic!("not refused as running: {other:?}"),
    }
}

async fn questions(engine: &Engine) -> Vec<String> {
    let (user, thread) = (UserId::parse("u").unwrap(), ThreadId::parse("t").unwrap());
    let all = History { limit: 100, before: None, consistent: true };
    let messages = engine.store.messages(&user, &thread, &all).await.unwrap();
    messages
        .into_iter()
        .filter(|message| message.role == Role::User)
        .map(|message| message.id.to_string())
        .collect()
}

pub(crate) async fn a_first_message_creates_its_thread(engine: &Engine) {
    let ask = ask("m1", "s1", NOON);
    assert_eq!(engine.store.thread(&ask.user, &ask.thread).await.unwrap(), None);

    let turn = ask.begin(&engine.store).await.unwrap();
    assert!(turn.new_thread);
    assert_eq!(turn.at_ms, NOON);
    assert_eq!(turn.keys.stream(), &ask.stream);

    let thread = ask.thread(&engine.store).await;
    assert_eq!(thread.title.as_deref(), Some("a title"));
    assert_eq!((thread.created_at_ms, thread.last_activity_at_ms, thread.turns), (NOON, NOON, 1));
    assert_eq!(thread.running(NOON + LEASE), Some(&ask.stream));
    assert_eq!(thread.running(NOON + LEASE + 1), None, "the lease has passed");
}

pub(crate) async fn a_later_message_touches_the_thread_and_keeps_its_title(engine: &Engine) {
    let first = ask("m1", "s1", NOON).begin(&engine.store).await.unwrap();
    assert_eq!(engine.store.finish_turn(&first.keys, TurnOutcome::Done).await.unwrap(), Finished::Recorded);

    let ask = Ask { title: "another title".into(), ..ask("m2", "s2", NOON + 5_000) };
    assert_eq!(ask.thread(&engine.store).await.running(NOON), None, "the first turn is done");
    assert!(!ask.begin(&engine.store).await.unwrap().new_thread);

    let thread = ask.thread(&engine.store).await;
    assert_eq!(thread.title.as_deref(), Some("a title"));
    assert_eq!((thread.created_at_ms, thread.last_activity_at_ms, thread.turns), (NOON, NOON + 5_000, 2));
    assert_eq!(thread.running(NOON), Some(&ask.stream));
}

pub(crate) async fn a_thread_without_a_title_gets_the_first_there_is(engine: &Engine) {
    let picture = Ask { title: String::new(), ..ask("m1", "s1", NOON) };
    picture.begin(&engine.store).await.unwrap();
    assert_eq!(picture.thread(&engine.store).await.title, None);

    ask("m2", "s2", NOON + 1).begin(&engine.store).await.unwrap();
    assert_eq!(picture.thread(&engine.store).await.title.as_deref(), Some("a title"));
}

pub(crate) async fn a_long_title_is_cut_by_characters(engine: &Engine) {
    let long = Ask { title: "ä".repeat(200), ..ask("m1", "s1", NOON) };
    long.begin(&engine.store).await.unwrap();
    assert_eq!(long.thread(&engine.store).await.title, Some("ä".repeat(80)));
}

pub(crate) async fn activity_moves_on_though_the_clock_goes_back(engine: &Engine) {
    let mut times = Vec::new();
    for (run, now_ms) in
        [("s1", NOON), ("s2", NOON), ("s3", NOON - 60_000), ("s4", NOON + 1), ("s5", NOON + 100)]
    {
        let turn = ask(&format!("m-{run}"), run, now_ms).begin(&engine.store).await.unwrap();
        put_question(&engine.store, &turn).await;
        times.push(turn.at_ms - NOON);
    }
    assert_eq!(times, [0, 1, 2, 3, 100]);
    assert_eq!(questions(engine).await, ["m-s5", "m-s4", "m-s3", "m-s2", "m-s1"]);
}

pub(crate) async fn a_running_message_is_refused_with_its_stream(engine: &Engine) {
    ask("m1", "s1", NOON).begin(&engine.store).await.unwrap();
    let again = ask("m1", "s2", NOON + LEASE);
    assert_eq!(running_stream(again.begin(&engine.store).await), "s1");
    assert_eq!(ask("m1", "s1", NOON).thread(&engine.store).await.turns, 1);
}

pub(crate) async fn a_message_regenerated_while_it_runs_takes_over(engine: &Engine) {
    let first = ask("m1", "s1", NOON).begin(&engine.store).await.unwrap();
    put_question(&engine.store, &first).await;
    let again = Ask { question: Question::Regenerated, ..ask("m1", "s2", NOON + 1) };
    put_question(&engine.store, &again.begin(&engine.store).await.unwrap()).await;
    assert_eq!(questions(engine).await, ["m1"]);
    assert_eq!(again.thread(&engine.store).await.running(NOON + 1), Some(&again.stream));
}

pub(crate) async fn a_turn_that_was_given_up_does_not_block_its_message(engine: &Engine) {
    let lost = ask("m1", "s1", NOON);
    assert_eq!(lost.abandon(&engine.store).await, Finished::Superseded, "it had not begun");
    assert_eq!(engine.store.thread(&lost.user, &lost.thread).await.unwrap(), None);

    lost.begin(&engine.store).await.unwrap();
    assert_eq!(lost.abandon(&engine.store).await, Finished::Recorded);
    ask("m1", "s2", NOON + 1).begin(&engine.store).await.expect("the message is free again");
    assert_eq!(lost.abandon(&engine.store).await, Finished::Superseded, "another run is not touched");
}

pub(crate) async fn a_message_that_is_not_running_is_answered_anew_under_the_same_key(engine: &Engine) {
    let ended = [("done", Some(TurnOutcome::Done)), ("failed", Some(TurnOutcome::Failed)), ("dead", None)];
    for (index, (name, outcome)) in ended.into_iter().enumerate() {
        for question in [Question::Sent, Question::Regenerated] {
            let thread = ThreadId::parse(&format!("{name}-{question:?}")).unwrap();
            let first = Ask { thread: thread.clone(), ..ask("m1", "s1", NOON) };
            let first = first.begin(&engine.store).await.unwrap();
            if let Some(outcome) = outcome {
                engine.store.finish_turn(&first.keys, outcome).await.unwrap();
            }
            let later = NOON + LEASE + 1 + index as u64;
            let again = Ask { thread, question, ..ask("m1", "s2", later) };
            let begun = again.begin(&engine.store).await.unwrap();
            assert!(!begun.new_thread, "{name}");
            assert_eq!(begun.at_ms, later, "{name}");
            assert_eq!(again.thread(&engine.store).await.running(later), Some(&again.stream), "{name}");

            let late = engine.store.finish_turn(&first.keys, TurnOutcome::Done).await.unwrap();
            assert_eq!(late, Finished::Superseded, "{name}: the first run has nothing to mark any more");
            assert_eq!(again.thread(&engine.store).await.running(later), Some(&again.stream), "{name}");
        }
    }
}

pub(crate) async fn a_repeated_message_is_stored_once(engine: &Engine) {
    for run in ["s1", "s2", "s3"] {
        let turn = ask("m1", run, NOON).begin(&engine.store).await.unwrap();
        put_question(&engine.store, &turn).await;
        engine.store.finish_turn(&turn.keys, TurnOutcome::Failed).await.unwrap();
    }
    assert_eq!(questions(engine).await, ["m1"]);
}

pub(crate) async fn one_of_twenty_equal_begins_wins(engine: &Engine) {
    let mut begins = JoinSet::new();
    for run in 0..20 {
        let store = engine.store.clone();
        begins.spawn(async move { ask("m1", &format!("s{run}"), NOON).begin(&store).await });
    }
    let mut begun = Vec::new();
    let mut refused = BTreeSet::new();
    while let Some(result) = begins.join_next().await {
        match result.unwrap() {
            Ok(turn) => begun.push(turn.keys.stream().to_string()),
            other => _ = refused.insert(running_stream(other)),
        }
    }
    assert_eq!(begun.len(), 1);
    assert_eq!(refused.into_iter().collect::<Vec<_>>(), begun, "the others are told who runs");
}

pub(crate) async fn different_messages_at_one_instant_all_begin_in_some_order(engine: &Engine) {
    let mut begins = JoinSet::new();
    for run in 0..5 {
        let store = engine.store.clone();
        begins.spawn(async move { ask(&format!("m{run}"), &format!("s{run}"), NOON).begin(&store).await });
    }
    let mut times = BTreeSet::new();
    while let Some(result) = begins.join_next().await {
        times.insert(result.unwrap().unwrap().at_ms - NOON);
    }
    assert_eq!(times.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

pub(crate) async fn another_message_takes_over_a_running_turn(engine: &Engine) {
    let first = ask("m1", "s1", NOON).begin(&engine.store).await.unwrap();
    let second = ask("m2", "s2", NOON + 10).begin(&engine.store).await.unwrap();

    assert_eq!(engine.store.finish_turn(&first.keys, TurnOutcome::Done).await.unwrap(), Finished::Superseded);
    let running = ask("m2", "s3", NOON + 20).begin(&engine.store).await;
    assert_eq!(running_stream(running), "s2", "the first turn's end does not end the second");
    assert_eq!(engine.store.finish_turn(&second.keys, TurnOutcome::Done).await.unwrap(), Finished::Recorded);
}

pub(crate) async fn regenerating_an_older_message_does_not_store_it_again(engine: &Engine) {
    for (message, run, now_ms) in [("m1", "s1", NOON), ("m2", "s2", NOON + 1), ("m3", "s3", NOON + 2)] {
        let turn = ask(message, run, now_ms).begin(&engine.store).await.unwrap();
        put_question(&engine.store, &turn).await;
        engine.store.finish_turn(&turn.keys, TurnOutcome::Done).await.unwrap();
    }
    let again = Ask { question: Question::Regenerated, ..ask("m1", "s4", NOON + 3) };
    let turn = again.begin(&engine.store).await.unwrap();
    put_question(&engine.store, &turn).await;
    assert_eq!(questions(engine).await, ["m3", "m2", "m1"]);
    assert_eq!(turn.at_ms, NOON + 3, "the new answer comes last all the same");

    let unknown = Ask { question: Question::Regenerated, ..ask("m9", "s5", NOON + 4) };
    put_question(&engine.store, &unknown.begin(&engine.store).await.unwrap()).await;
    assert_eq!(questions(engine).await, ["m9", "m3", "m2", "m1"], "a message we never saw is stored");
}

pub(crate) async fn an_edited_message_is_stored_beside_what_it_was(engine: &Engine) {
    let first = ask("m1", "s1", NOON).begin(&engine.store).await.unwrap();
    put_question(&engine.store, &first).await;

    let edit = Ask { question: Question::Edited, ..ask("m1", "s2", NOON + 1) };
    let turn = edit.begin(&engine.store).await.expect("an edit takes over, also while the turn runs");
    put_question(&engine.store, &turn).await;
    assert_eq!(questions(engine).await, ["m1", "m1"]);
    assert_eq!(edit.thread(&engine.store).await.running(NOON + 1), Some(&edit.stream));
}

pub(crate) async fn the_same_thread_id_of_two_users_is_two_threads(engine: &Engine) {
    let mine = Ask { title: "mine".into(), ..ask("m1", "s1", NOON) };
    let theirs = Ask { title: "theirs".into(), user: UserId::parse("v").unwrap(), ..ask("m1", "s2", NOON) };
    put_question(&engine.store, &mine.begin(&engine.store).await.unwrap()).await;
    assert!(theirs.begin(&engine.store).await.unwrap().new_thread);

    assert_eq!(mine.thread(&engine.store).await.title.as_deref(), Some("mine"));
    assert_eq!(theirs.thread(&engine.store).await.title.as_deref(), Some("theirs"));
    let all = History { limit: 10, before: None, consistent: true };
    assert_eq!(engine.store.messages(&theirs.user, &theirs.thread, &all).await.unwrap(), []);
    assert_eq!(engine.store.messages(&mine.user, &mine.thread, &all).await.unwrap().len(), 1);
}

pub(crate) async fn a_begin_whose_answer_got_lost_is_not_refused(engine: &Engine) {
    let wire = Wire::before(&engine.endpoint, [Step::ForwardAndHangUp, Step::Forward]).await;
    let store = engine.store_through(&wire.endpoint).await;
    let ask = ask("m1", "s1", NOON);
    let turn = ask.begin(&store).await.unwrap();
    assert!(turn.new_thread);
    assert_eq!(wire.bodies().len(), 2, "the client tried twice");
    assert_eq!(ask.thread(&engine.store).await.turns, 1, "and the table counted once");
    assert_eq!(engine.store.finish_turn(&turn.keys, TurnOutcome::Done).await.unwrap(), Finished::Recorded);
}

pub(crate) async fn the_index_lists_threads_only_and_newest_first(engine: &Engine) {
    for (thread, now_ms) in [("old", NOON), ("new", NOON + 2), ("middle", NOON + 1)] {
        let ask = Ask { thread: ThreadId::parse(thread).unwrap(), ..ask("m1", thread, now_ms) };
        put_question(&engine.store, &ask.begin(&engine.store).await.unwrap()).await;
    }
    let answer = engine
        .client
        .query()
        .table_name(&engine.table)
        .index_name("byActivity")
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S("U#u".into()))
        .scan_index_forward(false)
        .send()
        .await
        .unwrap();
    let listed: Vec<_> = answer.items().iter().map(|item| item["sk"].as_s().unwrap().as_str()).collect();
    assert_eq!(listed, ["T#new", "T#middle", "T#old"]);
    assert!(answer.items().iter().all(|item| item["title"].as_s().unwrap() == "a title"));
}
