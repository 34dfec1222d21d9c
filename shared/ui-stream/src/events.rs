//! Where one event of a stream of ours ends and the next begins.

use memchr::memmem::Finder;

/// What ends an event.
pub(crate) const END: &[u8] = b"\n\n";

/// The whole events of a stream, each without the empty line that ends it.
pub(crate) struct Events<'a> {
    rest: &'a [u8],
    end: Finder<'static>,
}

impl<'a> Events<'a> {
    pub(crate) fn of(stream: &'a [u8]) -> Self {
        Self {
            rest: stream,
            end: Finder::new(END),
        }
    }

    /// What has not been handed out, and in the end what is no whole event.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let at = self.end.find(self.rest)?;
        let event = &self.rest[..at];
        self.rest = &self.rest[at + END.len()..];
        Some(event)
    }
}
