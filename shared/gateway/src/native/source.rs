//! The sources of an answer. A client refuses the chunk of a source that lacks a required field, so
//! such a source is dropped.

use json::{JsonText, as_str};
use message::{Source, SourceKind};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::metadata::metadata;

/// The fields of both kinds. `null` counts as absent, and so does what is of another type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSource<'a> {
    #[serde(borrow)]
    source_type: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<&'a RawValue>,
    #[serde(borrow)]
    media_type: Option<&'a RawValue>,
    #[serde(borrow)]
    filename: Option<&'a RawValue>,
    #[serde(borrow)]
    provider_metadata: Option<&'a RawValue>,
}

/// Parses the source in the part `json`; `None` if no client could show it.
pub(super) fn source(json: &str) -> Option<Source> {
    let wire: WireSource<'_> = serde_json::from_str(json).ok()?;
    let kind = match &*as_str(wire.source_type?)? {
        "url" => SourceKind::Url {
            url: text(wire.url)?,
            title: text(wire.title),
        },
        "document" => SourceKind::Document {
            media_type: text(wire.media_type)?,
            title: text(wire.title)?,
            filename: text(wire.filename),
        },
        _ => return None,
    };
    Some(Source {
        id: text(wire.id)?,
        kind,
        provider_metadata: metadata(wire.provider_metadata),
    })
}

fn text(value: Option<&RawValue>) -> Option<JsonText> {
    value.and_then(JsonText::from_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = r#"{"type":"source","sourceType":"url","id":"s","url":"https://a.example","title":"A","providerMetadata":{"a":{"b":1}}}"#;
    const DOCUMENT: &str = r#"{"type":"source","sourceType":"document","id":"s","mediaType":"a/b","title":"T","filename":"t.b"}"#;

    #[test]
    fn texts_of_a_source_are_kept_unchanged() {
        let found = source(URL).unwrap();
        assert_eq!(found.id, "s".into());
        assert_eq!(
            found.kind,
            SourceKind::Url {
                url: "https://a.example".into(),
                title: Some("A".into())
            }
        );
        assert_eq!(found.provider_metadata.unwrap().get(), r#"{"a":{"b":1}}"#);
        let half = source(&DOCUMENT.replace("\"T\"", r#""T \ud83d""#)).unwrap();
        let SourceKind::Document {
            title, filename, ..
        } = half.kind
        else {
            panic!("{half:?}")
        };
        assert_eq!(
            (title.escaped(), filename),
            (r"T \ud83d", Some("t.b".into()))
        );
    }

    #[test]
    fn a_source_that_no_client_accepts_is_omitted() {
        for (case, from, to, is_left) in [
            ("no title", r#","title":"A""#, "", true),
            ("title null", r#""title":"A""#, r#""title":null"#, true),
            ("title a number", r#""title":"A""#, r#""title":1"#, true),
            ("metadata flat", r#"{"b":1}"#, "1", true),
            ("no id", r#""id":"s","#, "", false),
            ("id a number", r#""id":"s""#, r#""id":1"#, false),
            ("no url", r#""url":"#, r#""uri":"#, false),
            ("another kind", r#""url","#, r#""video","#, false),
        ] {
            let json = URL.replacen(from, to, 1);
            assert_ne!(json, URL, "{case}");
            assert_eq!(source(&json).is_some(), is_left, "{case}");
        }
        for (case, from, is_left) in [
            ("no filename", r#","filename":"t.b""#, true),
            ("no title", r#","title":"T""#, false),
            ("no media type", r#""mediaType":"a/b","#, false),
        ] {
            let json = DOCUMENT.replacen(from, "", 1);
            assert_ne!(json, DOCUMENT, "{case}");
            assert_eq!(source(&json).is_some(), is_left, "{case}");
        }
        let flat = source(&URL.replace(r#"{"b":1}"#, "1")).unwrap();
        assert_eq!(flat.provider_metadata, None);
    }
}
