//! Server-sent events: bytes in, the data of events out (WHATWG HTML, section 9.2.6).
//!
//! Knows lines and frames. Does not know the meaning of the data, nor if it is UTF-8.

use memchr::memchr2;

/// The maximum size of the data of one event in bytes. An event may carry a file of several
/// megabytes; a larger one is not a model's answer.
pub(crate) const MAX_EVENT_BYTES: usize = 12 * 1024 * 1024;

/// The capacity in bytes that the buffer keeps after a large event.
const MAX_KEPT_CAPACITY_BYTES: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const DATA: &[u8] = b"data";

/// The error for an event whose data exceeds [`MAX_EVENT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventTooLarge;

/// Cuts a stream of bytes into events, however the network cut it.
///
/// Each byte is looked at once, so the cost is linear, and only data is kept: comments and other
/// fields may have any length. A last event without its blank line is dropped, as the specification
/// demands; so there is no `finish`.
#[derive(Debug)]
pub(crate) struct SseDecoder {
    data: Vec<u8>,
    has_data: bool,
    dispatched: bool,
    line: Line,
    after_cr: bool,
    mark: &'static [u8],
    limit: usize,
}

/// The position of the next byte in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// In the field's name, this many bytes of `data` matched.
    Name(usize),
    /// After `data:`, where one space may follow.
    Colon,
    /// In the value of `data`.
    Value,
    /// In a comment or another field.
    Ignored,
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::with_limit(MAX_EVENT_BYTES)
    }
}

impl SseDecoder {
    fn with_limit(limit: usize) -> Self {
        Self {
            data: Vec::new(),
            has_data: false,
            dispatched: false,
            line: Line::Name(0),
            after_cr: false,
            mark: BYTE_ORDER_MARK,
            limit,
        }
    }

    /// Takes bytes off the front of `bytes` until an event is complete, and returns its data;
    /// `None` if all bytes are taken.
    ///
    /// # Errors
    /// The event's data exceeds the limit; the decoder must not be used afterwards.
    pub(crate) fn next_event(&mut self, bytes: &mut &[u8]) -> Result<Option<&[u8]>, EventTooLarge> {
        self.forget_dispatched();
        self.skip_mark(bytes);
        while let [first, rest @ ..] = *bytes {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                *bytes = rest;
            } else if matches!(first, b'\r' | b'\n') {
                self.after_cr = *first == b'\r';
                *bytes = rest;
                if self.end_line()? {
                    self.dispatched = true;
                    return Ok(Some(&self.data));
                }
            } else {
                *bytes = self.within_line(*first, bytes)?;
            }
        }
        Ok(None)
    }

    fn forget_dispatched(&mut self) {
        if std::mem::take(&mut self.dispatched) {
            self.data.clear();
            self.data.shrink_to(MAX_KEPT_CAPACITY_BYTES);
        }
    }

    /// Drops one byte-order mark at the start. An incomplete mark is part of an unknown field's
    /// name.
    fn skip_mark(&mut self, bytes: &mut &[u8]) {
        while let ([expected, mark @ ..], [first, rest @ ..]) = (self.mark, *bytes) {
            if first != expected {
                self.line = if self.mark == BYTE_ORDER_MARK {
                    Line::Name(0)
                } else {
                    Line::Ignored
                };
                self.mark = &[];
                return;
            }
            (self.mark, *bytes) = (mark, rest);
        }
    }

    /// Returns true if the line that ends here is the blank one after an event with data.
    fn end_line(&mut self) -> Result<bool, EventTooLarge> {
        match std::mem::replace(&mut self.line, Line::Name(0)) {
            Line::Name(0) => return Ok(std::mem::take(&mut self.has_data) && !self.data.is_empty()),
            Line::Name(matched) if matched == DATA.len() => self.begin_value()?,
            Line::Name(_) | Line::Colon | Line::Value | Line::Ignored => {}
        }
        Ok(false)
    }

    /// Handles `first`, which is not a line end, and the bytes that belong to it; returns the rest
    /// of `bytes`.
    fn within_line<'a>(&mut self, first: u8, bytes: &'a [u8]) -> Result<&'a [u8], EventTooLarge> {
        match self.line {
            Line::Name(matched) if DATA.get(matched) == Some(&first) => {
                self.line = Line::Name(matched + 1);
            }
            Line::Name(matched) if matched == DATA.len() && first == b':' => {
                self.begin_value()?;
                self.line = Line::Colon;
            }
            Line::Name(_) => self.line = Line::Ignored,
            Line::Colon => {
                self.line = Line::Value;
                return Ok(if first == b' ' { &bytes[1..] } else { bytes });
            }
            Line::Value | Line::Ignored => {
                let (part, rest) =
                    bytes.split_at(memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len()));
                if self.line == Line::Value {
                    self.keep(part)?;
                }
                return Ok(rest);
            }
        }
        Ok(&bytes[1..])
    }

    /// Begins a data line. Several of one event are joined by line feeds.
    fn begin_value(&mut self) -> Result<(), EventTooLarge> {
        if std::mem::replace(&mut self.has_data, true) {
            self.keep(b"\n")
        } else {
            Ok(())
        }
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), EventTooLarge> {
        if part.len() > self.limit.saturating_sub(self.data.len()) {
            return Err(EventTooLarge);
        }
        self.data.extend_from_slice(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
