//! The files of a conversation: their media types and the sources of their bytes.
//!
//! A file may be megabytes of base64: it is scanned once, never decoded, and copied only to remove
//! white space.

use std::borrow::Cow;

use json::RawJson;
use message::Role;
use url::Url;

use super::model_message::FileSource;
use super::{PartPath, PromptError, sniff};

/// A file of a message.
pub(super) struct File<'a> {
    pub(super) url: &'a str,
    pub(super) media_type: Option<&'a str>,
    /// The provider's reference to it, which takes precedence over the URL.
    pub(super) reference: Option<&'a RawJson>,
    pub(super) path: PartPath,
}

impl<'a> File<'a> {
    /// Resolves the media type and the bytes that the model gets.
    ///
    /// The media type of a data URL takes precedence over the field next to it, and the first bytes
    /// of an image that the user sends take precedence over both.
    pub(super) fn resolve(&self, sender: Role) -> Result<(&'a str, FileSource<'a>), PromptError> {
        let (named, source) = match self.reference {
            Some(reference) => (None, FileSource::Reference { reference }),
            None => self.source().map_err(|problem| PromptError::FileUrl {
                part: self.path,
                problem,
            })?,
        };
        let image = match &source {
            FileSource::Data { data } if sender == Role::User => sniff::image_type(data),
            _ => None,
        };
        [image, named, self.media_type]
            .into_iter()
            .flatten()
            .find(|media_type| !media_type.is_empty())
            .map(|media_type| (media_type, source))
            .ok_or(PromptError::MediaType { part: self.path })
    }

    fn source(&self) -> Result<(Option<&'a str>, FileSource<'a>), &'static str> {
        // As every URL parser does.
        let url = self.url.trim_matches(|character| character <= ' ');
        match url.split_at_checked("data:".len()) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("data:") => data(rest),
            _ => remote(url).map(|source| (None, source)),
        }
    }
}

fn remote<'a>(url: &str) -> Result<FileSource<'a>, &'static str> {
    match Url::parse(url) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) => {
            Ok(FileSource::Url { url: url.into() })
        }
        _ => Err("be an http(s) URL or a data URL"),
    }
}

/// Parses the rest of a `data:` URL (RFC 2397). Only base64 can be passed on unchanged.
fn data(url: &str) -> Result<(Option<&str>, FileSource<'_>), &'static str> {
    let (head, content) = url.split_once(',').ok_or("have a comma before its data")?;
    let (head, encoding) = head.rsplit_once(';').ok_or(NOT_MARKED)?;
    if !encoding.trim().eq_ignore_ascii_case("base64") {
        return Err(NOT_MARKED);
    }
    let media_type = head.split(';').next().map(str::trim);
    match base64(content) {
        Some(data) => Ok((media_type, FileSource::Data { data })),
        None => Err("be base64 after the comma"),
    }
}

const NOT_MARKED: &str = "say \";base64\" before the comma";

/// Returns `content` if it is base64, without the white space that it may contain.
fn base64(content: &str) -> Option<Cow<'_, str>> {
    if is_base64(content) {
        return Some(content.into());
    }
    let joined: String = content.split_ascii_whitespace().collect();
    is_base64(&joined).then_some(joined.into())
}

/// Returns true if `content` is base64 of either alphabet, padded or not, as for a browser's
/// `atob`.
fn is_base64(content: &str) -> bool {
    let bare = match content.len() % 4 {
        0 => content
            .strip_suffix("==")
            .or(content.strip_suffix('='))
            .unwrap_or(content),
        _ => content,
    };
    bare.len() % 4 != 1
        && bare
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_passed_on_and_not_copied() {
        let url = format!("data:text/plain;base64,{}", "YWJj".repeat(1000));
        let (media_type, source) = data(&url["data:".len()..]).unwrap();
        assert_eq!(media_type, Some("text/plain"));
        assert!(
            matches!(source, FileSource::Data { data: Cow::Borrowed(data) } if data.len() == 4000)
        );
    }

    #[test]
    fn base64_is_what_a_browser_takes_for_it() {
        for (content, expected) in [
            ("", true),
            ("YQ==", true),
            ("YQ", true),
            ("YWI=", true),
            ("YWI", true),
            ("-_+/", true),
            ("YQ=", false),
            ("YWJj=", false),
            ("YWJjZ", false),
            ("Y===", false),
            ("====", false),
            ("YQ==YWJj", false),
            ("YW.j", false),
            ("YWä", false),
        ] {
            assert_eq!(is_base64(content), expected, "{content:?}");
        }
    }
}
