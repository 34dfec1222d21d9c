//! `GET /api/chat/{threadId}/stream`: the answer that is being written, from its first byte on.
//! `POST /api/chat/{threadId}/stop`: no more of it, please.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use front::{failure, json_response, now_ms, read_body as read};
use http::StatusCode;
use message::{Object, StreamId, ThreadId, UiPart, UserId};
use serde::Serialize;
use serde_json::value::RawValue;
use store::OpenTurn;
use validation::RequestError;

use crate::body::LogBody;
use crate::chat::stream;
use crate::clients::Clients;
use crate::error::ApiError;
use crate::follow::Follower;
use crate::invocation::Invocation;
use crate::log::{TurnLog, turn_log};
#[cfg(test)]
use crate::openapi;

/// How long a turn of this process, which is to stop, is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// A turn that runs heeds a stop within about a second, and then has to save what it has.
const HEEDED_WITHIN: Duration = Duration::from_secs(5);

/// A stop's body is a stream's id and little else.
pub(crate) const STOP_BODY_BYTES: usize = 16 * 1024;

/// Answers with the running turn's stream, or with 204 where none runs.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/chat/{threadId}/stream",
    tag = "chat",
    operation_id = "resume",
    summary = "The answer that is being written, from its first byte on",
    params(("threadId" = inline(openapi::Thread), Path, description = "The conversation.")),
    responses(
        (status = 200, description = "The answer", content_type = "text/event-stream", body = String),
        (status = 204, description = "No answer is being written"),
    ),
))]
pub(crate) async fn resume(
    State(clients): State<Arc<Clients>>,
    Extension(invocation): Extension<Invocation>,
    thread: AddressPart,
    request: Request,
) -> Result<Response, ApiError> {
    let user = clients.user_of(request.headers()).await?;
    let thread = thread_id(thread)?;
    let Some(open) = clients.settled(&user, &thread, &invocation).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    match clients.attach(&open, Vec::new(), &invocation) {
        Some(log) => Ok(stream(LogBody::new(log, invocation.process_tasks()))),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Stops the running turn, if there is one and it is the one that the body names.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/chat/{threadId}/stop",
    tag = "chat",
    operation_id = "stop",
    summary = "No more of this answer, please",
    params(("threadId" = inline(openapi::Thread), Path, description = "The conversation.")),
    request_body(content = ref("#/components/schemas/StopRequest"), content_type = "application/json"),
    responses((status = 200, description = "What is stopped", body = ref("#/components/schemas/Stopping"))),
))]
pub(crate) async fn stop(
    State(clients): State<Arc<Clients>>,
    Extension(invocation): Extension<Invocation>,
    thread: AddressPart,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let user = clients.user_of(&head.headers).await?;
    let thread = thread_id(thread)?;
    let named = named_stream(&read(body, STOP_BODY_BYTES).await?)?;
    let stopping = clients.store.stop_turn(&user, &thread, named.as_ref()).await?;
    // Without journals nobody elsewhere looks whether a stop was asked.
    let stopping = stopping.filter(|open| clients.has_journals() || clients.reaches(open));
    let stream = stopping.as_ref().map(|open| open.stream().clone());
    if let Some(open) = stopping {
        clients.see_stopped(open, &invocation);
    }
    let answer = Stopping { stopping: stream.is_some(), stream_id: stream };
    let answer = serde_json::to_string(&answer).expect("what we write is always JSON");
    Ok(json_response(StatusCode::OK, answer))
}

/// What is stopped.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stopping {
    /// Whether there was something to stop.
    stopping: bool,
    /// The answer that is stopped.
    stream_id: Option<StreamId>,
}

impl Clients {
    /// The turn that runs in a thread. One that died, or was left behind, is brought to its end first.
    async fn settled(
        &self,
        user: &UserId,
        thread: &ThreadId,
        invocation: &Invocation,
    ) -> Result<Option<OpenTurn>, ApiError> {
        let Some(current) = self.store.current_turn(user, thread).await? else {
            return Ok(None);
        };
        if let Some(left_behind) = current.left_behind.filter(|older| older.is_dead(now_ms())) {
            self.recover(left_behind, invocation);
        }
        match current.open {
            Some(open) if open.is_dead(now_ms()) => {
                recovery::recover(&self.store, &open, now_ms()).await?;
                Ok(None)
            }
            open => Ok(open),
        }
    }

