//! Splitting of an encoded stream into its events.

use memchr::memmem::Finder;

/// The bytes that end an event.
pub(crate) const EVENT_END: &[u8] = b"\n\n";

/// An iterator over the complete events of a stream, each without the empty line that ends it.
pub(crate) struct Events<'a> {
    rest: &'a [u8],
    end: Finder<'static>,
}

impl<'a> Events<'a> {
    pub(crate) fn new(stream: &'a [u8]) -> Self {
        Self {
            rest: stream,
            end: Finder::new(EVENT_END),
        }
    }

    /// Returns the bytes that were not returned yet; after the last event, the incomplete one.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let at = self.end.find(self.rest)?;
        let event = &self.rest[..at];
        self.rest = &self.rest[at + EVENT_END.len()..];
        Some(event)
    }
}
