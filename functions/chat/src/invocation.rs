//! What a request may use of the process: time, and a way to go on after its response.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// What all requests of the process share: their tasks, and the wish that they end.
#[derive(Clone)]
pub(crate) struct Process {
    /// All tasks of all requests.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when running turns shall save what they have and end.
    pub(crate) shutdown: CancellationToken,
    /// The longest that a turn may take where nobody else sets a limit.
    max_turn: Duration,
}

impl Process {
    /// A process in which nothing runs yet.
    pub(crate) fn new(max_turn: Duration) -> Self {
        Self {
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            max_turn,
        }
    }
}

/// One invocation, or one request of plain HTTP.
#[derive(Clone)]
pub(crate) struct Invocation {
    /// For the log.
    pub(crate) request_id: Arc<str>,
    /// The tasks of this invocation, which the process is not frozen before.
    pub(crate) tasks: TaskTracker,
    /// All tasks of the process, which it does not end before.
    process: TaskTracker,
    /// When the last of its tasks ended or, before that, when it began.
    quiet_since: Arc<Mutex<Instant>>,
    /// When the process is killed or, where nobody says, [`Process::max_turn`] from now.
    pub(crate) deadline: Instant,
    /// Cancelled when the process is asked to go and turns have had their grace.
    pub(crate) shutdown: CancellationToken,
}

impl Invocation {
    /// A request that nobody but the configuration sets a limit to.
    pub(crate) fn unlimited(request_id: &str, process: &Process) -> Self {
        Self {
            request_id: request_id.into(),
            tasks: TaskTracker::new(),
            process: process.tasks.clone(),
            quiet_since: Arc::new(Mutex::new(Instant::now())),
            deadline: Instant::now() + process.max_turn,
            shutdown: process.shutdown.clone(),
        }
    }

    /// A request that has to be over by `deadline`, in ms since 1970. One that is long past is unknown:
    /// `cargo lambda watch` says 1970.
    pub(crate) fn until(request_id: &str, deadline_ms: u64, process: &Process) -> Self {
        let mut invocation = Self::unlimited(request_id, process);
        let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(deadline_ms);
        if let Ok(left) = deadline.duration_since(SystemTime::now()) {
            invocation.deadline = Instant::now() + left;
        }
        invocation
    }

    /// Runs `task` to its end, whatever becomes of the request.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let quiet_since = Arc::clone(&self.quiet_since);
        let deadline = self.deadline;
        let task = async move {
            if tokio::time::timeout_at(deadline, task).await.is_err() {
                tracing::error!("dropped a task at the deadline of its invocation");
            }
            *quiet_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        };
        self.tasks
            .spawn(self.process.track_future(task.in_current_span()));
    }

    /// How long no task has been running.
    pub(crate) fn quiet_for(&self) -> Duration {
        let since = *self
            .quiet_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.tasks.is_empty() {
            since.elapsed()
        } else {
            Duration::ZERO
        }
    }

    /// All tasks of the process.
    pub(crate) fn process_tasks(&self) -> &TaskTracker {
        &self.process
    }

    /// When saving has to be over, so that there is time to tell the client.
    pub(crate) fn save_until(&self) -> Instant {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.deadline - Duration::from_secs(1).min(left / 3)
    }

    /// When a turn has to stop listening to the model, so that there is time to save what came.
    pub(crate) fn cutoff(&self) -> Instant {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.deadline - Duration::from_secs(5).min(left / 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(deadline: SystemTime) -> Duration {
        let deadline_ms = deadline
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_millis();
        let invocation = Invocation::until(
            "id",
            u64::try_from(deadline_ms).unwrap(),
            &Process::new(Duration::from_secs(900)),
        );
        invocation.cutoff() - Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_stops_some_seconds_before_the_deadline() {
        for (case, limit, low, high) in [("long", 900, 894, 895), ("short", 6, 3, 4)] {
            let left = left(SystemTime::now() + Duration::from_secs(limit)).as_secs_f64();
            assert!(
                (f64::from(low)..=f64::from(high)).contains(&left),
                "{case}: {left} s"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_in_the_past_is_unknown() {
        assert!(left(SystemTime::UNIX_EPOCH + Duration::from_secs(600)) > Duration::from_secs(800));
    }
}
