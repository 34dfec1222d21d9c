//! Pauses before and after requests that look random and can be had again: what makes interleavings likely.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Operation;

/// Who gets pauses, and how long they may be.
#[derive(Debug, Default)]
pub(super) struct Jitter(Mutex<Option<Plan>>);

#[derive(Debug)]
struct Plan {
    marker: String,
    most: Duration,
    /// How many requests about each subject came so far.
    seen: HashMap<String, u64>,
}

impl Jitter {
    /// From now on requests that hold `marker` and a number pause for up to `most`.
    pub(super) fn plan(&self, marker: &str, most: Duration) {
        let plan = Plan {
            marker: marker.to_owned(),
            most,
            seen: HashMap::new(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
    }

    /// How long this request waits on its way there and on its way back. It depends on the number behind the marker and
    /// on how many requests with that number came before.
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
        [(); 2].map(|()| plan.most.mul_f64(random.f64()))
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
        let most = Duration::from_millis(15);
        let pauses = |texts: &[&str]| {
            let jitter = Jitter::default();
            jitter.plan("race-", most);
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
        assert!(seven.iter().flatten().all(|pause| *pause <= most));
        assert_eq!(pauses(&["alice"]), [[Duration::ZERO; 2]]);
    }
}
