//! The cost of a model call.

use json::{RawJson, unquoted};
use serde::Deserialize;
use serde_json::value::RawValue;
use store::Cost;

/// Parses the cost that the gateway reports in USD: `{"gateway":{"cost":"0.0012"}}`. Skips
/// everything else, whatever its size.
pub(crate) fn cost(metadata: &RawJson) -> Option<Cost> {
    #[derive(Deserialize)]
    struct Metadata<'a> {
        #[serde(borrow)]
        gateway: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Gateway<'a> {
        #[serde(borrow)]
        cost: Option<&'a RawValue>,
    }
    let metadata: Metadata<'_> = serde_json::from_str(metadata.get()).ok()?;
    let gateway: Gateway<'_> = serde_json::from_str(metadata.gateway?.get()).ok()?;
    let cost = gateway.cost?.get();
    Cost::parse(unquoted(cost).as_deref().unwrap_or(cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_read_and_everything_else_is_skipped() {
        let deep = "[".repeat(50_000) + &"]".repeat(50_000);
        for (metadata, expected) in [
            (r#"{"gateway":{"cost":"0.0012"}}"#.to_owned(), Some(0.0012)),
            (r#"{"gateway":{"cost":0.5}}"#.to_owned(), Some(0.5)),
            (
                format!(r#"{{"other":{deep},"gateway":{{"other":{deep},"cost":"4e-7"}}}}"#),
                Some(4e-7),
            ),
            (r#"{"gateway":{"cost":null}}"#.to_owned(), None),
            (r#"{"gateway":{"cost":"free"}}"#.to_owned(), None),
            (r#"{"gateway":{"cost":-1}}"#.to_owned(), None),
            (format!(r#"{{"gateway":{{"cost":{deep}}}}}"#), None),
            (r#"{"gateway":[]}"#.to_owned(), None),
            (r#"{"openai":{"cost":1}}"#.to_owned(), None),
            ("[]".to_owned(), None),
        ] {
            let json = RawJson::new(RawValue::from_string(metadata.clone()).unwrap());
            assert_eq!(cost(&json).map(Cost::usd), expected, "{metadata:.80}");
        }
    }
}
