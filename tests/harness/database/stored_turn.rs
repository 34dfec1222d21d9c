//! Turns that are put into the table without a function: a long conversation in a moment.

use std::time::SystemTime;

use anyhow::{Result, bail};
use message::{AnswerMetadata, MessageId, StreamId, ThreadId, UserId};
use store::{
    Answer, Begin, BeginTurn, Question, Status, TurnLimits, TurnOutcome, TurnUsage, UserMessage,
};

use crate::session::{SignedIn, epoch_ms};
use crate::world::{DEFAULT_MODEL, World};

/// A completed turn to be stored.
#[derive(Debug, Clone, Copy)]
pub struct StoredTurn<'a> {
    /// The conversation.
    pub thread: &'a str,
    /// Makes the ids: the question is `q<number>`, the answer `a<number>`.
    pub number: u64,
    /// The question's parts as JSON.
    pub question: &'a str,
    /// The answer's parts as JSON.
    pub answer: &'a str,
}

impl StoredTurn<'_> {
    /// Stores the turn as the newest of its thread.
    pub async fn store(&self, world: &World, who: &SignedIn) -> Result<()> {
        let (user, thread) = (UserId::parse(&who.user)?, ThreadId::parse(self.thread)?);
        let message = MessageId::parse(&format!("q{}", self.number))?;
        let stream = StreamId::parse(&format!("s{}", self.number))?;
        let begin = BeginTurn {
            user: &user,
            thread: &thread,
            message: &message,
            parts: self.question,
            continued: None,
            stream: &stream,
            answer: &MessageId::parse(&format!("a{}", self.number))?,
            model: DEFAULT_MODEL,
            title: "long",
            now_ms: epoch_ms(SystemTime::now()),
            lease_ms: 60_000,
            question: Question::Sent,
            supersede: true,
            limits: TurnLimits::default(),
        };
        let store = world.engine.store();
        let Begin::Begun(begun) = store.begin_turn(&begin).await? else {
            bail!("it did not begin")
        };
        let question = UserMessage {
            parts: self.question,
            created_at_ms: begun.at_ms,
        };
        store.put_user_message(&begun.keys, &question).await?;
        let metadata = AnswerMetadata::at_start(DEFAULT_MODEL, begun.at_ms);
        let answer = Answer {
            parts: self.answer,
            status: Status::Completed,
            metadata: &metadata,
        };
        store.put_answer(&begun.keys, &answer).await?;
        store
            .finish_turn(&begun.keys, TurnOutcome::Done, &TurnUsage::default())
            .await?;
        Ok(())
    }
}
