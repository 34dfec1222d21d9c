//! How long a peer may be silent.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// What ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// The limit on silence.
    Limit,
    /// The deadline, which no sign of life moves.
    Deadline,
}

/// A watch on silence and on a deadline, for a stream of many small reads: a sign of life only notes the time, and
/// the one timer moves when it fires.
#[derive(Debug)]
pub(crate) struct Silence {
    last_sign: Instant,
    limit: Duration,
    deadline: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Silence {
    /// Watches from `start`.
    pub(crate) fn new(start: Instant, limit: Duration, deadline: Option<Instant>) -> Self {
        Self {
            last_sign: start,
            limit,
            deadline,
            timer: Box::pin(sleep_until(due(start, limit, deadline))),
        }
    }

    /// The peer gave a sign of life.
    pub(crate) fn heard(&mut self) {
        self.last_sign = Instant::now();
    }

    /// From now on the peer may be silent for `limit`.
    pub(crate) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
        self.timer
            .as_mut()
            .reset(due(self.last_sign, limit, self.deadline));
    }

    /// Waits until the silence was too long. May be dropped and called again.
    pub(crate) async fn passed(&mut self) -> Passed {
        loop {
            self.timer.as_mut().await;
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                return Passed::Deadline;
            }
            let due = due(self.last_sign, self.limit, self.deadline);
            if due <= now {
                return Passed::Limit;
            }
            self.timer.as_mut().reset(due);
        }
    }
}

/// When `limit` after `start` or the `deadline` comes, whichever is first.
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
    async fn seconds(silence: &mut Silence, start: Instant) -> (Passed, u64) {
        let passed = silence.passed().await;
        (passed, start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_sign_of_life() {
        let start = Instant::now();
        let mut silence = Silence::new(start, 10 * SECOND, None);
        for _ in 0..3 {
            assert!(timeout(9 * SECOND, silence.passed()).await.is_err());
            silence.heard();
        }
        assert_eq!(seconds(&mut silence, start).await, (Passed::Limit, 37));
    }

    #[tokio::test(start_paused = true)]
    async fn no_sign_of_life_moves_the_deadline() {
        let start = Instant::now();
        let mut silence = Silence::new(start, 10 * SECOND, Some(start + 12 * SECOND));
        advance(9 * SECOND).await;
        silence.heard();
        assert_eq!(seconds(&mut silence, start).await, (Passed::Deadline, 12));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_limit_holds_at_once_shorter_or_longer() {
        for (limit, expected) in [(3, 4), (60, 61)] {
            let start = Instant::now();
            let mut silence = Silence::new(start, 10 * SECOND, None);
            assert!(timeout(SECOND, silence.passed()).await.is_err());
            silence.heard();
            silence.set_limit(limit * SECOND);
            assert_eq!(
                seconds(&mut silence, start).await,
                (Passed::Limit, expected)
            );
        }
    }
}
