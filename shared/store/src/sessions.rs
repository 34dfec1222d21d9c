//! better-auth's `secondaryStorage`: one item per key.
//!
//! Knows where a value lies and when its item has run out. What the value says is the session
//! crate's matter.

use crate::attribute::{Item, string};
use crate::{Store, StoreError, keys};

/// DynamoDB takes 2,048 bytes for a `pk`; no key that better-auth makes comes near.
const MAX_KEY_BYTES: usize = 2_000;

impl Store {
    /// Returns the value under `key`, unless it expired before `now_ms` (milliseconds since 1970).
    ///
    /// Reads eventually consistent, and once more strongly where that finds nothing: a session may
    /// be as young as its first request.
    pub async fn session_value(
        &self,
        key: &str,
        now_ms: u64,
    ) -> Result<Option<String>, StoreError> {
        if key.len() > MAX_KEY_BYTES {
            return Ok(None);
        }
        for consistent in [false, true] {
            if let Some(value) = self
                .read_session(key, consistent)
                .await?
                .and_then(|item| live_value(item, now_ms))
            {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    async fn read_session(&self, key: &str, consistent: bool) -> Result<Option<Item>, StoreError> {
        self.client
            .get_item()
            .table_name(&*self.table)
            .key("pk", string(keys::session(key)))
            .key("sk", string(keys::ALONE))
            .consistent_read(consistent)
            .send()
            .await
            .map(|answer| answer.item)
            .map_err(|error| StoreError::of("GetItem", error))
    }
}

/// Returns the value of a session that has not expired: DynamoDB may take days to remove one.
fn live_value(mut item: Item, now_ms: u64) -> Option<String> {
    if let Some(expires_at) = item.get("ttl") {
        let expires_at_s: u64 = expires_at.as_n().ok()?.parse().ok()?;
        if expires_at_s < now_ms / 1000 {
            return None;
        }
    }
    match item.remove("v") {
        Some(aws_sdk_dynamodb::types::AttributeValue::S(value)) => Some(value),
        _ => None,
    }
}
