//! The timer for the silence of a peer.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// The maximum silence.
    Idle,
    /// The deadline, which no sign of life moves.
    Deadline,
}

/// A timer for silence and for a deadline, for a stream of many small reads: a sign of life only
/// stores the time, and the one timer is reset when it fires.
#[derive(Debug)]
pub(crate) struct IdleTimer {
    last_sign: Instant,
    limit: Duration,
    deadline: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl IdleTimer {
    /// Starts the timer at `start`.
    pub(crate) fn new(start: Instant, limit: Duration, deadline: Option<Instant>) -> Self {
        Self {
            last_sign: start,
            limit,
            deadline,
            timer: Box::pin(sleep_until(due(start, limit, deadline))),
        }
    }

    /// Records a sign of life of the peer.
    pub(crate) fn touch(&mut self) {
        self.last_sign = Instant::now();
    }

    /// Sets the maximum silence from now on.
    pub(crate) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
        self.timer
            .as_mut()
            .reset(due(self.last_sign, limit, self.deadline));
    }

    /// Completes when the silence has lasted too long or the deadline has passed. Cancel safe.
    pub(crate) async fn expired(&mut self) -> Expired {
        loop {
            self.timer.as_mut().await;
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                return Expired::Deadline;
            }
            let due = due(self.last_sign, self.limit, self.deadline);
            if due <= now {
                return Expired::Idle;
            }
            self.timer.as_mut().reset(due);
        }
    }
}

/// Returns the earlier of `start + limit` and `deadline`.
pub(crate) fn due(start: Instant, limit: Duration, deadline: Option<Instant>) -> Instant {
    let silent = start + limit;
    deadline.map_or(silent, |deadline| silent.min(deadline))
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Seconds from `start` until the watch ends.
    async fn seconds(silence: &mut IdleTimer, start: Instant) -> (Expired, u64) {
        let expired = silence.expired().await;
        (expired, start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_sign_of_life() {
        let start = Instant::now();
        let mut silence = IdleTimer::new(start, 10 * SECOND, None);
        for _ in 0..3 {
            assert!(timeout(9 * SECOND, silence.expired()).await.is_err());
            silence.touch();
        }
        assert_eq!(seconds(&mut silence, start).await, (Expired::Idle, 37));
    }

    #[tokio::test(start_paused = true)]
    async fn no_sign_of_life_moves_the_deadline() {
        let start = Instant::now();
        let mut silence = IdleTimer::new(start, 10 * SECOND, Some(start + 12 * SECOND));
        advance(9 * SECOND).await;
        silence.touch();
        assert_eq!(seconds(&mut silence, start).await, (Expired::Deadline, 12));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_limit_holds_at_once_shorter_or_longer() {
        for (limit, expected) in [(3, 4), (60, 61)] {
            let start = Instant::now();
            let mut silence = IdleTimer::new(start, 10 * SECOND, None);
            assert!(timeout(SECOND, silence.expired()).await.is_err());
            silence.touch();
            silence.set_limit(limit * SECOND);
            assert_eq!(
                seconds(&mut silence, start).await,
                (Expired::Idle, expected)
            );
        }
    }
}
