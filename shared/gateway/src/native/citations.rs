//! The citations of a text. `ai` 7 refuses the complete chunk if one of them does not have the
//! expected shape, so that one is left out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use json::{RawJson, array_items, as_str, object_fields};
use serde_json::value::RawValue;

use super::metadata::metadata;

type Fields<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// The maximum number of fields of one citation, known or not.
const MAX_FIELDS: usize = 100;
/// The maximum number of citations of one text. An event may have 12 MB, and each item of two bytes
/// takes sixteen here.
const MAX_CITATIONS: usize = 10_000;

/// Returns the citations that every client accepts; `None` if there are none.
pub(super) fn citations(value: Option<&RawValue>) -> Option<RawJson> {
    let value = value?;
    let all = array_items(value, MAX_CITATIONS)?;
    let fitting: Vec<&RawValue> = all
        .iter()
        .copied()
        .filter(|citation| is_citation(citation))
        .collect();
    match (fitting.len(), all.len()) {
        (fitting, all) if fitting == all => Some(RawJson::from(value)),
        (0, _) => None,
        _ => Some(RawJson::from_value(&fitting).expect("JSON is always JSON")),
    }
}

fn is_citation(citation: &RawValue) -> bool {
    fields(citation).is_some_and(|fields| {
        has(&fields, "source", is_source)
            && may_have(&fields, "startIndex", is_index)
            && may_have(&fields, "endIndex", is_index)
            && may_have(&fields, "citedText", is_text)
    })
}

fn is_source(source: &RawValue) -> bool {
    fields(source).is_some_and(|fields| {
        let has_own = match text_field(&fields, "sourceType").as_deref() {
            Some("url") => has(&fields, "url", is_text) && may_have(&fields, "title", is_text),
            Some("document") => {
                has(&fields, "mediaType", is_text)
                    && has(&fields, "title", is_text)
                    && may_have(&fields, "filename", is_text)
            }
            _ => false,
        };
        has_own
            && text_field(&fields, "type").as_deref() == Some("source")
            && has(&fields, "id", is_text)
            && may_have(&fields, "providerMetadata", |value| {
                metadata(Some(value)).is_some()
            })
    })
}

fn fields(value: &RawValue) -> Option<Fields<'_>> {
    object_fields(value, MAX_FIELDS)
}

fn text_field(fields: &Fields<'_>, name: &str) -> Option<String> {
    fields
        .get(name)
        .and_then(|value| as_str(value))
        .map(String::from)
}

fn has(fields: &Fields<'_>, name: &str, fits: fn(&RawValue) -> bool) -> bool {
    fields.get(name).is_some_and(|value| fits(value))
}

/// Returns true if the field is absent or fits. `null` does not count as absent.
fn may_have(fields: &Fields<'_>, name: &str, fits: fn(&RawValue) -> bool) -> bool {
    fields.get(name).is_none_or(|value| fits(value))
}

fn is_text(value: &RawValue) -> bool {
    value.get().starts_with('"')
}

/// Returns true for an integer that a double holds exactly, however it is written.
fn is_index(value: &RawValue) -> bool {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    let number = value.get().parse::<f64>();
    number.is_ok_and(|number| (0.0..=LARGEST).contains(&number) && number.fract() == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str =
        r#"{"source":{"type":"source","sourceType":"url","id":"s","url":"https://a.example"}}"#;

    fn kept(json: &str) -> Option<String> {
        let value: &RawValue = serde_json::from_str(json).unwrap();
        citations(Some(value)).map(|citations| citations.get().to_owned())
    }

    #[test]
    fn citations_of_either_kind_go_on_as_they_came() {
        let full = r#"[ {"new":null,"source":{"type":"source","sourceType":"document","id":"s","mediaType":"a/b",
            "title":"half \ud83d","filename":"f","providerMetadata":{"a":{}}},"startIndex":0,"endIndex":4.0e0,
            "citedText":"x"} ]"#;
        for json in ["[]", &format!("[{URL},{URL}]"), full] {
            assert_eq!(kept(json).as_deref(), Some(json), "{json}");
        }
    }

    #[test]
    fn a_malformed_citation_is_omitted() {
        let source = r#"{"type":"source","sourceType":"url","id":"s","url":"u"}"#;
        for (name, misfit) in [
            ("no object", "1".to_owned()),
            ("no source", r#"{"type":"url"}"#.to_owned()),
            ("source null", r#"{"source":null}"#.to_owned()),
            ("another type", URL.replace("\"source\",", "\"file\",")),
            (
                "another kind of source",
                URL.replace("\"url\",", "\"video\","),
            ),
            ("no id", URL.replace(r#""id":"s","#, "")),
            ("id that is no text", URL.replace(r#""s""#, "1")),
            (
                "document without its fields",
                URL.replace("\"url\",", "\"document\","),
            ),
            ("title null", URL.replace(r#""id""#, r#""title":null,"id""#)),
            (
                "metadata",
                URL.replace(r#""id""#, r#""providerMetadata":{"a":{"x":1e999}},"id""#),
            ),
            (
                "part of a character",
                format!(r#"{{"source":{source},"startIndex":0.5}}"#),
            ),
            (
                "before the text",
                format!(r#"{{"source":{source},"endIndex":-1}}"#),
            ),
            (
                "past every text",
                format!(r#"{{"source":{source},"endIndex":9007199254740992}}"#),
            ),
            (
                "index in quotes",
                format!(r#"{{"source":{source},"endIndex":"1"}}"#),
            ),
            (
                "index null",
                format!(r#"{{"source":{source},"startIndex":null}}"#),
            ),
            (
                "cited text null",
                format!(r#"{{"source":{source},"citedText":null}}"#),
            ),
        ] {
            assert_eq!(kept(&format!("[{misfit}]")), None, "{name}");
            assert_eq!(
                kept(&format!("[{misfit}, {URL}]")),
                Some(format!("[{URL}]")),
                "{name}, not alone"
            );
        }
        let many = |count| format!("[{}]", vec![URL; count].join(","));
        assert!(kept(&many(MAX_CITATIONS)).is_some());
        assert_eq!(
            kept(&many(MAX_CITATIONS + 1)),
            None,
            "more than can be held"
        );
        for json in ["null", "1", "{}", "\"[]\""] {
            assert_eq!(kept(json), None, "{json}");
        }
    }
}
