//! Lambda's Runtime API, including Lambda's freeze: the process is stopped the moment every worker
//! has asked for the next event, so unfinished work stays unfinished. It misbehaves on demand.

mod reading;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use reading::PendingResponse;
pub use reading::{Outcome, Reading};

use crate::process::{Process, Variables};
use crate::session::epoch_ms;
use crate::wait::{WAIT_TIMEOUT, within};
use crate::wire::Connection;

#[derive(Debug)]
struct Job {
    id: String,
    event: String,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Job>,
    pending: HashMap<String, PendingResponse>,
    readings: VecDeque<Reading>,
    waiting: usize,
    invoked: usize,
    pid: Option<Pid>,
}

#[derive(Debug)]
struct Shared {
    workers: usize,
    limit: Mutex<Duration>,
    state: Mutex<State>,
    arrived: Notify,
    hung_up: Notify,
    frozen: watch::Sender<bool>,
}

/// A Runtime API on a loopback port. It stops when dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// An invocation, as the API sees it.
#[derive(Debug)]
pub struct Invocation {
    prelude: oneshot::Receiver<Value>,
    body: mpsc::UnboundedReceiver<Bytes>,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl RuntimeApi {
    /// Starts an API for a process with this number of workers.
    pub async fn start(workers: usize) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            workers,
            limit: Mutex::new(WAIT_TIMEOUT),
            state: Mutex::default(),
            arrived: Notify::new(),
            hung_up: Notify::new(),
            frozen: watch::Sender::new(false),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            server,
        })
    }

    /// Returns its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts the function and waits until it has been frozen for the first time.
    pub(super) async fn launch(&self, binary: &Path, variables: &Variables) -> Result<Process> {
        let mut variables = variables.clone();
        let lambda_variables = [
            ("AWS_LAMBDA_RUNTIME_API", self.address.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "chat".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
        ];
        variables.extend(lambda_variables.map(|(name, value)| (name.to_owned(), value)));
        if self.shared.workers > 1 {
            variables.insert(
                "AWS_LAMBDA_MAX_CONCURRENCY".to_owned(),
                self.shared.workers.to_string(),
            );
        }
        let process = Process::start::<&str>(binary, &[], &variables)?;
        self.attach(process.pid());
        self.wait_until_frozen()
            .await
            .with_context(|| process.logs.lines().join("\n"))?;
        Ok(process)
    }

    /// Sets the time from the start of a later invocation to its deadline.
    pub fn set_time_limit(&self, limit: Duration) {
        *self
            .shared
            .limit
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = limit;
    }

    /// Reads the next response without a plan like this.
    pub fn next_reading(&self, reading: Reading) {
        self.shared.state().readings.push_back(reading);
    }

    /// Waits until the process is frozen: every worker has asked for an event and none is queued.
    pub async fn wait_until_frozen(&self) -> Result<()> {
        within(
            "the process to be frozen",
            self.shared.frozen.subscribe().wait_for(|frozen| *frozen),
        )
        .await??;
        Ok(())
    }

    /// Fails if the process is frozen within half a second.
    pub async fn ensure_not_frozen(&self) -> Result<()> {
        let frozen =
            tokio::time::timeout(Duration::from_millis(500), self.wait_until_frozen()).await;
        ensure!(frozen.is_err(), "the process has asked for the next event");
        Ok(())
    }

    /// Closes the connections on which the function waits for events.
    pub fn hang_up(&self) {
        self.shared.hung_up.notify_waiters();
    }

    /// Invokes the function; resumes the process if it is frozen.
    pub fn invoke(&self, event: &Value) -> Invocation {
        let (prelude_sender, prelude) = oneshot::channel();
        let (body_sender, body) = mpsc::unbounded_channel();
        let (outcome_sender, outcome) = watch::channel(None);
        let mut state = self.shared.state();
        state.invoked += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012}", state.invoked);
        let reading = state.readings.pop_front().unwrap_or(Reading::Complete);
        let pending = PendingResponse {
            reading,
            prelude: Some(prelude_sender),
            body: body_sender,
            outcome: outcome_sender,
        };
        state.pending.insert(id.clone(), pending);
        state.queue.push_back(Job {
            id,
            event: event.to_string(),
        });
        if self.shared.frozen.send_replace(false) {
            // If the process is gone, the job stays in the queue and the test times out.
            let _ = state.pid.map(|pid| kill_process(pid, Signal::CONT));
        }
        drop(state);
        self.shared.arrived.notify_waiters();
        Invocation {
            prelude,
            body,
            outcome,
        }
    }

    fn attach(&self, pid: Pid) {
        let mut state = self.shared.state();
        state.pid = Some(pid);
        self.shared.freeze_if_idle(&state);
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Invocation {
    /// Waits for the prelude of the response.
    pub async fn prelude(&mut self) -> Result<Value> {
        match (&mut self.prelude).await {
            Ok(prelude) => Ok(prelude),
            Err(_) => bail!(
                "no prelude; the invocation ended as {:?}",
                *self.outcome.borrow()
            ),
        }
    }

    /// Waits for the next piece of the body; returns `None` at its end.
    pub async fn next_piece(&mut self) -> Option<Bytes> {
        self.body.recv().await
    }

    /// Waits for the end of the invocation.
    pub async fn outcome(&mut self) -> Result<Outcome> {
        let outcome = within(
            "the end of the invocation",
            self.outcome.wait_for(Option::is_some),
        )
        .await??;
        outcome
            .clone()
            .context("an invocation ended without an outcome")
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn freeze_if_idle(&self, state: &State) {
        let idle = state.waiting >= self.workers && state.queue.is_empty();
        if let (true, Some(pid)) = (idle, state.pid) {
            // If the process is gone, there is no process to freeze.
            let _ = kill_process(pid, Signal::STOP);
            self.frozen.send_replace(true);
        }
    }

    async fn next_job(&self) -> Job {
        let waiting = Waiting::new(self);
        loop {
            let arrived = self.arrived.notified();
            {
                let mut state = self.state();
                if let Some(job) = state.queue.pop_front() {
                    // Under the same lock: a worker with a job must at no moment be counted as
                    // waiting.
                    state.waiting -= 1;
                    std::mem::forget(waiting);
                    return job;
                }
                self.freeze_if_idle(&state);
            }
            arrived.await;
        }
    }
}

/// A guard that counts a worker as waiting until it is dropped.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.state().waiting += 1;
        Self(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            if let Ok(connection) = Connection::new(stream) {
                // The response's outcome carries the error.
                drop(serve_connection(connection, &shared).await);
            }
        });
    }
}

