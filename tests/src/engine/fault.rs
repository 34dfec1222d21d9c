//! What can go wrong with DynamoDB, and for which requests.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the front does instead of passing a request on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers as DynamoDB does when a table or a partition is over its throughput.
    Throttle,
    /// Answers 500.
    Fail,
    /// Never answers.
    Silence,
}

/// Operations that go wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// `PutItem` for example; empty for every operation.
    pub operation: &'static str,
    /// Only requests with this text in their body.
    pub about: String,
    /// How they go wrong.
    pub behaviour: Behaviour,
    /// How many of them.
    pub times: usize,
}

impl Fault {
    /// Every request, for ever.
    pub fn everything(behaviour: Behaviour) -> Self {
        Self::of("", "", behaviour)
    }

    /// Every request of this operation about this text, for ever.
    pub fn of(operation: &'static str, about: &str, behaviour: Behaviour) -> Self {
        Self { operation, about: about.to_owned(), behaviour, times: usize::MAX }
    }

    /// Only the next `times` requests.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }
}

/// A request that reached the front.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `PutItem` for example.
    pub name: String,
    /// The request's body.
    pub body: String,
}

/// The faults that are in force.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// What goes wrong with this operation, which counts as one of the times.
    pub(super) fn strike(&self, operation: &Operation) -> Option<Behaviour> {
        let mut faults = self.list();
        let fault = faults.iter_mut().find(|fault| {
            fault.times > 0
                && (fault.operation.is_empty() || fault.operation == operation.name)
                && operation.body.contains(&fault.about)
        })?;
        fault.times -= 1;
        Some(fault.behaviour)
    }

    pub(super) fn add(&self, fault: Fault) {
        self.list().insert(0, fault);
    }

    pub(super) fn clear(&self) {
        self.list().clear();
    }

    fn list(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
