//! The check of the URLs of file parts.
//!
//! The server never fetches these URLs; the gateway and the providers do. The check keeps them from
//! requests to hosts where no file can be, and keeps scripts out of what other clients may open. It
//! is stricter than the AI SDK's own route, which also passes on `http:`, any host and any media
//! type.

use std::io;

use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use message::Role;
use url::{Host, Url};

use crate::Limits;

/// Suffixes of host names that have a meaning only inside a private network.
const LOCAL_SUFFIXES: [&str; 9] = [
    ".corp",
    ".home",
    ".home.arpa",
    ".internal",
    ".intranet",
    ".lan",
    ".local",
    ".localhost",
    ".private",
];

const SCHEME_PROBLEM: &str = "must be an https: or data: URL";

/// Checks that the file at `url` may be passed on; the error states the problem. The media type of
/// a `data:` URL is restricted for users only: a model's own file comes back in the history and
/// must not block the conversation.
pub(crate) fn check(url: &str, role: Role, limits: &Limits) -> Result<(), String> {
    match url.split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("data:") => Ok(check_data(rest, role)?),
        _ if url.len() > limits.max_url_bytes => Err(format!(
            "must be a data: URL, or an https: URL of at most {} bytes",
            limits.max_url_bytes
        )),
        _ => Ok(check_https(url)?),
    }
}

fn check_https(url: &str) -> Result<(), &'static str> {
    // `Url` silently drops tabs and line ends.
    if url.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("must not have control characters");
    }
    let url = Url::parse(url).map_err(|_| SCHEME_PROBLEM)?;
    if url.scheme() != "https" {
        return Err(SCHEME_PROBLEM);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user name or password");
    }
    if url.port().is_some() {
        return Err("must not have a port other than 443");
    }
    match url.host() {
        Some(Host::Domain(name)) if is_public_host(name) => Ok(()),
        _ => Err("must have a public host name: no IP address, no local name, only ASCII"),
    }
}

/// Returns true for a public host name. `name` comes from `Url`: lower case, and a label that was
/// not ASCII begins with `xn--`.
fn is_public_host(name: &str) -> bool {
    name.contains('.')
        && !name
            .split('.')
            .any(|label| label.is_empty() || label.starts_with("xn--"))
        && !LOCAL_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// Checks the text after `data:` (RFC 2397). Accepts base64 only, as the prompt takes no other
/// encoding.
fn check_data(rest: &str, role: Role) -> Result<(), &'static str> {
    let head_and_data = rest.split_once(',');
    let Some((head, data)) =
        head_and_data.and_then(|(head, data)| Some((strip_base64(head)?, data)))
    else {
        return Err("must be of the form data:<media type>;base64,<data>");
    };
    let media_type = head
        .split(';')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if !is_media_type(&media_type) {
        return Err("must name a media type such as image/png");
    }
    if role == Role::User && !is_allowed_media_type(&media_type) {
        return Err(
            "must be of type image/* (not image/svg+xml), audio/*, video/*, text/plain, text/markdown, \
                    text/csv, application/pdf or application/json",
        );
    }
    // Decoded in pieces that are discarded: a picture of megabytes takes no memory here.
    match io::copy(
        &mut DecoderReader::new(data.as_bytes(), &STANDARD),
        &mut io::sink(),
    ) {
        Ok(_) => Ok(()),
        Err(_) => Err("must hold base64 with its padding after the comma"),
    }
}

fn strip_base64(head: &str) -> Option<&str> {
    head.rsplit_once(';')
        .filter(|(_, encoding)| encoding.eq_ignore_ascii_case("base64"))
        .map(|(rest, _)| rest)
}

/// Returns true if `text` is `type/subtype` of characters that RFC 6838 allows.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        (1..=127).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

/// Returns true for a media type that some model can read. SVG is excluded because it is a document
/// with scripts.
fn is_allowed_media_type(media_type: &str) -> bool {
    match media_type.split_once('/') {
        Some(("image", subtype)) => subtype != "svg+xml",
        Some(("audio" | "video", _)) => true,
        Some(("text", subtype)) => matches!(subtype, "plain" | "markdown" | "csv"),
        Some(("application", subtype)) => matches!(subtype, "pdf" | "json"),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
