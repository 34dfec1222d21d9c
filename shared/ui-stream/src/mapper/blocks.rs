//! Ids of text and reasoning blocks.

use std::collections::{BTreeSet, HashMap, HashSet};

use nanoid::nanoid;

/// The open blocks of one kind. An id that was used before in the same message gets a new name.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    used: HashSet<String>,
    /// New names by the model's ids. Nearly always empty.
    renamed: HashMap<String, String>,
    /// What the client knows the open blocks by.
    open: BTreeSet<String>,
}

impl Blocks {
    /// Opens `id` and says what the client is to know it by.
    pub(super) fn start(&mut self, id: String) -> String {
        let name = if self.used.insert(id.clone()) {
            id
        } else {
            let name = fresh();
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

    /// What the client knows the open block `id` by. Once a renamed block has ended, its id means the block before
    /// it again, should that still be open.
    pub(super) fn running(&self, id: String) -> Option<String> {
        let name = match self.renamed.get(&id) {
            Some(name) => name.clone(),
            None => id,
        };
        self.open.contains(&name).then_some(name)
    }

    /// Closes `id`, and says what the client knew it by.
    pub(super) fn end(&mut self, id: String) -> Option<String> {
        let name = self.renamed.remove(&id).unwrap_or(id);
        self.open.remove(&name).then_some(name)
    }

    /// Closes all, and says what the client knew them by.
    pub(super) fn close(&mut self) -> BTreeSet<String> {
        self.renamed.clear();
        std::mem::take(&mut self.open)
    }
}

/// As the AI SDK names a block whose id is taken.
fn fresh() -> String {
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
