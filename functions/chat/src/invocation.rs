//! The resources of a request: its deadline, and tasks that may outlive its response.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The state that all requests of the process share: their tasks and the shutdown signal.
#[derive(Clone)]
pub(crate) struct Process {
    /// All tasks of all requests.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when running turns must save their partial answer and end.
    pub(crate) shutdown: CancellationToken,
    /// The time limit of a turn where the environment sets no deadline.
    max_turn: Duration,
}

impl Process {
    /// Creates a process without running tasks.
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
    /// The request id, for the log.
    pub(crate) request_id: Arc<str>,
    /// The tasks of this invocation. The process must not be frozen before they are done.
    pub(crate) tasks: TaskTracker,
    /// All tasks of the process, which must be done before it ends.
    process: TaskTracker,
    /// The time at which its last task ended or, if none has ended yet, at which it began.
    idle_since: Arc<Mutex<Instant>>,
    /// The time at which the process is killed or, where the environment sets none,
    /// [`Process::max_turn`] from now.
    pub(crate) deadline: Instant,
    /// Cancelled when the process shuts down and the grace period of turns is over.
    pub(crate) shutdown: CancellationToken,
}

impl Invocation {
    /// Creates a request that is limited only by the configuration.
    pub(crate) fn without_deadline(request_id: &str, process: &Process) -> Self {
        Self {
            request_id: request_id.into(),
            tasks: TaskTracker::new(),
            process: process.tasks.clone(),
            idle_since: Arc::new(Mutex::new(Instant::now())),
            deadline: Instant::now() + process.max_turn,
            shutdown: process.shutdown.clone(),
        }
    }

    /// Creates a request that must be over by `deadline_ms`, in ms since 1970. A deadline in the
    /// past counts as unknown: `cargo lambda watch` sends 1970.
    pub(crate) fn with_deadline(request_id: &str, deadline_ms: u64, process: &Process) -> Self {
        let mut invocation = Self::without_deadline(request_id, process);
        let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(deadline_ms);
        if let Ok(left) = deadline.duration_since(SystemTime::now()) {
            invocation.deadline = Instant::now() + left;
        }
        invocation
    }

    /// Runs `task` until it ends or the deadline passes, independent of the request.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let idle_since = Arc::clone(&self.idle_since);
        let deadline = self.deadline;
        let task = async move {
            if tokio::time::timeout_at(deadline, task).await.is_err() {
                tracing::error!("dropped a task at the deadline of its invocation");
            }
            *idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        };
        self.tasks
            .spawn(self.process.track_future(task.in_current_span()));
    }

    /// Returns the time since the last task ended, or zero while one runs.
    pub(crate) fn idle_for(&self) -> Duration {
        let since = *self
            .idle_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.tasks.is_empty() {
            since.elapsed()
        } else {
            Duration::ZERO
        }
    }

    /// Returns the tasks of the process.
    pub(crate) fn process_tasks(&self) -> &TaskTracker {
        &self.process
    }

    /// Returns the time by which saving must be done, so that the client can still be informed.
    pub(crate) fn save_deadline(&self) -> Instant {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.deadline - Duration::from_secs(1).min(left / 3)
    }

    /// Returns the time at which a turn stops reading from the model, so that its answer can be
    /// saved.
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
        let invocation = Invocation::with_deadline(
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
