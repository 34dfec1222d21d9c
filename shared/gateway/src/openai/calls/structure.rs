//! The completeness of a call's input. Counts brackets, which is enough to distinguish the next
//! input from more of this one.

use json::JsonText;

/// The state of an object or array that is being written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Structure {
    /// Only white space so far.
    #[default]
    Empty,
    /// Neither object nor array: any further text may belong to it.
    Plain,
    Open {
        depth: usize,
        in_string: bool,
        escaped: bool,
    },
    Complete,
}

impl Structure {
    pub(super) fn is_complete(self) -> bool {
        self == Self::Complete
    }

    pub(super) fn append(&mut self, text: &JsonText) {
        for character in text.to_text().chars() {
            *self = self.after(character);
        }
    }

    fn after(self, character: char) -> Self {
        match self {
            Self::Empty if character.is_whitespace() => Self::Empty,
            Self::Empty if matches!(character, '{' | '[') => Self::Open {
                depth: 1,
                in_string: false,
                escaped: false,
            },
            Self::Empty | Self::Plain => Self::Plain,
            Self::Complete => Self::Complete,
            Self::Open {
                depth,
                in_string: true,
                escaped,
            } => Self::Open {
                depth,
                in_string: escaped || character != '"',
                escaped: !escaped && character == '\\',
            },
            Self::Open {
                depth,
                in_string: false,
                ..
            } => match character {
                '}' | ']' if depth == 1 => Self::Complete,
                '}' | ']' => Self::Open {
                    depth: depth - 1,
                    in_string: false,
                    escaped: false,
                },
                '{' | '[' => Self::Open {
                    depth: depth + 1,
                    in_string: false,
                    escaped: false,
                },
                other => Self::Open {
                    depth,
                    in_string: other == '"',
                    escaped: false,
                },
            },
        }
    }
}

/// Returns true if `text` begins an object or array.
pub(super) fn begins(text: &JsonText) -> bool {
    text.to_text().trim_start().starts_with(['{', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_complete_with_its_last_bracket() {
        for (text, complete) in [
            ("", false),
            (" \n", false),
            ("{", false),
            (r#"{"a":"}"#, false),
            (r#"{"a":"\"}"#, false),
            (r#"{"a":"\\"}"#, true),
            (r#"{"a":[1,{"b":2}]}"#, true),
            (r#"{"a":[1,{"b":2}]"#, false),
            (" [] ", true),
            ("{} and more", true),
            ("7", false),
            ("\"{}\"", false),
        ] {
            let mut structure = Structure::default();
            for character in text.chars() {
                structure.append(&JsonText::new(&character.to_string()));
            }
            assert_eq!(structure.is_complete(), complete, "{text}");
        }
    }
}
