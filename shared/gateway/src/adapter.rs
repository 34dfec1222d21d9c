//! The interface between the client and a protocol: requests, prompts and decoders.

use std::fmt::Debug;

use bytes::Bytes;
use json::RawJson;
use message::StreamPart;
use reqwest::header::{HeaderName, HeaderValue};

use crate::error::{GatewayError, PartError};
use crate::prompt::PromptError;
use crate::prompt::model_message::ModelMessage;

/// A protocol of gateways.
pub(crate) trait Adapter: Debug + Send + Sync {
    /// Returns the name in the configuration.
    fn name(&self) -> &'static str;

    /// Returns the base URL of Vercel's AI Gateway for this protocol.
    fn default_base_url(&self) -> &'static str;

    /// Returns the path of a call below the base URL, in segments.
    fn path(&self) -> &'static [&'static str];

    /// Returns the headers that the protocol adds to every call.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Returns the header that names the model, for a protocol whose body does not.
    fn model_header(&self, _id: &str) -> Result<Option<(HeaderName, HeaderValue)>, GatewayError> {
        Ok(None)
    }

    /// Serializes the body of a call.
    fn body(&self, request: &Request<'_>) -> Bytes;

    /// Serializes the array of messages of a prompt.
    ///
    /// # Errors
    /// Names the part that the protocol cannot carry.
    fn prompt(&self, messages: &[ModelMessage<'_>]) -> Result<RawJson, PromptError>;

    /// Creates a decoder for one answer.
    fn decoder(&self) -> Box<dyn EventDecoder>;
}

/// The prompt and the model of a call.
pub(crate) struct Request<'a> {
    pub(crate) model: &'a str,
    /// A JSON array of messages, from [`Adapter::prompt`].
    pub(crate) prompt: &'a RawJson,
    pub(crate) max_output_tokens: Option<u32>,
}

/// A decoder of the events of one answer. A protocol whose answers end in a `finish` part needs
/// only the required methods.
pub(crate) trait EventDecoder: Debug + Send + Sync {
    /// Appends the parts of `event` to `parts`.
    ///
    /// # Errors
    /// The event ends the answer, which it broke off.
    fn push(&mut self, event: &[u8], parts: &mut Vec<StreamPart>) -> Result<(), PartError>;

    /// Returns true after a finish reason that did not come as a part.
    fn is_complete(&self) -> bool {
        false
    }

    /// Returns true if a stream that ends here in good order is complete without a `finish` part.
    fn can_finish(&self) -> bool {
        false
    }

    /// Appends the parts that the end of the stream completes.
    fn finish(&mut self, _parts: &mut Vec<StreamPart>) {}

    /// Returns the number of events, or pieces of them, that were skipped.
    fn skipped(&self) -> u64;
}
