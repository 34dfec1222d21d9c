//! Files of a user, each kind of which has a form of its own.

use std::borrow::Cow;

use json::JsonText;

use crate::openai::chat_message::{Address, Audio, Document, Part};
use crate::prompt::model_message::FileSource;
use crate::prompt::{PartPath, PromptError, sniff};

/// Returns the part for a file that is in the message, or that the provider can fetch.
pub(super) fn part<'a>(
    media_type: &'a str,
    filename: Option<&'a str>,
    source: &'a FileSource<'a>,
    path: PartPath,
) -> Result<Part<'a>, PromptError> {
    match source {
        FileSource::Data { data } => inline_part(media_type, filename, data)
            .ok_or(PromptError::UnsupportedFile { part: path }),
        FileSource::Url { url } => elsewhere(media_type, url).ok_or(PromptError::FileUrl {
            part: path,
            problem: "be a data URL: models can fetch only images and videos themselves",
        }),
        FileSource::Reference { .. } => Err(PromptError::FileReference { part: path }),
    }
}

fn elsewhere<'a>(media_type: &str, url: &'a str) -> Option<Part<'a>> {
    let address = Address {
        url: Cow::Borrowed(url),
    };
    match kind(media_type) {
        "image" => Some(Part::ImageUrl { image_url: address }),
        "video" => Some(Part::VideoUrl { video_url: address }),
        _ => None,
    }
}

/// Returns the part for an inline file. `None` for kinds without a form in this protocol, and for
/// incomplete media types.
fn inline_part<'a>(
    media_type: &'a str,
    filename: Option<&'a str>,
    data: &'a str,
) -> Option<Part<'a>> {
    let address = || Address {
        url: Cow::Owned(format!("data:{media_type};base64,{data}")),
    };
    let is_complete = media_type
        .split_once('/')
        .is_some_and(|(_, subtype)| !matches!(subtype, "" | "*"));
    Some(match (kind(media_type), media_type) {
        ("text", _) => Part::Text {
            text: Cow::Owned(text(data)?),
        },
        _ if !is_complete => return None,
        ("image", _) => Part::ImageUrl {
            image_url: address(),
        },
        ("video", _) => Part::VideoUrl {
            video_url: address(),
        },
        (_, "audio/wav") => Part::InputAudio {
            input_audio: Audio {
                data,
                format: "wav",
            },
        },
        (_, "audio/mp3" | "audio/mpeg") => Part::InputAudio {
            input_audio: Audio {
                data,
                format: "mp3",
            },
        },
        (_, "application/pdf") => Part::File {
            file: Document {
                filename: filename.unwrap_or("document.pdf"),
                file_data: format!("data:application/pdf;base64,{data}"),
            },
        },
        _ => return None,
    })
}

fn kind(media_type: &str) -> &str {
    media_type
        .split_once('/')
        .map_or(media_type, |(kind, _)| kind)
}

/// Decodes text as a browser's `TextDecoder` does: without a byte-order mark, with U+FFFD for bytes
/// that are not UTF-8.
fn text(data: &str) -> Option<JsonText> {
    let bytes = sniff::decode(data)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    Some(JsonText::new(&String::from_utf8_lossy(bytes)))
}
