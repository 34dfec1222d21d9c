//! Faults of DynamoDB, and the requests that they affect.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::gate::Gate;

/// The proxy's reaction to a request, instead of forwarding it at once.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// The answer that DynamoDB gives when a table or a partition exceeds its throughput.
    Throttle,
    /// An answer with status 500.
    Fail,
    /// No answer, ever.
    Silence,
    /// An answer with status 500 to a request that is forwarded all the same: the caller cannot
    /// know that it took effect.
    LoseAnswer,
    /// A delay of the request, which is forwarded even if the caller has disconnected.
    Delay(Duration),
    /// A gate for the request, which is forwarded only if the caller is still connected.
    Hold(Gate),
    /// A gate for the answer to a request that is forwarded at once.
    HoldAnswer(Gate),
    /// A gate for the request, which is forwarded even if the caller has disconnected.
    Late(Gate),
}

/// A fault of some operations.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The operation, `PutItem` for example; empty for every operation.
    pub operation: &'static str,
    /// A text that the request's body must contain.
    pub about: String,
    /// A second text that the body must contain; empty for no further condition.
    pub and: &'static str,
    /// The proxy's reaction.
    pub behaviour: Behaviour,
    /// The number of requests that are still to fail.
    pub times: usize,
    /// The number of requests that are still forwarded before the first one fails.
    pub spared: usize,
    /// The share of requests that fail; absent: all do.
    chance: Option<Chance>,
}

#[derive(Debug, Clone)]
struct Chance {
    random: fastrand::Rng,
    share: f64,
}

impl Fault {
    /// Affects every request, without limit.
    pub fn everything(behaviour: Behaviour) -> Self {
        Self::of("", "", behaviour)
    }

    /// Affects every request of this operation that contains this text, without limit.
    pub fn of(operation: &'static str, about: &str, behaviour: Behaviour) -> Self {
        Self {
            operation,
            about: about.to_owned(),
            and: "",
            behaviour,
            times: usize::MAX,
            spared: 0,
            chance: None,
        }
    }

    /// Limits the fault to requests that contain this text too.
    pub fn and(self, and: &'static str) -> Self {
        Self { and, ..self }
    }

    /// Limits the fault to the next `times` requests.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Spares the next `spared` requests.
    pub fn after(self, spared: usize) -> Self {
        Self { spared, ..self }
    }

    /// Limits the fault to this share of the requests, chosen by `seed`.
    pub fn at_random(self, share: f64, seed: u64) -> Self {
        Self {
            chance: Some(Chance {
                random: fastrand::Rng::with_seed(seed),
                share,
            }),
            ..self
        }
    }

    fn matches(&self, operation: &Operation) -> bool {
        (self.operation.is_empty() || self.operation == operation.name)
            && operation.body.contains(&self.about)
            && operation.body.contains(self.and)
    }

    /// Decides for the next matching request whether it fails, and counts it.
    fn next_fails(&mut self) -> bool {
        if self.spared > 0 {
            self.spared -= 1;
            return false;
        }
        let fails = match &mut self.chance {
            Some(chance) => chance.random.f64() < chance.share,
            None => true,
        };
        self.times -= usize::from(fails);
        fails
    }
}

/// A request that reached the proxy.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its operation, `PutItem` for example.
    pub name: String,
    /// Its body.
    pub body: String,
}

/// The active faults.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Returns the reaction to this request, if a fault affects it, and counts the request.
    pub(super) fn next_behaviour(&self, operation: &Operation) -> Option<Behaviour> {
        let mut faults = self.list();
        let mut matching = faults
            .iter_mut()
            .filter(|fault| fault.times > 0 && fault.matches(operation));
        matching.find_map(|fault| fault.next_fails().then(|| fault.behaviour.clone()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str) -> Operation {
        Operation {
            name: "PutItem".to_owned(),
            body: key.to_owned(),
        }
    }

    #[test]
    fn only_the_planned_number_of_requests_fails_after_the_spared_ones() {
        let faults = Faults::default();
        faults.add(Fault::of("PutItem", "a", Behaviour::Fail).after(2).times(1));
        let fails: Vec<_> = ["a", "b", "a", "a", "a"]
            .iter()
            .map(|key| faults.next_behaviour(&put(key)).is_some())
            .collect();
        assert_eq!(fails, [false, false, false, true, false]);
    }

    #[test]
    fn a_share_of_the_requests_fails_and_the_same_one_for_the_same_seed() {
        let fails = |seed| {
            let faults = Faults::default();
            faults.add(Fault::everything(Behaviour::Fail).at_random(0.3, seed));
            (0..1_000)
                .map(|_| faults.next_behaviour(&put("a")).is_some())
                .collect::<Vec<_>>()
        };
        let share = fails(7).iter().filter(|fails| **fails).count();
        assert!((250..350).contains(&share), "{share}");
        assert!(fails(7) == fails(7) && fails(7) != fails(8));
    }
}