    /// The log of a running turn: its own, or a copy that follows its journal. `None`: it runs elsewhere, and there are
    /// no journals.
    pub(crate) fn attach(
        self: &Arc<Self>,
        open: &OpenTurn,
        given: Vec<UiPart>,
        invocation: &Invocation,
    ) -> Option<TurnLog> {
        if let Some(log) = self.live.log_of(open.stream()) {
            // Somebody else's task writes it. This invocation has to be held open all the same.
            let reader = log.clone();
            invocation.spawn(async move { reader.ended().await });
            return Some(log);
        }
        if !self.has_journals() {
            return None;
        }
        let (writer, log) = turn_log();
        let clients = Arc::clone(self);
        let (until, shutdown) = (invocation.cutoff(), invocation.shutdown.clone());
        let follower = Follower { open: open.clone(), given, until, shutdown };
        invocation.spawn(async move { follower.run(&clients, writer).await });
        Some(log)
    }

    /// Whether a turn can be ended from here: it runs here, or nobody runs it any more.
    fn reaches(&self, open: &OpenTurn) -> bool {
        self.live.log_of(open.stream()).is_some() || open.is_dead(now_ms())
    }

    /// Stops a turn that runs here. One that runs elsewhere will notice; if it does not it is dead, whatever its lease
    /// says, and is brought to its end here.
    fn see_stopped(self: &Arc<Self>, open: OpenTurn, invocation: &Invocation) {
        if self.live.log_of(open.stream()).is_some() {
            return self.live.stop(open.stream());
        }
        if open.is_dead(now_ms()) {
            return self.recover(open, invocation);
        }
        let (clients, held) = (Arc::clone(self), invocation.clone());
        invocation.spawn(async move {
            tokio::time::sleep(HEEDED_WITHIN).await;
            match clients.store.current_turn(open.user(), open.thread()).await {
                Ok(current) => {
                    let still = current.and_then(|current| current.open);
                    if let Some(still) = still.filter(|still| still.stream() == open.stream()) {
                        clients.recover(still, &held);
                    }
                }
                Err(error) => {
                    let stream_id = open.stream().as_str();
                    tracing::warn!(stream_id, error = failure::chain(&error), "a stop was not followed up");
                }
            }
        });
    }

    /// Stops a turn and waits until what it said is stored.
    pub(crate) async fn end(&self, open: &OpenTurn) -> Result<(), ApiError> {
        self.live.stop(open.stream());
        if let Some(log) = self.live.log_of(open.stream()) {
            // It stores its answer before its log ends. If that takes too long its journal has to do.
            let _ = tokio::time::timeout(PATIENCE, log.ended()).await;
        }
        recovery::recover(&self.store, open, now_ms()).await?;
        Ok(())
    }

    /// Brings a turn that nobody runs any more to its end. Nobody waits for it.
    pub(crate) fn recover(&self, open: OpenTurn, invocation: &Invocation) {
        let store = self.store.clone();
        invocation.spawn(async move {
            if let Err(error) = recovery::recover(&store, &open, now_ms()).await {
                let stream_id = open.stream().as_str();
                tracing::warn!(
                    stream_id,
                    error = failure::chain(&error),
                    "a turn was not brought to its end"
                );
            }
        });
    }
}

/// A part of an address, which need not be text.
type AddressPart = Result<Path<String>, PathRejection>;

fn thread_id(part: AddressPart) -> Result<ThreadId, ApiError> {
    let Ok(Path(text)) = part else { return Err(ApiError::NotFound) };
    ThreadId::parse(&text).map_err(|_| ApiError::NotFound)
}

/// The `streamId` in the body of a stop. No body, or none in it: whichever turn runs.
fn named_stream(body: &[u8]) -> Result<Option<StreamId>, ApiError> {
    if body.is_empty() {
        return Ok(None);
    }
    let invalid =
        |field: &str, problem: &str| RequestError::from(message::Invalid::new(field, problem.to_owned()));
    let document: &RawValue =
        serde_json::from_slice(body).map_err(|_| invalid("body", "must be a JSON object, or empty"))?;
    let fields = Object::parse(document, "").map_err(RequestError::from)?;
    let Some(text) = fields.optional_string("streamId").map_err(RequestError::from)? else {
        return Ok(None);
    };
    let stream = StreamId::parse(&text).map_err(|problem| invalid("streamId", &problem.to_string()))?;
    Ok(Some(stream))
}
