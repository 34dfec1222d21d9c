//! A strict parser of UI message streams: comments and `data:` lines. It accepts what the route
//! promises (one line of data per event) and refuses anything else.

use anyhow::{Result, ensure};
use serde_json::Value;

/// A stream that was read to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The chunks in order.
    pub chunks: Vec<Value>,
    /// A flag for a stream whose last event was `[DONE]`.
    pub done: bool,
}

impl Transcript {
    /// Parses a complete body.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(body)?;
        ensure!(
            text.is_empty() || text.ends_with("\n\n"),
            "the stream ends inside an event"
        );
        let mut transcript = Self {
            chunks: Vec::new(),
            done: false,
        };
        for event in text
            .split_terminator("\n\n")
            .filter(|event| !event.starts_with(':'))
        {
            let data = event.strip_prefix("data: ");
            let data = data.ok_or_else(|| anyhow::anyhow!("not a line of data: {event:?}"))?;
            ensure!(
                !data.contains('\n'),
                "more than one line in an event: {event:?}"
            );
            ensure!(!transcript.done, "something follows [DONE]: {event:?}");
            match data {
                "[DONE]" => transcript.done = true,
                chunk => transcript.chunks.push(serde_json::from_str(chunk)?),
            }
        }
        Ok(transcript)
    }

    /// Returns the chunks' types in order, with consecutive duplicates removed.
    pub fn types(&self) -> Vec<&str> {
        let mut types: Vec<_> = self
            .chunks
            .iter()
            .filter_map(|chunk| chunk["type"].as_str())
            .collect();
        types.dedup();
        types
    }

    /// Returns the concatenated text deltas.
    pub fn text(&self) -> String {
        let deltas = self
            .chunks
            .iter()
            .filter(|chunk| chunk["type"] == "text-delta");
        deltas.filter_map(|chunk| chunk["delta"].as_str()).collect()
    }

    /// Returns the first chunk of a type.
    pub fn first(&self, kind: &str) -> Option<&Value> {
        self.chunks.iter().find(|chunk| chunk["type"] == kind)
    }

    /// Returns the `finishReason` of the `finish` chunk.
    pub fn finish_reason(&self) -> Option<&str> {
        self.first("finish")?["finishReason"].as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_and_a_malformed_one_is_refused() {
        let good = b": ping\n\ndata: {\"type\":\"text-delta\",\"delta\":\"a\"}\n\ndata: {\"type\":\"text-delta\",\"delta\":\"b\"}\n\ndata: [DONE]\n\n";
        let transcript = Transcript::parse(good).unwrap();
        assert_eq!(
            (
                transcript.text().as_str(),
                transcript.types(),
                transcript.done
            ),
            ("ab", vec!["text-delta"], true)
        );
        for (name, bad) in [
            ("cut", "data: {}"),
            ("after the end", "data: [DONE]\n\ndata: {}\n\n"),
            ("not JSON", "data: {\n\n"),
            ("no data", "event: x\n\n"),
        ] {
            assert!(Transcript::parse(bad.as_bytes()).is_err(), "{name}");
        }
    }
}
