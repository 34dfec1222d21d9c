//! A look at the bytes before the parser sees them.
//!
//! serde_json bounds neither the depth nor the numbers of what it skips or carries, so this does, in one pass and
//! without recursion. Knows the tokens of JSON, not its grammar: what is no JSON at all is left to the parser.

use memchr::memchr2;

use crate::{Limits, RequestError};

/// The body as text, once its depth, numbers and keys are within bounds everywhere, ignored fields included.
pub(crate) fn text_of<'a>(body: &'a [u8], limits: &Limits) -> Result<&'a str, RequestError> {
    if body.len() > limits.max_body_bytes {
        return Err(RequestError::TooLarge { limit: limits.max_body_bytes });
    }
    let text =
        std::str::from_utf8(body).map_err(|error| RequestError::NotUtf8 { at: error.valid_up_to() })?;
    if text.starts_with('\u{feff}') {
        return Err(not_json(body, 0, "it begins with a byte order mark"));
    }
    check_tokens(text, limits)?;
    Ok(text)
}

fn check_tokens(text: &str, limits: &Limits) -> Result<(), RequestError> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > limits.max_depth {
                    return Err(RequestError::TooDeep { limit: limits.max_depth });
                }
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'"' => {
                let end = string_end(bytes, at);
                if is_before_colon(bytes, end) {
                    check_key(text, at, end)?;
                }
                at = end;
            }
            b'-' | b'0'..=b'9' => {
                let end = number_end(bytes, at);
                check_number(text, at, end, limits)?;
                at = end;
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// Where the string that opens at `start` is over: behind its closing quote, or the end of `bytes`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

fn is_before_colon(bytes: &[u8], end: usize) -> bool {
    bytes[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

fn check_key(text: &str, start: usize, end: usize) -> Result<(), RequestError> {
    let token = &text[start..end];
    let is_proto = if token.contains('\\') {
        let key: String = serde_json::from_str(token).map_err(|_| {
            not_json(text.as_bytes(), start, "a key is not text, it may hold half a surrogate pair")
        })?;
        key == "__proto__"
    } else {
        token == "\"__proto__\""
    };
    if is_proto {
        let (line, column) = place(text.as_bytes(), start);
        return Err(RequestError::ForbiddenKey { line, column });
    }
    Ok(())
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let belongs = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    bytes[start..].iter().position(|byte| !belongs(byte)).map_or(bytes.len(), |length| start + length)
}

fn check_number(text: &str, start: usize, end: usize, limits: &Limits) -> Result<(), RequestError> {
    let token = &text[start..end];
    if token.len() > limits.max_number_bytes {
        let problem = format!("a number is longer than {} bytes", limits.max_number_bytes);
        return Err(not_json(text.as_bytes(), start, &problem));
    }
    // What is no number at all is the parser's to name.
    if token.parse::<f64>().is_ok_and(f64::is_infinite) {
        return Err(not_json(text.as_bytes(), start, "a number is out of range"));
    }
    Ok(())
}

fn not_json(bytes: &[u8], at: usize, problem: &str) -> RequestError {
    let (line, column) = place(bytes, at);
    RequestError::NotJson { line, column, problem: problem.to_owned() }
}

/// Line and column of the byte `at`, both from 1.
fn place(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    (1 + before.iter().filter(|byte| **byte == b'\n').count(), at - line_start + 1)
}

#[cfg(test)]
mod tests;
