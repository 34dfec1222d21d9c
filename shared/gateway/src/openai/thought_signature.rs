//! The thought signature of a tool call, which Gemini requires back with the call.
//!
//! The client receives it in the call's provider metadata and returns it with the next turn.

use std::collections::BTreeMap;

use json::{JsonText, RawJson};

/// The provider name of the metadata that the decoder adds.
const PROVIDER: &str = "gateway";
/// The provider name of the metadata of Google's own provider.
const GOOGLE: &str = "google";
const FIELD: &str = "thoughtSignature";

/// Returns provider metadata with `signature`.
pub(super) fn to_metadata(signature: JsonText) -> RawJson {
    let metadata = BTreeMap::from([(PROVIDER, BTreeMap::from([(FIELD, signature)]))]);
    RawJson::from_value(&metadata).expect("names and texts are always JSON")
}

/// Returns the signature in provider metadata, of the decoder or of Google's own provider.
pub(super) fn from_metadata(metadata: &RawJson) -> Option<JsonText> {
    let providers: BTreeMap<String, RawJson> = serde_json::from_str(metadata.get()).ok()?;
    [PROVIDER, GOOGLE].iter().find_map(|provider| {
        let fields: BTreeMap<String, RawJson> =
            serde_json::from_str(providers.get(*provider)?.get()).ok()?;
        fields
            .get(FIELD)?
            .text()
            .filter(|signature| !signature.is_empty())
    })
}
