//! The answer of one call: bytes from the connection, parts to the caller.
//!
//! The one async loop over the decoders. Knows when an answer is whole and when it broke off; does not know what
//! the parts mean.

use bytes::Bytes;
use reqwest::Response;
use std::time::Duration;
use tokio::time::Instant;

use crate::error::{GatewayError, PartError};
use crate::gateway::Timeouts;
use crate::native::NativeDecoder;
use crate::openai::OpenAiDecoder;
use crate::part::StreamPart;
use crate::protocol::Protocol;
use crate::silence::{Passed, Silence};
use crate::sse::{EVENT_LIMIT_BYTES, EventTooLarge, SseDecoder};

/// How long the end of the stream may take once the answer is whole; more parts may come, nobody waits for them.
const AFTER_FINISH: Duration = Duration::from_secs(5);

/// A model's answer while it comes. Dropping it closes the connection.
#[derive(Debug)]
pub struct PartStream {
    /// `None` once nothing more will be read.
    response: Option<Response>,
    decoder: PartDecoder,
    silence: Silence,
    timeouts: Timeouts,
    phase: Phase,
    failure: Option<GatewayError>,
}

/// How far the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// At most announced.
    Announced,
    /// Begun.
    Begun,
    /// The model is done: a `finish` part came, or in the other protocol the reason for stopping.
    Whole,
}

impl PartStream {
    pub(crate) fn new(
        protocol: Protocol,
        response: Response,
        call_start: Instant,
        timeouts: Timeouts,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            response: Some(response),
            decoder: PartDecoder::new(protocol),
            silence: Silence::new(call_start, timeouts.first_part, deadline),
            timeouts,
            phase: Phase::Announced,
            failure: None,
        }
    }

    /// The parts of the next read from the connection, at least one; `None` when the answer is whole. The future may
    /// be dropped and asked for again without losing anything.
    ///
    /// # Errors
    /// The answer broke off; the parts before that have been given. It is said once, then comes `None`. Behind a
    /// `finish` part nothing is an error: the answer is whole.
    pub async fn next(&mut self) -> Result<Option<Vec<StreamPart>>, GatewayError> {
        while let Some(response) = &mut self.response {
            let parts = tokio::select! {
                // What has arrived counts, also if the caller came late for it.
                biased;
                read = response.chunk() => match read {
                    Ok(Some(bytes)) => self.take(&bytes),
                    Ok(None) => self.end(GatewayError::Truncated),
                    Err(error) => self.end(GatewayError::Cut(error.into())),
                },
                passed = self.silence.passed() => {
                    let error = self.timeout(passed);
                    self.end(error)
                }
            };
            if !parts.is_empty() {
                return Ok(Some(parts));
            }
        }
        self.failure.take().map_or(Ok(None), Err)
    }

    /// How many parts of unknown types were left out so far.
    pub fn skipped(&self) -> u64 {
        self.decoder.skipped()
    }

    fn take(&mut self, bytes: &Bytes) -> Vec<StreamPart> {
        // Once the answer is whole, its end is not waited for any longer however much is sent.
        if self.phase != Phase::Whole {
            self.silence.heard();
        }
        let mut parts = Vec::new();
        let decoded = self.decoder.push(bytes, &mut parts);
        let phase = match self.decoder.is_whole() {
            true => Phase::Whole,
            false => parts
                .iter()
                .map(Phase::of)
                .max()
                .unwrap_or(Phase::Announced),
        };
        if phase > self.phase {
            self.phase = phase;
            self.silence.set_limit(match phase {
                Phase::Announced => self.timeouts.first_part,
                Phase::Begun => self.timeouts.idle,
                Phase::Whole => self.timeouts.idle.min(AFTER_FINISH),
            });
        }
        if let Err(error) = decoded {
            parts.extend(self.end(GatewayError::BrokenPart(error)));
        }
        parts
    }

    /// Closes the connection, or gives it back if its answer was read to the end. Gives what only the end makes known.
    fn end(&mut self, cause: GatewayError) -> Vec<StreamPart> {
        self.response = None;
        let reported = matches!(cause, GatewayError::Truncated) && self.decoder.may_end();
        if self.phase == Phase::Whole || reported {
            return self.decoder.finish();
        }
        self.failure = Some(cause);
        Vec::new()
    }

    fn timeout(&self, passed: Passed) -> GatewayError {
        match (passed, self.phase) {
            (Passed::Deadline, _) => GatewayError::DeadlinePassed,
            (Passed::Limit, Phase::Announced) => GatewayError::FirstPartTimeout,
            (Passed::Limit, Phase::Begun | Phase::Whole) => GatewayError::IdleTimeout,
        }
    }
}

impl Phase {
    fn of(part: &StreamPart) -> Self {
        match part {
            StreamPart::StreamStart { .. }
            | StreamPart::ResponseMetadata { .. }
            | StreamPart::Ping => Self::Announced,
            StreamPart::Finish { .. } => Self::Whole,
            _ => Self::Begun,
        }
    }
}

/// Bytes in, parts out.
#[derive(Debug)]
struct PartDecoder {
    sse: SseDecoder,
    events: EventDecoder,
}

/// Events in, parts out, in the language of the gateway.
#[derive(Debug)]
enum EventDecoder {
    Native(NativeDecoder),
    OpenAi(Box<OpenAiDecoder>),
}

impl PartDecoder {
    fn new(protocol: Protocol) -> Self {
        let events = match protocol {
            Protocol::Native => EventDecoder::Native(NativeDecoder::default()),
            Protocol::OpenAi => EventDecoder::OpenAi(Box::default()),
        };
        Self {
            sse: SseDecoder::default(),
            events,
        }
    }

    /// Appends to `parts` what `bytes` complete; after an error it is of no use.
    fn push(&mut self, mut bytes: &[u8], parts: &mut Vec<StreamPart>) -> Result<(), PartError> {
        let too_large = |EventTooLarge| PartError::TooLarge {
            limit_bytes: EVENT_LIMIT_BYTES,
        };
        while let Some(event) = self.sse.next_event(&mut bytes).map_err(too_large)? {
            match &mut self.events {
                EventDecoder::Native(decoder) => parts.extend(decoder.push(event)?),
                EventDecoder::OpenAi(decoder) => decoder.push(event, parts),
            }
        }
        Ok(())
    }

    /// Whether the model has said that it is done, other than by a part.
    fn is_whole(&self) -> bool {
        match &self.events {
            EventDecoder::Native(_) => false,
            EventDecoder::OpenAi(decoder) => decoder.is_whole(),
        }
    }

    /// Whether a stream that ends here in good order lacks nothing, though no part says so.
    fn may_end(&self) -> bool {
        match &self.events {
            EventDecoder::Native(_) => false,
            EventDecoder::OpenAi(decoder) => decoder.may_end(),
        }
    }

    /// What the end of the stream makes known.
    fn finish(&mut self) -> Vec<StreamPart> {
        let mut parts = Vec::new();
        match &mut self.events {
            EventDecoder::Native(_) => {}
            EventDecoder::OpenAi(decoder) => decoder.finish(&mut parts),
        }
        parts
    }

    fn skipped(&self) -> u64 {
        match &self.events {
            EventDecoder::Native(decoder) => decoder.skipped(),
            EventDecoder::OpenAi(decoder) => decoder.skipped(),
        }
    }
}

#[cfg(test)]
mod tests;
