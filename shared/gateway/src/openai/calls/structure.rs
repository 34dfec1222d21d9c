//! Whether the input of a call is whole: counts brackets, which is enough to tell the next input from more of this one.

use message::JsonText;

/// How far an object or array has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Structure {
    /// Nothing has come but white space.
    #[default]
    Empty,
    /// Neither object nor array. Any more of it may belong to it.
    Plain,
    Open {
        depth: usize,
        in_string: bool,
        escaped: bool,
    },
    Whole,
}

impl Structure {
    pub(super) fn is_whole(self) -> bool {
        self == Self::Whole
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
            Self::Whole => Self::Whole,
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
                '}' | ']' if depth == 1 => Self::Whole,
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

/// Whether `text` begins an object or array.
pub(super) fn begins(text: &JsonText) -> bool {
    text.to_text().trim_start().starts_with(['{', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_whole_with_its_last_bracket() {
        for (text, whole) in [
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
            assert_eq!(structure.is_whole(), whole, "{text}");
        }
    }
}
