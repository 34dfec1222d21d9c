//! Locators of page elements, by role, name, label and text.

use serde::Serialize;

/// A locator of an element: the last one with this role and, where given, this name, these texts in
/// it and this element around it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Locator {
    role: Option<&'static str>,
    label: Option<&'static str>,
    text: Option<String>,
    name: Option<String>,
    has: Vec<String>,
    within: Option<Box<Locator>>,
}

/// A file that a user chooses.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct File<'a> {
    /// The file name.
    pub name: &'a str,
    /// The media type.
    pub kind: &'a str,
    /// The content.
    pub base64: &'a str,
}

impl Locator {
    /// Locates an element by role.
    pub fn role(role: &'static str) -> Self {
        Self {
            role: Some(role),
            ..Self::default()
        }
    }

    /// Locates an element by role and exact name.
    pub fn named(role: &'static str, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::role(role)
        }
    }

    /// Locates a field that has no role by its label.
    pub fn label(label: &'static str) -> Self {
        Self {
            label: Some(label),
            ..Self::default()
        }
    }

    /// Locates the innermost element with exactly this text.
    pub fn text(text: &str) -> Self {
        Self {
            text: Some(text.to_owned()),
            ..Self::default()
        }
    }

    /// Requires the element to contain this text.
    pub fn with(mut self, text: &str) -> Self {
        self.has.push(text.to_owned());
        self
    }

    /// Requires the element to be inside `place`.
    pub fn within(self, place: Self) -> Self {
        Self {
            within: Some(Box::new(place)),
            ..self
        }
    }
}

/// Locates a button.
pub fn button(name: &str) -> Locator {
    Locator::named("button", name)
}

/// Locates a text box.
pub fn textbox(name: &str) -> Locator {
    Locator::named("textbox", name)
}

/// Locates the last answer, with this text in it.
pub fn answer(text: &str) -> Locator {
    Locator::named("article", "Assistant").with(text)
}

/// Locates an error message with this text.
pub fn alert(text: &str) -> Locator {
    Locator::role("alert").with(text)
}

/// Locates a conversation in the list.
pub fn conversation(title: &str) -> Locator {
    Locator::named("link", title).within(Locator::named("list", "Conversations"))
}
