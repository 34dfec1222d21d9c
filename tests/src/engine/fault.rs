//! What can go wrong with DynamoDB, and for which requests.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::gate::Gate;

/// What the front does instead of passing a request on at once.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Answers as DynamoDB does when a table or a partition is over its throughput.
    Throttle,
    /// Answers 500.
    Fail,
    /// Never answers.
    Silence,
    /// Passes the request on, but answers 500: the caller cannot know that it has been carried out.
    LoseAnswer,
    /// Passes the request on after so long, whatever has become of the caller.
    Delay(Duration),
    /// Passes the request on once the gate is open, if the caller is still there.
    Hold(Gate),
    /// Passes the request on, and holds the answer back until the gate is open.
    HoldAnswer(Gate),
    /// Passes the request on once the gate is open, whatever has become of the caller.
    Late(Gate),
}

/// Operations that go wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// `PutItem` for example; empty for every operation.
    pub operation: &'static str,
    /// Only requests with this text in their body.
    pub about: String,
    /// And with this text; empty for all of those.
    pub and: &'static str,
    /// How they go wrong.
    pub behaviour: Behaviour,
    /// How many of them.
    pub times: usize,
    /// How many are passed on before the first one goes wrong.
    pub spared: usize,
    /// Says of each whether it goes wrong; absent: all do.
    chance: Option<Chance>,
}

#[derive(Debug, Clone)]
struct Chance {
    random: fastrand::Rng,
    of_one: f64,
}

impl Fault {
    /// Every request, for ever.
    pub fn everything(behaviour: Behaviour) -> Self {
        Self::of("", "", behaviour)
    }

    /// Every request of this operation about this text, for ever.
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

    /// Only those with this text too.
    pub fn and(self, and: &'static str) -> Self {
        Self { and, ..self }
    }

    /// Only the next `times` requests.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Only those after the next `spared`.
    pub fn after(self, spared: usize) -> Self {
        Self { spared, ..self }
    }

    /// Only this share of them, chosen by `seed`.
    pub fn at_random(self, share: f64, seed: u64) -> Self {
        Self {
            chance: Some(Chance {
                random: fastrand::Rng::with_seed(seed),
                of_one: share,
            }),
            ..self
        }
    }

    fn is_about(&self, operation: &Operation) -> bool {
        (self.operation.is_empty() || self.operation == operation.name)
            && operation.body.contains(&self.about)
            && operation.body.contains(self.and)
    }

    /// Whether the next request that this is about goes wrong.
    fn strikes(&mut self) -> bool {
        if self.spared > 0 {
            self.spared -= 1;
            return false;
        }
        let struck = match &mut self.chance {
            Some(chance) => chance.random.f64() < chance.of_one,
            None => true,
        };
        self.times -= usize::from(struck);
        struck
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
        let mut about_it = faults
            .iter_mut()
            .filter(|fault| fault.times > 0 && fault.is_about(operation));
        about_it.find_map(|fault| fault.strikes().then(|| fault.behaviour.clone()))
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
    fn the_first_are_spared_and_only_as_many_struck_as_was_said() {
        let faults = Faults::default();
        faults.add(Fault::of("PutItem", "a", Behaviour::Fail).after(2).times(1));
        let struck: Vec<_> = ["a", "b", "a", "a", "a"]
            .iter()
            .map(|key| faults.strike(&put(key)).is_some())
            .collect();
        assert_eq!(struck, [false, false, false, true, false]);
    }

    #[test]
    fn a_share_is_struck_and_the_same_one_for_the_same_seed() {
        let struck = |seed| {
            let faults = Faults::default();
            faults.add(Fault::everything(Behaviour::Fail).at_random(0.3, seed));
            (0..1_000)
                .map(|_| faults.strike(&put("a")).is_some())
                .collect::<Vec<_>>()
        };
        let share = struck(7).iter().filter(|struck| **struck).count();
        assert!((250..350).contains(&share), "{share}");
        assert!(struck(7) == struck(7) && struck(7) != struck(8));
    }
}
