//! `JsonRepair` of JSON that was cut.

/// A repair of the beginning of a JSON text, by the rules of the AI SDK's `fixJson`: it drops what
/// has only begun, except strings, numbers and literals, and closes what is open. Linear.
pub(super) struct JsonRepair<'a> {
    text: &'a str,
    /// The length of the text that can be kept.
    usable: usize,
    open: Vec<State>,
}

#[derive(Clone, Copy)]
enum State {
    Root,
    Done,
    Text,
    Escape,
    /// A `\u` escape with this number of digits.
    Digits(u8),
    Number,
    /// A literal that begins at this index.
    Literal(usize),
    Object,
    Key,
    AfterKey,
    Field,
    AfterField,
    NextField,
    List,
    AfterItem,
    NextItem,
}

impl<'a> JsonRepair<'a> {
    /// Completes `text`, the beginning of a JSON value. `None` if the kept length is not a
    /// character boundary.
    pub(super) fn repair(text: &'a str) -> Option<String> {
        let mut repair = Self {
            text,
            usable: 0,
            open: vec![State::Root],
        };
        for (at, byte) in text.bytes().enumerate() {
            repair.push(at, byte);
        }
        repair.finish()
    }

    fn push(&mut self, at: usize, byte: u8) {
        let Some(state) = self.open.last().copied() else {
            return;
        };
        match (state, byte) {
            (State::Root, _) => self.begin_value(at, byte, State::Done),
            (State::Field, _) => self.begin_value(at, byte, State::AfterField),
            (State::Object, b'}') | (State::List, b']') => self.close(at),
            (State::List | State::NextItem, _) => self.begin_value(at, byte, State::AfterItem),
            (State::Object | State::NextField, b'"') => self.replace_state(State::Key),
            (State::Key, b'"') => self.replace_state(State::AfterKey),
            (State::AfterKey, b':') => self.replace_state(State::Field),
            (State::AfterField, _) | (State::AfterItem, b',' | b']') => self.end_value(at, byte),
            (State::Text, b'"') => self.close(at),
            (State::Text, b'\\') => self.open.push(State::Escape),
            (State::Text | State::AfterItem, _) => self.usable = at + 1,
            (State::Escape, b'u') => self.replace_state(State::Digits(0)),
            (State::Escape, _) | (State::Digits(3), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.close(at);
            }
            (State::Digits(count), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.replace_state(State::Digits(count + 1));
            }
            (State::Number, b'0'..=b'9') => self.usable = at + 1,
            (State::Number, b'e' | b'E' | b'-' | b'.') => {}
            (State::Literal(start), _)
                if literal_rest(&self.text.as_bytes()[start..=at]).is_some() =>
            {
                self.usable = at + 1;
            }
            (State::Number | State::Literal(_), _) => {
                self.open.pop();
                self.end_value(at, byte);
            }
            (
                State::Done
                | State::Digits(_)
                | State::Object
                | State::Key
                | State::AfterKey
                | State::NextField,
                _,
            ) => {}
        }
    }

    fn begin_value(&mut self, at: usize, byte: u8, after: State) {
        let begun = match byte {
            b'"' => State::Text,
            b't' | b'f' | b'n' => State::Literal(at),
            b'-' | b'0'..=b'9' => State::Number,
            b'{' => State::Object,
            b'[' => State::List,
            _ => return,
        };
        if byte != b'-' {
            self.usable = at + 1;
        }
        self.replace_state(after);
        self.open.push(begun);
    }

    fn end_value(&mut self, at: usize, byte: u8) {
        match (self.open.last(), byte) {
            (Some(State::AfterField), b'}') | (Some(State::AfterItem), b']') => self.close(at),
            (Some(State::AfterField), b',') => self.replace_state(State::NextField),
            (Some(State::AfterItem), b',') => self.replace_state(State::NextItem),
            _ => {}
        }
    }

    fn close(&mut self, at: usize) {
        self.usable = at + 1;
        self.open.pop();
    }

    fn replace_state(&mut self, state: State) {
        self.open.pop();
        self.open.push(state);
    }

    fn finish(self) -> Option<String> {
        let mut completed = self.text.get(..self.usable)?.to_owned();
        for state in self.open.into_iter().rev() {
            match state {
                State::Text => completed.push('"'),
                State::Literal(start) => completed
                    .push_str(literal_rest(&self.text.as_bytes()[start..]).unwrap_or_default()),
                State::Object
                | State::Key
                | State::AfterKey
                | State::Field
                | State::AfterField
                | State::NextField => completed.push('}'),
                State::List | State::AfterItem | State::NextItem => completed.push(']'),
                State::Root | State::Done | State::Escape | State::Digits(_) | State::Number => {}
            }
        }
        Some(completed)
    }
}

/// Returns the missing rest of a literal that begins like this.
fn literal_rest(begun: &[u8]) -> Option<&'static str> {
    ["true", "false", "null"]
        .into_iter()
        .find(|word| word.as_bytes().starts_with(begun))
        .map(|word| &word[begun.len()..])
}
