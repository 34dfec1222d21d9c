//! A table, and a turn in it that does not end by itself.

use aws_sdk_dynamodb::types::AttributeValue;
use message::{AnswerMetadata, MessageId, Role, StreamId, ThreadId, UserId};
use serde_json::Value;
use store::{
    Answer, Begin, BeginTurn, BegunTurn, Client, ClientOptions, CurrentTurn, History, JournalName,
    JournalPiece, Question, Status, Store, StoredMessage, TurnLimits, TurnOutcome, TurnUsage,
    UserMessage,
};
use testing::database::Database;

/// In the year 2100, so that no engine finds anything to have expired by its own clock.
pub(crate) const NOON: u64 = 4_102_444_800_000;
pub(crate) const LEASE: u64 = 60_000;

const TABLE: &str = "chat";

pub(crate) struct Engine {
    client: Client,
    pub(crate) store: Store,
    /// Stops when it is dropped.
    _database: Database,
}

/// Creates a fresh, empty table.
pub(crate) async fn engine() -> Engine {
    let database = Database::start(TABLE).await.unwrap();
    let client = store::connect(&ClientOptions::local(database.endpoint()))
        .await
        .unwrap();
    Engine {
        store: Store::new(client.clone(), TABLE),
        client,
        _database: database,
    }
}

impl Engine {
    /// Returns a store whose requests the engine refuses for good.
    pub(crate) fn store_without_table(&self) -> Store {
        Store::new(self.client.clone(), "no-table")
    }

    /// Makes the first piece of the turn's journal say that it is shorter than it is.
    pub(crate) async fn damage_journal(&self, case: &Case) {
        let key = AttributeValue::S;
        self.client
            .update_item()
            .table_name(TABLE)
            .key("pk", key(format!("C#{}#{}", case.user, case.thread)))
            .key(
                "sk",
                key(format!("{:013}#{}#000000", case.now_ms, case.stream)),
            )
            .update_expression("ADD len :less")
            .condition_expression("attribute_exists(len)")
            .expression_attribute_values(":less", AttributeValue::N("-1".to_owned()))
            .send()
            .await
            .unwrap();
    }
}

/// One run of the message `m1`, unless a test says otherwise.
pub(crate) struct Case {
    pub(crate) user: UserId,
    pub(crate) thread: ThreadId,
    pub(crate) message: MessageId,
    pub(crate) stream: StreamId,
    pub(crate) answer: MessageId,
    pub(crate) continued: Option<String>,
    pub(crate) question: Question,
    pub(crate) now_ms: u64,
}

impl Case {
    pub(crate) fn new(stream: &str, now_ms: u64) -> Self {
        Self {
            user: UserId::parse("u").unwrap(),
            thread: ThreadId::parse("t").unwrap(),
            message: MessageId::parse("m1").unwrap(),
            stream: StreamId::parse(stream).unwrap(),
            answer: MessageId::parse(&format!("answer-{stream}")).unwrap(),
            continued: None,
            question: Question::Sent,
            now_ms,
        }
    }

    /// Creates a run at noon in a thread of its own.
    pub(crate) fn in_thread(thread: &str) -> Self {
        Self {
            thread: ThreadId::parse(thread).unwrap(),
            ..Self::new(thread, NOON)
        }
    }

    pub(crate) async fn try_begin(&self, engine: &Engine) -> Begin {
        let begin = BeginTurn {
            user: &self.user,
            thread: &self.thread,
            message: &self.message,
            parts: r#"[{"type":"text","text":"Hi"}]"#,
            continued: self.continued.as_deref(),
            stream: &self.stream,
            answer: &self.answer,
            model: "acme/small",
            title: "Hi",
            now_ms: self.now_ms,
            lease_ms: LEASE,
            question: self.question,
            supersede: true,
            limits: TurnLimits::default(),
        };
        engine.store.begin_turn(&begin).await.unwrap()
    }

    pub(crate) async fn begin(&self, engine: &Engine) -> BegunTurn {
        match self.try_begin(engine).await {
            Begin::Begun(turn) => turn,
            other => panic!("did not begin: {other:?}"),
        }
    }

    /// Runs a complete turn, answered with `parts`.
    pub(crate) async fn answered(&self, engine: &Engine, parts: &str) {
        let turn = self.begin(engine).await;
        let question = UserMessage {
            parts: r#"[{"type":"text","text":"Hi"}]"#,
            created_at_ms: self.now_ms,
        };
        engine
            .store
            .put_user_message(&turn.keys, &question)
            .await
            .unwrap();
        self.put_answer(engine, &turn, parts).await;
        engine
            .store
            .finish_turn(&turn.keys, TurnOutcome::Done, &TurnUsage::default())
            .await
            .unwrap();
    }

    pub(crate) async fn put_answer(&self, engine: &Engine, turn: &BegunTurn, parts: &str) {
        let metadata = AnswerMetadata::at_start("acme/small", self.now_ms);
        let answer = Answer {
            parts,
            status: Status::Completed,
            metadata: &metadata,
        };
        engine.store.put_answer(&turn.keys, &answer).await.unwrap();
    }

    /// Puts pieces of a journal, and no end.
    pub(crate) async fn journal(&self, engine: &Engine, pieces: &[&[u8]]) {
        let mut index = 0;
        for bytes in pieces {
            let piece = JournalPiece {
                journal: &self.journal_name(),
                index,
                bytes,
                now_ms: self.now_ms,
            };
            index = engine.store.append_journal(&piece).await.unwrap();
        }
    }

    /// Puts a journal that has come to its end.
    pub(crate) async fn end_journal(&self, engine: &Engine, bytes: &[u8]) {
        let piece = JournalPiece {
            journal: &self.journal_name(),
            index: 0,
            bytes,
            now_ms: self.now_ms,
        };
        engine.store.end_journal(&piece).await.unwrap();
    }

    fn journal_name(&self) -> JournalName {
        JournalName::new(&self.user, &self.thread, &self.stream, self.now_ms)
    }

    /// Recovers the thread's open turn.
    pub(crate) async fn recover(&self, engine: &Engine, now_ms: u64) -> TurnOutcome {
        let open = self.current(engine).await.open.unwrap();
        recovery::recover(&engine.store, &open, now_ms)
            .await
            .unwrap()
    }

    pub(crate) async fn current(&self, engine: &Engine) -> CurrentTurn {
        engine
            .store
            .current_turn(&self.user, &self.thread)
            .await
            .unwrap()
            .unwrap()
    }

    /// Returns the thread's path, oldest first.
    pub(crate) async fn path(&self, engine: &Engine) -> Vec<StoredMessage> {
        let all = History {
            limit: 100,
            max_bytes: None,
            before: None,
            consistent: true,
        };
        let mut path = engine
            .store
            .messages(&self.user, &self.thread, &all)
            .await
            .unwrap();
        path.reverse();
        path
    }

    pub(crate) async fn answer(&self, engine: &Engine) -> Option<StoredMessage> {
        self.path(engine)
            .await
            .pop()
            .filter(|message| message.role == Role::Assistant)
    }

    /// Returns the stored text of the user.
    pub(crate) async fn questions(&self, engine: &Engine) -> Vec<Value> {
        let path = self.path(engine).await.into_iter();
        let questions = path.filter(|message| message.role == Role::User);
        questions
            .map(|message| serde_json::from_str(&message.parts).unwrap())
            .collect()
    }
}
