//! The ids of text and reasoning blocks.

use std::collections::{BTreeSet, HashMap, HashSet};

use nanoid::nanoid;

/// The open blocks of one kind. An id that was used before in the same message is renamed for the
/// client.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    used: HashSet<String>,
    /// The new names by the ids of the model. Nearly always empty.
    renamed: HashMap<String, String>,
    /// The names of the open blocks for the client.
    open: BTreeSet<String>,
}

impl Blocks {
    /// Opens the block `id` and returns its name for the client.
    pub(super) fn start(&mut self, id: String) -> String {
        let name = if self.used.insert(id.clone()) {
            id
        } else {
            let name = generate_id();
            self.renamed.insert(id, name.clone());
            name
        };
        self.open.insert(name.clone());
        name
    }

    /// Returns the name of the block `id` for the client, open or not.
    pub(super) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.renamed.get(id).map_or(id, String::as_str)
    }

    /// Returns the name of the open block `id` for the client. Once a renamed block has ended, its
    /// id refers to the block before it again, if that is still open.
    pub(super) fn open_name(&self, id: String) -> Option<String> {
        let name = match self.renamed.get(&id) {
            Some(name) => name.clone(),
            None => id,
        };
        self.open.contains(&name).then_some(name)
    }

    /// Closes the block `id` and returns its name for the client.
    pub(super) fn end(&mut self, id: String) -> Option<String> {
        let name = self.renamed.remove(&id).unwrap_or(id);
        self.open.remove(&name).then_some(name)
    }

    /// Closes all blocks and returns their names for the client.
    pub(super) fn close_all(&mut self) -> BTreeSet<String> {
        self.renamed.clear();
        std::mem::take(&mut self.open)
    }
}

/// Generates an id as the AI SDK does for a block whose id is taken.
fn generate_id() -> String {
    const ALPHABET: [char; 62] = {
        let mut letters = ['0'; 62];
        let bytes = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut index = 0;
        while index < bytes.len() {
            letters[index] = bytes[index] as char;
            index += 1;
        }
        letters
    };
    format!("aitxt-{}", nanoid!(24, &ALPHABET))
}
