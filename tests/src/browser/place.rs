//! What a person would look for on a page, and how they would name it.

use serde::Serialize;

/// Something on the page: the last that has this role, and if told so this name, this text in it, or this place round it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Locator {
    role: Option<&'static str>,
    label: Option<&'static str>,
    text: Option<String>,
    name: Option<String>,
    has: Vec<String>,
    within: Option<Box<Locator>>,
}

/// A file that somebody chooses.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct File<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its media type.
    pub kind: &'a str,
    /// Its content.
    pub base64: &'a str,
}

impl Locator {
    /// Something with this role.
    pub fn role(role: &'static str) -> Self {
        Self {
            role: Some(role),
            ..Self::default()
        }
    }

    /// Something with this role and exactly this name.
    pub fn named(role: &'static str, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::role(role)
        }
    }

    /// The field with this label, where it has no role.
    pub fn label(label: &'static str) -> Self {
        Self {
            label: Some(label),
            ..Self::default()
        }
    }

    /// The smallest thing that holds exactly this text.
    pub fn text(text: &str) -> Self {
        Self {
            text: Some(text.to_owned()),
            ..Self::default()
        }
    }

    /// The same, with this text in it.
    pub fn with(mut self, text: &str) -> Self {
        self.has.push(text.to_owned());
        self
    }

    /// The same, inside of `place`.
    pub fn within(self, place: Self) -> Self {
        Self {
            within: Some(Box::new(place)),
            ..self
        }
    }
}

/// A button.
pub fn button(name: &str) -> Locator {
    Locator::named("button", name)
}

/// A text box.
pub fn textbox(name: &str) -> Locator {
    Locator::named("textbox", name)
}

/// The last answer, with this text in it.
pub fn answer(text: &str) -> Locator {
    Locator::named("article", "Assistant").with(text)
}

/// A problem that is told, with this text.
pub fn alert(text: &str) -> Locator {
    Locator::role("alert").with(text)
}

/// A conversation in the list.
pub fn conversation(title: &str) -> Locator {
    Locator::named("link", title).within(Locator::named("list", "Conversations"))
}
