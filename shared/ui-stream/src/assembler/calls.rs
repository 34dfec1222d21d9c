//! An index from tool calls to their parts in the message.

use std::collections::HashMap;

/// The indexes of the tool parts by the ids of their calls, so that no search is needed.
#[derive(Debug, Default)]
pub(super) struct Calls {
    step: HashMap<String, InStep>,
    earlier: HashMap<String, usize>,
}

/// The parts for one call in the current step: it may have a static and a dynamic one.
#[derive(Debug, Default)]
struct InStep {
    fixed: Option<usize>,
    dynamic: Option<usize>,
}

impl InStep {
    fn first(&self) -> Option<usize> {
        self.fixed.into_iter().chain(self.dynamic).min()
    }
}

impl Calls {
    /// Begins a new step.
    pub(super) fn begin_step(&mut self) {
        for (id, found) in self.step.drain() {
            let last = found.fixed.max(found.dynamic);
            self.earlier.extend(last.map(|index| (id, index)));
        }
    }

    /// Records that the part at `index` represents the call `id`.
    pub(super) fn add(&mut self, id: &str, dynamic: bool, index: usize) {
        let found = self.step.entry(id.to_owned()).or_default();
        let slot = if dynamic {
            &mut found.dynamic
        } else {
            &mut found.fixed
        };
        slot.get_or_insert(index);
    }

    /// Returns the part of this kind for the call `id` in the current step.
    pub(super) fn in_step(&self, id: &str, dynamic: bool) -> Option<usize> {
        let found = self.step.get(id)?;
        if dynamic { found.dynamic } else { found.fixed }
    }

    /// Returns the first part for the call `id` in the current step.
    pub(super) fn first_in_step(&self, id: &str) -> Option<usize> {
        self.step.get(id).and_then(InStep::first)
    }

    /// Returns the part that a result of the call `id` belongs to.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.first_in_step(id)
            .or_else(|| self.earlier.get(id).copied())
    }
}
