//! Strategy `jwt`: a signed token, in one of two forms. Which key is asked depends on the token, what that key can
//! verify does not: without `kid` it is the secret and only HMAC; with `kid` it is a key of the jwt plugin
//! (`jwt({ sessionCookieCache: true })`) and only that key's algorithm.

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Sha256, Sha384, Sha512};

use super::{MAX_BYTES, Payload};
use crate::claims::Times;
use crate::jwks::Jwks;
use crate::jws::{self, Jws};

/// What keeps a cache of the plugin from passing for one of its access tokens, and the other way about.
const PLUGIN_TYPE: &str = "better-auth.session-cache+jwt";
const PLUGIN_AUDIENCE: &str = "better-auth:session-cache";

#[derive(Clone)]
pub(super) struct Decoder {
    // `jose` takes any HMAC of the family for a shared secret. One key, so no confusion.
    hs256: Hmac<Sha256>,
    hs384: Hmac<Sha384>,
    hs512: Hmac<Sha512>,
    issued: Option<(Jwks, String)>,
}

/// What the plugin says besides, to be checked against what is in the cache.
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

    /// What the value holds, if it is signed and has not run out.
    pub(super) fn open(&self, value: &str, now_ms: i64) -> Option<Payload> {
        let jws = Jws::parse(value, MAX_BYTES).ok()?;
        if jws.header.kid.is_some() {
            self.open_plugins(jws, now_ms)
        } else {
            self.open_shared(jws, now_ms)
        }
    }

    fn open_shared(&self, jws: Jws<'_>, now_ms: i64) -> Option<Payload> {
        if jws.header.typ.is_some() {
            return None;
        }
        // Constant time, all three.
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
        let claims = jws.verified(|text, mac| is_good(self, text, mac)).ok()?;
        let times: Times = jws::object(&claims)?;
        if times.hold(now_ms) {
            jws::object(&claims)
        } else {
            None
        }
    }

    fn open_plugins(&self, jws: Jws<'_>, now_ms: i64) -> Option<Payload> {
        let (keys, origin) = self.issued.as_ref()?;
        if jws.header.typ.as_deref() != Some(PLUGIN_TYPE) {
            return None;
        }
        let claims = keys.verified(jws).ok()?;
        let times: Times = jws::object(&claims)?;
        let said: PluginClaims = jws::object(&claims)?;
        let payload: Payload = jws::object(&claims)?;
        let is_good = times.hold_for_cache(now_ms)
            && said.iss == *origin
            && said.aud == PLUGIN_AUDIENCE
            && said.sub == payload.user.id
            && said.sid == payload.session.token;
        is_good.then_some(payload)
    }
}