async fn serve_connection(mut connection: Connection, shared: &Shared) -> Result<()> {
    while let Some(head) = connection.read_head().await? {
        if head.path.ends_with("/invocation/next") {
            serve_next(&mut connection, shared).await?;
            continue;
        }
        let id = head.path.rsplit('/').nth(1).unwrap_or_default();
        let pending = shared.state().pending.remove(id);
        let Some(pending) = pending else {
            let body = connection.read_body(&head).await?;
            bail!(
                "{} for an unknown invocation: {}",
                head.path,
                String::from_utf8_lossy(&body)
            );
        };
        let outcome = pending.outcome.clone();
        let read = if head.path.ends_with("/error") {
            reading::read_error(connection, &head).await
        } else if head.header("lambda-runtime-function-response-mode") == Some("streaming") {
            reading::read_streamed(connection, pending).await
        } else {
            reading::read_buffered(connection, &head, pending).await
        };
        match read {
            Ok((ended, open)) => {
                outcome.send_replace(Some(ended));
                let Some(open) = open else { return Ok(()) };
                connection = open;
            }
            Err(broken) => {
                outcome.send_replace(Some(Outcome::Broken(broken.to_string())));
                return Err(broken);
            }
        }
    }
    Ok(())
}

async fn serve_next(connection: &mut Connection, shared: &Shared) -> Result<()> {
    let job = tokio::select! {
        job = shared.next_job() => job,
        () = connection.closed() => bail!("the function closed while it waited"),
        () = shared.hung_up.notified() => bail!("the test closed the connection"),
    };
    let limit = *shared.limit.lock().unwrap_or_else(PoisonError::into_inner);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: {}\r\n\
         lambda-runtime-deadline-ms: {}\r\n\
         lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:chat\r\n\
         lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n\
         content-length: {}\r\n\r\n",
        job.id,
        epoch_ms(SystemTime::now() + limit),
        job.event.len(),
    );
    connection
        .write(&[head.as_bytes(), job.event.as_bytes()].concat())
        .await
}

#[cfg(test)]
mod tests;
