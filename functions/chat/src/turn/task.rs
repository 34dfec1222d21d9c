//! The task of a turn: begins it, prepares it, and runs it to its end.

use std::sync::Arc;

use front::{FrontError, now_ms};
use gateway::{Model, Prompt};
use store::BegunTurn;
use tokio::sync::oneshot;

use crate::error::ApiError;
use crate::invocation::Invocation;
use crate::state::AppState;
use crate::stream::buffer::{StreamBuffer, StreamWriter, stream_buffer};
use crate::stream::registry::LiveTurnGuard;
use crate::turn::Turn;
use crate::turn::begin::{AnswerSource, Lease, begin, undo_begin};
use crate::turn::history::stored_prompt;
use crate::turn::recover::spawn_recovery;
use crate::turn::relay::{ModelCall, Relay};
use crate::turn::stop::stop_and_recover;

/// A turn that has passed all checks and is ready to run.
pub(crate) struct TurnTask {
    state: Arc<AppState>,
    turn: Turn,
    call: ModelCall,
    invocation: Invocation,
}

/// The receiver of the answer's stream, or of the reason why there is none. It is gone if the
/// client has disconnected.
type Response = oneshot::Sender<Result<StreamBuffer, ApiError>>;

impl TurnTask {
    /// Creates the task, which calls `model` with `prompt`.
    pub(crate) fn new(
        state: Arc<AppState>,
        turn: Turn,
        model: Model,
        prompt: Prompt,
        invocation: Invocation,
    ) -> Self {
        Self {
            state,
            turn,
            call: ModelCall { model, prompt },
            invocation,
        }
    }

    /// Begins the turn and runs it to its end, independent of the request. If another run answers
    /// the same message, or has answered it, returns that answer.
    ///
    /// # Errors
    /// The turn could not begin. Its task has ended, and the model was not called.
    pub(crate) async fn start(self) -> Result<StreamBuffer, ApiError> {
        let (response, outcome) = oneshot::channel();
        let invocation = self.invocation.clone();
        invocation.spawn(self.run(response));
        outcome.await.map_err(|_| ApiError::Internal)?
    }

    async fn run(mut self, response: Response) {
        let (writer, buffer) = stream_buffer();
        let guard = self
            .state
            .live
            .register(&self.turn.ids.stream, buffer.clone());
        let lease = Lease::of(&self.invocation);
        match begin(&self.state, &self.turn, &lease, &self.invocation).await {
            Ok(AnswerSource::OtherRun(buffer)) => drop(response.send(Ok(buffer))),
            Err(error) => {
                // A lost response of DynamoDB says nothing about the write itself.
                let may_have_begun = matches!(&error, ApiError::Front(FrontError::Store(_)));
                let _ = response.send(Err(error));
                if may_have_begun {
                    Box::pin(undo_begin(&self.state, &self.turn, &lease)).await;
                }
            }
            Ok(AnswerSource::ThisRun(begun)) => match self.prepare(&begun).await {
                Ok(message_saved) => {
                    let _ = response.send(Ok(buffer));
                    self.run_begun(begun, writer, guard, message_saved).await;
                }
                Err(error) => {
                    let _ = response.send(Err(error));
                    // The turn has begun: without this it would block the thread until its lease
                    // expires.
                    Box::pin(undo_begin(&self.state, &self.turn, &lease)).await;
                }
            },
        }
    }

    /// Prepares the turn before the client gets a response: loads the conversation where the client
    /// does not send it, and stores the question unless the begin has stored it inline. Returns
    /// whether it stored the question.
    async fn prepare(&mut self, begun: &BegunTurn) -> Result<bool, ApiError> {
        if self.turn.history_is_stored {
            if let Some(older) = &begun.took_over {
                stop_and_recover(&self.state, older).await?;
            }
            let (prompt, preceding) =
                stored_prompt(&self.state, &self.turn, &begun.history).await?;
            self.call.prompt = prompt;
            self.turn.is_first = preceding == 0;
        }
        if begun.question_inlined {
            return Ok(false);
        }
        self.state
            .store
            .put_user_message(&begun.keys, &self.turn.user_message())
            .await?;
        Ok(true)
    }

    async fn run_begun(
        self,
        begun: BegunTurn,
        writer: StreamWriter,
        guard: LiveTurnGuard,
        message_saved: bool,
    ) {
        let BegunTurn {
            keys,
            took_over,
            unfinished_previous,
            ..
        } = begun;
        // Its own process stores the answer of an older turn that is alive. A dead one has no
        // process left.
        if let Some(older) = &took_over {
            self.state.live.stop(older.stream());
        }
        for older in took_over.into_iter().chain(unfinished_previous) {
            if older.is_dead(now_ms()) {
                spawn_recovery(&self.state, older, &self.invocation);
            }
        }
        let relay = Relay::new(
            self.state,
            self.turn,
            self.call,
            keys,
            writer,
            guard,
            message_saved,
        );
        Box::pin(relay.run(&self.invocation)).await;
    }
}
