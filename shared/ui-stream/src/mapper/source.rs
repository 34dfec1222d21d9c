//! The mapping of sources, whose chunk is also the part that a message keeps.

use json::{JsonText, RawJson};
use message::{Source, SourceKind};
use serde::Serialize;

use crate::UiMessageChunk;

/// The chunk of a source, with the keys of the AI SDK in its order.
#[derive(Serialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
enum SourceChunk<'a> {
    SourceUrl {
        source_id: &'a JsonText,
        url: &'a JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a JsonText>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<&'a RawJson>,
    },
    SourceDocument {
        source_id: &'a JsonText,
        media_type: &'a JsonText,
        title: &'a JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a JsonText>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<&'a RawJson>,
    },
}

pub(super) fn to_chunk(source: &Source) -> UiMessageChunk {
    let Source {
        id: source_id,
        kind,
        provider_metadata,
    } = source;
    let provider_metadata = provider_metadata.as_ref();
    let chunk = match kind {
        SourceKind::Url { url, title } => SourceChunk::SourceUrl {
            source_id,
            url,
            title: title.as_ref(),
            provider_metadata,
        },
        SourceKind::Document {
            media_type,
            title,
            filename,
        } => {
            let filename = filename.as_ref();
            SourceChunk::SourceDocument {
                source_id,
                media_type,
                title,
                filename,
                provider_metadata,
            }
        }
    };
    UiMessageChunk::Part(RawJson::from_value(&chunk).expect("texts and JSON are always JSON"))
}
