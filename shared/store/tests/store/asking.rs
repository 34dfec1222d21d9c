//! Helpers to begin a turn and to store its answer.

use message::{AnswerMetadata, MessageId, StreamId, ThreadId, UserId};
use store::{
    Answer, Begin, BeginError, BeginTurn, BegunTurn, CurrentTurn, Finished, History, OpenTurn,
    Question, RecoveredAnswer, Status, Store, StoredMessage, TurnLimits, TurnOutcome, TurnUsage,
    UserMessage,
};

use crate::messages::{answer, metadata};

/// In the year 2100, so that no engine finds anything to have expired by its own clock.
pub(crate) const NOON: u64 = 4_102_444_800_000;
pub(crate) const LEASE: u64 = 60_000;
pub(crate) const NOTHING_USED: TurnUsage = TurnUsage {
    input: None,
    output: None,
    cached: None,
    reasoning: None,
    cost: None,
};

/// The parameters of a begin in a test; all others have defaults.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) user: UserId,
    pub(crate) thread: ThreadId,
    pub(crate) message: MessageId,
    pub(crate) parts: String,
    pub(crate) continued: Option<String>,
    pub(crate) stream: StreamId,
    pub(crate) answer: MessageId,
    pub(crate) title: String,
    pub(crate) now_ms: u64,
    pub(crate) question: Question,
    pub(crate) supersede: bool,
    pub(crate) limits: TurnLimits,
}

/// Returns the begin of the run `run` of `message` at `now_ms`, in the thread `t` of the user `u`.
pub(crate) fn ask(message: &str, run: &str, now_ms: u64) -> Ask {
    Ask {
        user: UserId::parse("u").unwrap(),
        thread: ThreadId::parse("t").unwrap(),
        message: MessageId::parse(message).unwrap(),
        parts: text_parts(message),
        continued: None,
        stream: StreamId::parse(run).unwrap(),
        answer: MessageId::parse(&format!("answer-{run}")).unwrap(),
        title: "a title".into(),
        now_ms,
        question: Question::Sent,
        supersede: true,
        limits: TurnLimits::default(),
    }
}

/// Parts that say `text`.
pub(crate) fn text_parts(text: &str) -> String {
    format!(r#"[{{"type":"text","text":"{text}"}}]"#)
}

impl Ask {
    pub(crate) fn turn(&self) -> BeginTurn<'_> {
        BeginTurn {
            user: &self.user,
            thread: &self.thread,
            message: &self.message,
            parts: &self.parts,
            continued: self.continued.as_deref(),
            stream: &self.stream,
            answer: &self.answer,
            model: "acme/small",
            title: &self.title,
            now_ms: self.now_ms,
            lease_ms: LEASE,
            question: self.question,
            supersede: self.supersede,
            limits: self.limits,
        }
    }

    pub(crate) async fn begin(&self, store: &Store) -> Result<Begin, BeginError> {
        store.begin_turn(&self.turn()).await
    }

    /// Begins where no other turn prevents it.
    pub(crate) async fn begun(&self, store: &Store) -> BegunTurn {
        match self.begin(store).await {
            Ok(Begin::Begun(turn)) => turn,
            other => panic!("{} did not begin: {other:?}", self.stream),
        }
    }

    /// Begins, and recovers whatever has to be recovered for it.
    pub(crate) async fn insist(&self, store: &Store) -> Result<Begin, BeginError> {
        loop {
            match self.begin(store).await? {
                Begin::Recover(open) => recover(store, &open, "recovered", self.now_ms).await,
                other => return Ok(other),
            };
        }
    }

    pub(crate) async fn abandon(&self, store: &Store) -> Finished {
        store.abandon_turn(&self.turn()).await.unwrap()
    }

    pub(crate) async fn thread(&self, store: &Store) -> store::Thread {
        store
            .thread(&self.user, &self.thread)
            .await
            .unwrap()
            .expect("the thread is there")
    }

    pub(crate) async fn current(&self, store: &Store) -> CurrentTurn {
        store
            .current_turn(&self.user, &self.thread)
            .await
            .unwrap()
            .expect("the thread is there")
    }

    /// Returns the thread's path, oldest first.
    pub(crate) async fn path(&self, store: &Store) -> Vec<StoredMessage> {
        let mut path = store
            .messages(&self.user, &self.thread, &ALL)
            .await
            .unwrap();
        path.reverse();
        path
    }

    /// Returns the texts of the thread's path, oldest first.
    pub(crate) async fn path_texts(&self, store: &Store) -> Vec<String> {
        texts(&self.path(store).await)
    }
}

pub(crate) const ALL: History<'static> = History {
    limit: 1_000,
    max_bytes: None,
    before: None,
    consistent: true,
};

/// Returns the texts of messages; a message without text is `-`.
pub(crate) fn texts(messages: &[StoredMessage]) -> Vec<String> {
    let text = |message: &StoredMessage| {
        let parts: serde_json::Value = serde_json::from_str(&message.parts).unwrap();
        parts[0]["text"].as_str().unwrap_or("-").to_owned()
    };
    messages.iter().map(text).collect()
}

pub(crate) async fn put_question(store: &Store, ask: &Ask, turn: &BegunTurn) {
    let question = UserMessage {
        parts: &ask.parts,
        created_at_ms: turn.at_ms,
    };
    store.put_user_message(&turn.keys, &question).await.unwrap();
}

/// Ends the turn with an answer that says `text`, or with none.
pub(crate) async fn end(store: &Store, turn: &BegunTurn, text: &str) -> Finished {
    end_using(store, turn, text, &NOTHING_USED).await
}

/// Finishes a turn with usage.
pub(crate) async fn end_using(
    store: &Store,
    turn: &BegunTurn,
    text: &str,
    used: &TurnUsage,
) -> Finished {
    let (parts, status, outcome) = match text {
        "" => ("[]".to_owned(), Status::Failed, TurnOutcome::Failed),
        text => (text_parts(text), Status::Completed, TurnOutcome::Done),
    };
    store
        .put_answer(
            &turn.keys,
            &Answer {
                status,
                ..answer(&parts, &metadata())
            },
        )
        .await
        .unwrap();
    let finished = store.finish_turn(&turn.keys, outcome, used).await.unwrap();
    store.record_usage(&turn.keys, used).await.unwrap();
    finished
}

/// Runs a complete turn, answered with `text`.
pub(crate) async fn answered(store: &Store, ask: &Ask, text: &str) -> BegunTurn {
    let turn = ask.begun(store).await;
    put_question(store, ask, &turn).await;
    end(store, &turn, text).await;
    turn
}

/// Recovers the turn with an answer that says `text`, or with none.
pub(crate) async fn recover(
    store: &Store,
    turn: &OpenTurn,
    text: &str,
    now_ms: u64,
) -> TurnOutcome {
    let parts = if text.is_empty() {
        "[]".to_owned()
    } else {
        text_parts(text)
    };
    let metadata = AnswerMetadata::at_start(turn.model(), turn.began_at_ms());
    let status = if turn.is_stopped() {
        Status::Stopped
    } else {
        Status::Interrupted
    };
    let is_empty = text.is_empty();
    let answer = RecoveredAnswer {
        parts: &parts,
        is_empty,
        metadata: &metadata,
        status,
        now_ms,
    };
    store.recover_turn(turn, &answer).await.unwrap()
}

pub(crate) fn recorded() -> Finished {
    Finished::Recorded {
        unfinished_previous: None,
    }
}
