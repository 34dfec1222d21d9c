//! The strategy `jwt`: a signed token, in one of two forms. The token selects the key, the key
//! alone selects the algorithm: without `kid` it is the secret and only HMAC; with `kid` it is a
//! key of the jwt plugin (`jwt({ sessionCookieCache: true })`) and only the algorithm of that key.

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Sha256, Sha384, Sha512};

use super::payload::{MAX_CACHE_BYTES, Payload};
use crate::claims::Validity;
use crate::jwks::Jwks;
use crate::jws::{self, Jws};

/// The type that distinguishes a cache of the plugin from its access tokens.
const PLUGIN_TYPE: &str = "better-auth.session-cache+jwt";
/// The audience that distinguishes a cache of the plugin from its access tokens.
const PLUGIN_AUDIENCE: &str = "better-auth:session-cache";

#[derive(Clone)]
pub(super) struct Decoder {
    // `jose` accepts any HMAC of the family for a shared secret. There is one key, so no confusion
    // is possible.
    hs256: Hmac<Sha256>,
    hs384: Hmac<Sha384>,
    hs512: Hmac<Sha512>,
    issued: Option<(Jwks, String)>,
}

/// The additional claims of the plugin, compared with the content of the cache.
#[derive(Deserialize)]
struct PluginClaims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
}

impl Decoder {
    pub(super) fn new(secret: &str, issued: Option<(&Jwks, &str)>) -> Self {
        const ANY_LENGTH: &str = "HMAC takes a key of any length";
        let secret = secret.as_bytes();
        Self {
            hs256: Hmac::new_from_slice(secret).expect(ANY_LENGTH),
            hs384: Hmac::new_from_slice(secret).expect(ANY_LENGTH),
            hs512: Hmac::new_from_slice(secret).expect(ANY_LENGTH),
            issued: issued.map(|(keys, origin)| (keys.clone(), origin.to_owned())),
        }
    }

    /// Returns the content of the value, if it is signed and has not expired.
    pub(super) fn open(&self, value: &str, now_ms: i64) -> Option<Payload> {
        let jws = Jws::parse(value, MAX_CACHE_BYTES).ok()?;
        if jws.header.kid.is_some() {
            self.open_with_plugin_key(jws, now_ms)
        } else {
            self.open_with_secret(jws, now_ms)
        }
    }

    fn open_with_secret(&self, jws: Jws<'_>, now_ms: i64) -> Option<Payload> {
        if jws.header.typ.is_some() {
            return None;
        }
        // All three in constant time.
        let is_good: fn(&Self, &[u8], &[u8]) -> bool = match jws.header.alg.as_str() {
            "HS256" => |keys, text, mac| {
                keys.hs256
                    .clone()
                    .chain_update(text)
                    .verify_slice(mac)
                    .is_ok()
            },
            "HS384" => |keys, text, mac| {
                keys.hs384
                    .clone()
                    .chain_update(text)
                    .verify_slice(mac)
                    .is_ok()
            },
            "HS512" => |keys, text, mac| {
                keys.hs512
                    .clone()
                    .chain_update(text)
                    .verify_slice(mac)
                    .is_ok()
            },
            _ => return None,
        };
        let claims = jws.verify(|text, mac| is_good(self, text, mac)).ok()?;
        let validity: Validity = jws::parse_object(&claims)?;
        if validity.is_valid_at(now_ms) {
            jws::parse_object(&claims)
        } else {
            None
        }
    }

    fn open_with_plugin_key(&self, jws: Jws<'_>, now_ms: i64) -> Option<Payload> {
        let (keys, origin) = self.issued.as_ref()?;
        if jws.header.typ.as_deref() != Some(PLUGIN_TYPE) {
            return None;
        }
        let claims = keys.verify(jws).ok()?;
        let validity: Validity = jws::parse_object(&claims)?;
        let plugin_claims: PluginClaims = jws::parse_object(&claims)?;
        let payload: Payload = jws::parse_object(&claims)?;
        let is_good = validity.is_valid_for_cache_at(now_ms)
            && plugin_claims.iss == *origin
            && plugin_claims.aud == PLUGIN_AUDIENCE
            && plugin_claims.sub == payload.user.id
            && plugin_claims.sid == payload.session.token;
        is_good.then_some(payload)
    }
}
