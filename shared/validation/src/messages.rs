//! The messages of a request: their number, their parts and their files.

use json::{Invalid, Object};
use message::{Role, UiMessage, UiPart};
use serde_json::value::RawValue;

use crate::{Limits, file_url};

/// Parses `messages` or, if it is absent, `message`. Requires at least one message of the user, and
/// that the id of the last one is unique: an answer stored under the id of another message would be
/// lost, or would replace that message.
pub(crate) fn parse(fields: &Object<'_>, limits: &Limits) -> Result<Vec<UiMessage>, Invalid> {
    if fields.get("messages").is_none() {
        return match fields.get("message") {
            Some(message) => Ok(vec![parse_last(message, limits)?]),
            None => Err(Invalid::new(
                "messages",
                "is required: an array of the conversation's messages",
            )),
        };
    }

    let mut parts_left = limits.max_total_parts;
    let mut messages = Vec::new();
    for (index, value) in fields
        .array("messages", limits.max_messages)?
        .into_iter()
        .enumerate()
    {
        let message = parse_one(value, &format!("messages[{index}]"), parts_left, limits)?;
        parts_left -= count_parts(&message.parts);
        messages.push(message);
    }
    check_answered_message(&messages)?;
    Ok(messages)
}

/// Parses the one message of a client that relies on the stored conversation.
fn parse_last(value: &RawValue, limits: &Limits) -> Result<UiMessage, Invalid> {
    let message = parse_one(value, "message", limits.max_total_parts, limits)?;
    if message.role != Role::User {
        let problem = "must be user; to go on with an answer, send the conversation as messages";
        return Err(Invalid::new("message.role", problem));
    }
    Ok(message)
}

fn parse_one(
    value: &RawValue,
    path: &str,
    parts_left: usize,
    limits: &Limits,
) -> Result<UiMessage, Invalid> {
    check_part_count(&Object::parse(value, path)?, parts_left, limits)?;
    let message = UiMessage::parse(value, path)?;
    check_no_steering_by_user(&message, path)?;
    check_files(&message.parts, message.role, path, limits)?;
    Ok(message)
}

fn check_files(parts: &[UiPart], sender: Role, path: &str, limits: &Limits) -> Result<(), Invalid> {
    for (index, part) in parts.iter().enumerate() {
        let path = || format!("{path}.parts[{index}]");
        if let UiPart::SteeringMessage { parts, .. } = part {
            check_files(parts, Role::User, &path(), limits)?;
        } else if let Some(url) = url_to_check(part) {
            file_url::check(url, sender, limits)
                .map_err(|problem| Invalid::new(format!("{}.url", path()), problem))?;
        }
    }
    Ok(())
}

/// Refuses too many parts before they are parsed, since a part of 22 bytes takes hundreds in
/// memory. Those inside of steering messages are counted too.
fn check_part_count(
    fields: &Object<'_>,
    parts_left: usize,
    limits: &Limits,
) -> Result<(), Invalid> {
    let limit = match fields.string("role")?.as_str() {
        "user" => limits.max_user_parts,
        _ => limits.max_assistant_parts,
    };
    let parts = fields.array("parts", limit)?;
    let count = parts
        .iter()
        .map(|part| 1 + UiPart::count_nested(part))
        .sum::<usize>();
    if count > limit {
        let problem =
            format!("must have at most {limit} parts, those of steering-messages included");
        return Err(Invalid::new(fields.path("parts"), problem));
    }
    if count > parts_left {
        let problem = format!("must have at most {} parts in all", limits.max_total_parts);
        return Err(Invalid::new("messages", problem));
    }
    Ok(())
}

/// Counts parts as [`check_part_count`] does.
fn count_parts(parts: &[UiPart]) -> usize {
    parts
        .iter()
        .map(|part| {
            1 + if let UiPart::SteeringMessage { parts, .. } = part {
                parts.len()
            } else {
                0
            }
        })
        .sum()
}

/// Refuses a steering message in a message of the user: it records what the user wrote while an
/// answer was streaming.
fn check_no_steering_by_user(message: &UiMessage, path: &str) -> Result<(), Invalid> {
    let is_steering = |part: &UiPart| matches!(part, UiPart::SteeringMessage { .. });
    match message
        .parts
        .iter()
        .position(is_steering)
        .filter(|_| message.role == Role::User)
    {
        Some(index) => Err(Invalid::new(
            format!("{path}.parts[{index}].type"),
            "must not be steering-message in a message of the user",
        )),
        None => Ok(()),
    }
}

/// Returns the URL of a file part. A file that the provider holds by reference needs none.
fn url_to_check(part: &UiPart) -> Option<&str> {
    match part {
        UiPart::File {
            url,
            provider_reference: Some(_),
            ..
        } if url.is_empty() => None,
        UiPart::File { url, .. } | UiPart::ReasoningFile { url, .. } => Some(url),
        UiPart::Text { .. }
        | UiPart::Reasoning { .. }
        | UiPart::Custom { .. }
        | UiPart::StepStart
        | UiPart::SteeringMessage { .. }
        | UiPart::Tool(_)
        | UiPart::Other(_) => None,
    }
}

fn check_answered_message(messages: &[UiMessage]) -> Result<(), Invalid> {
    let Some(answered) = messages
        .iter()
        .rposition(|message| message.role == Role::User)
    else {
        return Err(Invalid::new(
            "messages",
            "must have at least one message of role user",
        ));
    };
    let id = &messages[answered].id;
    match messages
        .iter()
        .enumerate()
        .find(|(index, message)| message.id == *id && *index != answered)
    {
        Some((index, _)) => Err(Invalid::new(
            format!("messages[{answered}].id"),
            format!("must differ from the id of messages[{index}]"),
        )),
        None => Ok(()),
    }
}
