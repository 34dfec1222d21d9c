//! The answer of one call: bytes from the connection, parts to the caller.
//!
//! Contains the async loop over the decoders. Knows when an answer is complete and when it broke
//! off; does not know the meaning of the parts.

use std::time::Duration;

use bytes::Bytes;
use message::StreamPart;
use reqwest::Response;
use tokio::time::Instant;

use crate::adapter::{Adapter, EventDecoder};
use crate::error::{GatewayError, PartError};
use crate::idle_timer::{Expired, IdleTimer};
use crate::sse::{EventTooLarge, MAX_EVENT_BYTES, SseDecoder};

/// The maximum wait for the end of the stream after the answer is complete.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// The limits on silence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Before the first part of an answer, connecting included.
    pub(crate) first_part: Duration,
    /// Between two parts.
    pub(crate) idle: Duration,
}

/// The parts of a model's answer, as they arrive. Dropping it closes the connection.
#[derive(Debug)]
pub struct PartStream {
    /// The connection; `None` after the end of the stream.
    response: Option<Response>,
    decoder: PartDecoder,
    idle_timer: IdleTimer,
    timeouts: Timeouts,
    phase: Phase,
    failure: Option<GatewayError>,
}

/// The progress of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// At most announced.
    Announced,
    /// Begun.
    Begun,
    /// Complete: a `finish` part has come, in Chat Completions the finish reason.
    Complete,
}

impl PartStream {
    pub(crate) fn new(
        adapter: &dyn Adapter,
        response: Response,
        call_start: Instant,
        timeouts: Timeouts,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            response: Some(response),
            decoder: PartDecoder::new(adapter),
            idle_timer: IdleTimer::new(call_start, timeouts.first_part, deadline),
            timeouts,
            phase: Phase::Announced,
            failure: None,
        }
    }

    /// Returns the parts of the next read from the connection, at least one; `None` after the
    /// complete answer. Cancel safe.
    ///
    /// # Errors
    /// The answer broke off; all parts before that have been returned. The error is returned once,
    /// then `None`. After a `finish` part there are no errors: the answer is complete.
    pub async fn next(&mut self) -> Result<Option<Vec<StreamPart>>, GatewayError> {
        while let Some(response) = &mut self.response {
            let parts = tokio::select! {
                // What has arrived counts, also if the caller came late for it.
                biased;
                read = response.chunk() => match read {
                    Ok(Some(bytes)) => self.take(&bytes),
                    Ok(None) => self.end(GatewayError::Truncated),
                    Err(error) => self.end(GatewayError::ConnectionLost(error.into())),
                },
                expired = self.idle_timer.expired() => {
                    let error = self.timeout(expired);
                    self.end(error)
                }
            };
            if !parts.is_empty() {
                return Ok(Some(parts));
            }
        }
        self.failure.take().map_or(Ok(None), Err)
    }

    /// Returns the number of parts of unknown types skipped so far.
    pub fn skipped(&self) -> u64 {
        self.decoder.events.skipped()
    }

    fn take(&mut self, bytes: &Bytes) -> Vec<StreamPart> {
        // Once the answer is complete, its end is not waited for any longer however much is sent.
        if self.phase != Phase::Complete {
            self.idle_timer.touch();
        }
        let mut parts = Vec::new();
        let decoded = self.decoder.push(bytes, &mut parts);
        let phase = match self.decoder.events.is_complete() {
            true => Phase::Complete,
            false => parts
                .iter()
                .map(Phase::of)
                .max()
                .unwrap_or(Phase::Announced),
        };
        if phase > self.phase {
            self.phase = phase;
            self.idle_timer.set_limit(match phase {
                Phase::Announced => self.timeouts.first_part,
                Phase::Begun => self.timeouts.idle,
                Phase::Complete => self.timeouts.idle.min(END_TIMEOUT),
            });
        }
        if let Err(error) = decoded {
            parts.extend(self.end(GatewayError::BrokenPart(error)));
        }
        parts
    }

    /// Closes the connection, or returns it to the pool if the response was read to its end.
    /// Returns the parts that the end of the stream completes.
    fn end(&mut self, cause: GatewayError) -> Vec<StreamPart> {
        self.response = None;
        let reported = matches!(cause, GatewayError::Truncated) && self.decoder.events.can_finish();
        if self.phase == Phase::Complete || reported {
            return self.decoder.finish();
        }
        self.failure = Some(cause);
        Vec::new()
    }

    fn timeout(&self, expired: Expired) -> GatewayError {
        match (expired, self.phase) {
            (Expired::Deadline, _) => GatewayError::DeadlinePassed,
            (Expired::Idle, Phase::Announced) => GatewayError::FirstPartTimeout,
            (Expired::Idle, Phase::Begun | Phase::Complete) => GatewayError::IdleTimeout,
        }
    }
}

impl Phase {
    fn of(part: &StreamPart) -> Self {
        match part {
            StreamPart::StreamStart { .. }
            | StreamPart::ResponseMetadata { .. }
            | StreamPart::Ping => Self::Announced,
            StreamPart::Finish { .. } => Self::Complete,
            _ => Self::Begun,
        }
    }
}

/// The decoder from bytes to parts.
#[derive(Debug)]
struct PartDecoder {
    sse: SseDecoder,
    events: Box<dyn EventDecoder>,
}

impl PartDecoder {
    fn new(adapter: &dyn Adapter) -> Self {
        Self {
            sse: SseDecoder::default(),
            events: adapter.decoder(),
        }
    }

    /// Appends the parts that `bytes` complete to `parts`. Must not be used after an error.
    fn push(&mut self, mut bytes: &[u8], parts: &mut Vec<StreamPart>) -> Result<(), PartError> {
        let too_large = |EventTooLarge| PartError::TooLarge {
            limit_bytes: MAX_EVENT_BYTES,
        };
        while let Some(event) = self.sse.next_event(&mut bytes).map_err(too_large)? {
            self.events.push(event, parts)?;
        }
        Ok(())
    }

    /// Returns the parts that the end of the stream completes.
    fn finish(&mut self) -> Vec<StreamPart> {
        let mut parts = Vec::new();
        self.events.finish(&mut parts);
        parts
    }
}

#[cfg(test)]
mod tests;
