//! Proof that the readers do refuse: a check that accepts everything would find no error.

use acceptance::client::ai_sdk::{Readers, Version};
use anyhow::{Result, ensure};
use serde_json::value::RawValue;
use ui_stream::PING;

const NONE: &[Version] = &[];
const OLDER: &[Version] = &[Version::Six, Version::Five];
const ALL: &[Version] = &Version::NEWEST_FIRST;

#[tokio::test]
async fn a_chunk_that_does_not_fit_a_schema_is_refused() -> Result<()> {
    let Some(mut readers) = Readers::start()? else {
        return Ok(());
    };
    for (chunk, refused_by) in [
        (r#"{"type":"finish","finishReason":"stop"}"#, NONE),
        (
            r#"{"type":"finish","finishReason":"stop","more":{"fields":null}}"#,
            NONE,
        ),
        (
            r#"{"type":"text-start","id":"0","providerMetadata":{"a":{"b":[null,1.5]}}}"#,
            NONE,
        ),
        (r#"{"type":"finish","finishReason":"interrupted"}"#, OLDER),
        (r#"{"type":"finish","finishReason":null}"#, ALL),
        (r#"{"type":"finish","finishReason":"tired"}"#, ALL),
        (r#"{"type":"start","messageId":null}"#, ALL),
        (r#"{"type":"text-start","id":0}"#, ALL),
        (
            r#"{"type":"text-start","id":"0","providerMetadata":{"a":1}}"#,
            ALL,
        ),
        (r#"{"type":"error"}"#, ALL),
        (r#"{"type":"hologram"}"#, ALL),
        (
            r#"{"type":"finish","messageMetadata":{"__proto__":1}}"#,
            ALL,
        ),
        ("{", ALL),
    ] {
        let stream = format!("data: {chunk}\n\n");
        for (version, read) in readers.read(stream.as_bytes(), None).await? {
            let refused = !read.refused.is_empty();
            ensure!(
                refused == refused_by.contains(&version),
                "{chunk}: {version:?}: {read:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_without_the_expected_message_is_detected() -> Result<()> {
    let Some(mut readers) = Readers::start()? else {
        return Ok(());
    };
    let start = "data: {\"type\":\"text-start\",\"id\":\"0\"}\n\n";
    let delta = "data: {\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"Hi\"}\n\n";
    let end = "data: {\"type\":\"text-end\",\"id\":\"0\"}\n\n";
    let parts =
        RawValue::from_string(r#"[{"type":"text","text":"Hi","state":"done"}]"#.to_owned())?;
    let ping = std::str::from_utf8(PING)?;
    for (name, stream, fails, differs) in [
        ("complete", [start, delta, ping, end].concat(), false, false),
        ("never started", [delta].concat(), true, true),
        ("never ended", [start, delta].concat(), false, true),
        (
            "sent twice",
            [start, delta, delta, end].concat(),
            false,
            true,
        ),
    ] {
        for (version, read) in readers.read(stream.as_bytes(), Some(&parts)).await? {
            let seen = (!read.failures.is_empty(), read.differs.is_some());
            ensure!(seen == (fails, differs), "{name}: {version:?}: {read:?}");
        }
    }
    Ok(())
}
