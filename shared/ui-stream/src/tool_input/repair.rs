//! Mending JSON that was cut.

/// Makes JSON of the beginning of JSON, by the rules of the AI SDK's `fixJson`: leaves out what has only begun, except
/// texts, numbers and literals, and closes what is open. Linear.
pub(super) struct Repair<'a> {
    text: &'a str,
    /// How much of the text can stay.
    usable: usize,
    open: Vec<State>,
}

#[derive(Clone, Copy)]
enum State {
    Root,
    Done,
    Text,
    Escape,
    /// So many digits of a `\u` escape.
    Digits(u8),
    Number,
    /// Begun at this index.
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

impl<'a> Repair<'a> {
    /// The JSON that `text` began to be, if it did.
    pub(super) fn of(text: &'a str) -> Option<String> {
        let mut repair = Self {
            text,
            usable: 0,
            open: vec![State::Root],
        };
        for (at, byte) in text.bytes().enumerate() {
            repair.push(at, byte);
        }
        repair.closed()
    }

    fn push(&mut self, at: usize, byte: u8) {
        let Some(state) = self.open.last().copied() else {
            return;
        };
        match (state, byte) {
            (State::Root, _) => self.value(at, byte, State::Done),
            (State::Field, _) => self.value(at, byte, State::AfterField),
            (State::Object, b'}') | (State::List, b']') => self.end(at),
            (State::List | State::NextItem, _) => self.value(at, byte, State::AfterItem),
            (State::Object | State::NextField, b'"') => self.become_state(State::Key),
            (State::Key, b'"') => self.become_state(State::AfterKey),
            (State::AfterKey, b':') => self.become_state(State::Field),
            (State::AfterField, _) | (State::AfterItem, b',' | b']') => self.after_value(at, byte),
            (State::Text, b'"') => self.end(at),
            (State::Text, b'\\') => self.open.push(State::Escape),
            (State::Text | State::AfterItem, _) => self.usable = at + 1,
            (State::Escape, b'u') => self.become_state(State::Digits(0)),
            (State::Escape, _) | (State::Digits(3), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.end(at)
            }
            (State::Digits(count), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.become_state(State::Digits(count + 1));
            }
            (State::Number, b'0'..=b'9') => self.usable = at + 1,
            (State::Number, b'e' | b'E' | b'-' | b'.') => {}
            (State::Literal(start), _) if literal(&self.text.as_bytes()[start..=at]).is_some() => {
                self.usable = at + 1
            }
            (State::Number | State::Literal(_), _) => {
                self.open.pop();
                self.after_value(at, byte);
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

    fn value(&mut self, at: usize, byte: u8, after: State) {
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
        self.become_state(after);
        self.open.push(begun);
    }

    fn after_value(&mut self, at: usize, byte: u8) {
        match (self.open.last(), byte) {
            (Some(State::AfterField), b'}') | (Some(State::AfterItem), b']') => self.end(at),
            (Some(State::AfterField), b',') => self.become_state(State::NextField),
            (Some(State::AfterItem), b',') => self.become_state(State::NextItem),
            _ => {}
        }
    }

    fn end(&mut self, at: usize) {
        self.usable = at + 1;
        self.open.pop();
    }

    fn become_state(&mut self, state: State) {
        self.open.pop();
        self.open.push(state);
    }

    fn closed(self) -> Option<String> {
        let mut whole = self.text.get(..self.usable)?.to_owned();
        for state in self.open.into_iter().rev() {
            match state {
                State::Text => whole.push('"'),
                State::Literal(start) => {
                    whole.push_str(literal(&self.text.as_bytes()[start..]).unwrap_or_default())
                }
                State::Object
                | State::Key
                | State::AfterKey
                | State::Field
                | State::AfterField
                | State::NextField => whole.push('}'),
                State::List | State::AfterItem | State::NextItem => whole.push(']'),
                State::Root | State::Done | State::Escape | State::Digits(_) | State::Number => {}
            }
        }
        Some(whole)
    }
}

/// What is missing of the literal that has begun like this.
fn literal(begun: &[u8]) -> Option<&'static str> {
    ["true", "false", "null"]
        .into_iter()
        .find(|word| word.as_bytes().starts_with(begun))
        .map(|word| &word[begun.len()..])
}
