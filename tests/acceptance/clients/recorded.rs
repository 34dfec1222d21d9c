//! Recorded answers, most of them of real providers, as the gateway passes them on: the streams
//! that the gateway crate keeps.

use std::fs;

use acceptance::client::ai_sdk::{Readers, Version};
use acceptance::gateway::{Step, responses};
use acceptance::tools::workspace;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;

use super::is_unknown;
use super::relay::Relay;

/// The prefixes of the fixtures' names: those of real providers, and one with parts that no
/// provider should send.
const STREAMS: [&str; 4] = ["anthropic-", "google-", "openai-", "odd."];

#[tokio::test]
async fn recorded_answers_are_read_by_every_client() -> Result<()> {
    let Some(mut readers) = Readers::start()? else {
        return Ok(());
    };
    let relay = Relay::new().await?;
    let mut tried = 0;
    for file in fs::read_dir(workspace().join("shared/gateway/fixtures"))? {
        let file = file?;
        let name = file
            .file_name()
            .into_string()
            .ok()
            .context("a plain name")?;
        if !STREAMS.iter().any(|stream| name.starts_with(stream)) {
            continue;
        }
        let wire = Bytes::from(fs::read(file.path())?);
        let relayed = relay
            .relay(vec![responses::head(), Step::Send(wire), Step::End])
            .await?;
        ensure!(
            relayed.is_cut_off == (name == "anthropic-overloaded.sse"),
            "{name}: {:?}",
            relayed.kinds
        );
        let unknown = relayed
            .kinds
            .iter()
            .find(|kind| is_unknown(kind, Version::Five));
        ensure!(
            unknown.is_none(),
            "{name}: {unknown:?} is not for every client"
        );
        relayed
            .ensure_readable(&mut readers)
            .await
            .with_context(|| name.clone())?;
        tried += 1;
    }
    ensure!(tried >= 8, "{tried} streams");
    Ok(())
}
