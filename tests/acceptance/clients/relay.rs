//! An answer relayed through the decoder, the mapper and the assembler as the function does it, and
//! the check of the result with the real readers.

use std::time::Duration;

use acceptance::client::ai_sdk::{Readers, Version};
use acceptance::gateway::{Gateway, Step};
use anyhow::{Context, Result, ensure};
use gateway::{GatewayConfig, Model, PartStream, Prompt, Protocol};
use message::UiMessage;
use registry::Registry;
use serde_json::value::{RawValue, to_raw_value};
use ui_stream::{DONE, MessageAssembler, PING, StreamMapper, UiMessageChunk};

use super::is_unknown;

/// The chunk before the parts of every answer.
const START: &[u8] = b"data: {\"type\":\"start\",\"messageId\":\"a1\"}\n\n";

/// A gateway and a client of it.
pub(super) struct Relay {
    source: Gateway,
    model: Model,
    prompt: Prompt,
}

/// An answer after the relay.
pub(super) struct Relayed {
    /// The bytes that the browser gets, with comments between.
    bytes: Vec<u8>,
    /// The parts of the stored message.
    parts: Box<RawValue>,
    /// The types of the chunks.
    pub(super) kinds: Vec<String>,
    /// Set if the answer could not be read to its end.
    pub(super) is_cut_off: bool,
}

impl Relay {
    pub(super) async fn new() -> Result<Self> {
        let source = Gateway::start(Vec::new()).await?;
        let hour = Duration::from_secs(3600);
        let client = gateway::Gateway::new(GatewayConfig {
            protocol: Protocol::Native,
            base_url: source.base_url().parse()?,
            api_key: "a-key-that-is-not-checked".into(),
            first_part_timeout: hour,
            idle_timeout: hour,
            max_output_tokens: None,
        })?;
        let message = r#"{"id":"m1","role":"user","parts":[{"type":"text","text":"Well?"}]}"#;
        let message = RawValue::from_string(message.to_owned())?;
        let prompt = client.prompt(None, &[UiMessage::parse(&message, "message")?])?;
        let model = client.model(Registry::new(None, None)?.default_model());
        Ok(Self {
            source,
            model,
            prompt,
        })
    }

    /// Relays the answer that the gateway gives with these steps.
    pub(super) async fn relay(&self, steps: Vec<Step>) -> Result<Relayed> {
        self.source.next(steps);
        relay_stream(self.model.stream(&self.prompt, None).await?).await
    }
}

async fn relay_stream(mut stream: PartStream) -> Result<Relayed> {
    let (mut mapper, mut chunks) = (StreamMapper::default().with_sources(true), Vec::new());
    let is_complete = loop {
        match stream.next().await {
            Ok(None) => break true,
            Err(_) => break false,
            Ok(Some(parts)) => {
                let push = |part| mapper.push(part, |chunk| chunks.push(chunk));
                if parts.into_iter().try_for_each(push).is_err() {
                    break false;
                }
            }
        }
    };
    if is_complete {
        mapper.finish(|chunk| chunks.push(chunk));
    } else {
        mapper.fail("It broke.", |chunk| chunks.push(chunk));
    }
    encode_chunks(&chunks, !is_complete)
}

fn encode_chunks(chunks: &[UiMessageChunk], is_cut_off: bool) -> Result<Relayed> {
    let (mut bytes, mut assembler, mut kinds) =
        (START.to_vec(), MessageAssembler::default(), Vec::new());
    for chunk in chunks {
        let begin = bytes.len();
        chunk.encode(&mut bytes);
        kinds.push(chunk_type(&bytes[begin..])?);
        bytes.extend_from_slice(PING);
        assembler.push(chunk);
    }
    assembler.close_open_inputs();
    bytes.extend_from_slice(DONE);
    Ok(Relayed {
        bytes,
        parts: to_raw_value(assembler.parts())?,
        kinds,
        is_cut_off,
    })
}

fn chunk_type(event: &[u8]) -> Result<String> {
    let after = std::str::from_utf8(event)?
        .split_once("\"type\":\"")
        .context("a chunk has a type")?
        .1;
    Ok(after.split('"').next().unwrap_or_default().to_owned())
}

impl Relayed {
    /// Checks that every client accepts every chunk that its version knows, that it can build its
    /// message from them, and that the newest builds the message that is stored.
    pub(super) async fn ensure_readable(&self, readers: &mut Readers) -> Result<()> {
        for (version, read) in readers.read(&self.bytes, Some(&self.parts)).await? {
            let known = |kind: &str| !is_unknown(kind, version);
            let refused = read
                .refused
                .iter()
                .find(|refused| refused.r#type.as_deref().is_none_or(known));
            ensure!(refused.is_none(), "{version:?} refuses {refused:?}");
            let failure = read
                .failures
                .iter()
                .find(|failure| !is_known_failure(failure, version));
            ensure!(failure.is_none(), "{version:?} cannot read: {failure:?}");
            // Older versions leave out the parts that they do not know, and keep other fields of
            // those that they know.
            let same = version != Version::Seven || read.differs.is_none();
            ensure!(
                same,
                "{version:?} holds {:?}\nstored is {}",
                read.differs,
                self.parts
            );
        }
        Ok(())
    }
}

/// Returns whether the failure is a known one of `ai` 5, which cannot read that a tool of the
/// provider failed whose input had been refused before. The AI SDK's own route sends it all the
/// same.
fn is_known_failure(failure: &str, version: Version) -> bool {
    version == Version::Five
        && failure.ends_with("tool-output-error must be preceded by a tool-input-available")
}
