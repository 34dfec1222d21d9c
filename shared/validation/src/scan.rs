//! The checks of the body before the parser sees it.
//!
//! `serde_json` bounds neither the depth nor the numbers of what it skips or carries, so this scan
//! does, in one pass and without recursion. Knows the tokens of JSON, not its grammar: text that is
//! not JSON is left to the parser.

use json::{JsonToken, is_out_of_range, json_tokens, unquoted};

use crate::{Limits, RequestError};

/// Returns the body as text after checking that its depth, numbers and keys are within bounds
/// everywhere, ignored fields included.
pub(crate) fn read_text<'a>(body: &'a [u8], limits: &Limits) -> Result<&'a str, RequestError> {
    if body.len() > limits.max_body_bytes {
        return Err(RequestError::TooLarge {
            limit: limits.max_body_bytes,
        });
    }
    let text = std::str::from_utf8(body).map_err(|error| RequestError::NotUtf8 {
        at: error.valid_up_to(),
    })?;
    if text.starts_with('\u{feff}') {
        return Err(not_json(body, 0, "it begins with a byte order mark"));
    }
    check_tokens(text, limits)?;
    Ok(text)
}

fn check_tokens(text: &str, limits: &Limits) -> Result<(), RequestError> {
    let mut depth = 0_usize;
    for (at, token) in json_tokens(text) {
        match token {
            JsonToken::Object | JsonToken::Array => {
                depth += 1;
                if depth > limits.max_depth {
                    return Err(RequestError::TooDeep {
                        limit: limits.max_depth,
                    });
                }
            }
            JsonToken::End => depth = depth.saturating_sub(1),
            JsonToken::Key(key) => check_key(text, at, key)?,
            JsonToken::Number(number) => check_number(text, at, number, limits)?,
            JsonToken::Text(_) => {}
        }
    }
    Ok(())
}

fn check_key(text: &str, at: usize, token: &str) -> Result<(), RequestError> {
    let key = unquoted(token).ok_or_else(|| {
        not_json(
            text.as_bytes(),
            at,
            "a key is not text, it may hold half a surrogate pair",
        )
    })?;
    if key == "__proto__" {
        let (line, column) = line_and_column(text.as_bytes(), at);
        return Err(RequestError::ForbiddenKey { line, column });
    }
    Ok(())
}

fn check_number(text: &str, at: usize, token: &str, limits: &Limits) -> Result<(), RequestError> {
    if token.len() > limits.max_number_bytes {
        let problem = format!("a number is longer than {} bytes", limits.max_number_bytes);
        return Err(not_json(text.as_bytes(), at, &problem));
    }
    // Malformed numbers are reported by the parser.
    if is_out_of_range(token) {
        return Err(not_json(text.as_bytes(), at, "a number is out of range"));
    }
    Ok(())
}

fn not_json(bytes: &[u8], at: usize, problem: &str) -> RequestError {
    let (line, column) = line_and_column(bytes, at);
    RequestError::NotJson {
        line,
        column,
        problem: problem.to_owned(),
    }
}

/// Returns line and column of the byte `at`, both from 1.
fn line_and_column(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    (
        1 + before.iter().filter(|byte| **byte == b'\n').count(),
        at - line_start + 1,
    )
}

#[cfg(test)]
mod tests;
