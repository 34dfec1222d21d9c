//! Pseudo-random, repeatable pauses before and after requests, which make interleavings likely.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Operation;

/// The plan of the pauses, if there is one.
#[derive(Debug, Default)]
pub(super) struct Jitter(Mutex<Option<Plan>>);

#[derive(Debug)]
struct Plan {
    marker: String,
    max_pause: Duration,
    /// The number of requests so far for each number after the marker.
    seen: HashMap<String, u64>,
}

impl Jitter {
    /// Delays, from now on, requests that contain `marker` followed by a number, for up to
    /// `max_pause`.
    pub(super) fn plan(&self, marker: &str, max_pause: Duration) {
        let plan = Plan {
            marker: marker.to_owned(),
            max_pause,
            seen: HashMap::new(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
    }

    /// Returns the pauses before and after this request. They depend on the number after the marker
    /// and on the count of earlier requests with that number.
    pub(super) fn pauses(&self, operation: &Operation) -> [Duration; 2] {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(plan) = plan.as_mut() else {
            return [Duration::ZERO; 2];
        };
        let Some((_, subject)) = operation.body.split_once(&plan.marker) else {
            return [Duration::ZERO; 2];
        };
        let digits: String = subject.chars().take_while(char::is_ascii_digit).collect();
        let seed = digits.parse().unwrap_or(0);
        let seen = plan.seen.entry(digits).or_default();
        *seen += 1;
        let mut random = fastrand::Rng::with_seed(seed ^ seen.rotate_left(32));
        [(); 2].map(|()| plan.max_pause.mul_f64(random.f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(text: &str) -> Operation {
        Operation {
            name: "GetItem".to_owned(),
            body: format!(r#"{{"S":"U#{text}"}}"#),
        }
    }

    #[test]
    fn pauses_are_the_same_for_the_same_number_and_differ_for_others() {
        let max_pause = Duration::from_millis(15);
        let pauses = |texts: &[&str]| {
            let jitter = Jitter::default();
            jitter.plan("race-", max_pause);
            texts
                .iter()
                .map(|text| jitter.pauses(&about(text)))
                .collect::<Vec<_>>()
        };
        let seven = pauses(&["race-7", "race-7"]);
        assert_eq!(seven, pauses(&["race-7", "race-7"]));
        assert_ne!(seven[0], seven[1]);
        assert_eq!(seven[1], pauses(&["race-7", "race-8", "race-7"])[2]);
        assert_ne!(seven[0], pauses(&["race-8"])[0]);
        assert!(seven.iter().flatten().all(|pause| *pause <= max_pause));
        assert_eq!(pauses(&["alice"]), [[Duration::ZERO; 2]]);
    }
}
