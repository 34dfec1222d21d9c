//! The functions on this machine: built, given their environment, run under `cargo lambda watch` or
//! as plain HTTP.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use axum::body::Body;
use axum::http::{Request, header};

use super::engine::{Engine, TABLE_NAME};
use super::function_log::{self, FunctionLog};
use super::gateway::Gateway;
use super::guarded::Guarded;
use crate::net::{free_port, http_client};
use crate::{command, guard, workspace};

/// Under the emulator a process answers one invocation after the other, as on Lambda; a second one,
/// to stop or take over a turn, needs another process.
const PROCESSES: &str = "4";

/// Long, because a cargo that builds something else in the meantime holds the emulator up.
const START_LIMIT: Duration = Duration::from_secs(600);
/// The emulator says within a second that it starts the function.
const STUCK: Duration = Duration::from_secs(15);
/// The number of times that the emulator is started before `dev` gives up.
pub(crate) const STARTS: usize = 3;

/// The name of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// The one that answers.
    Chat,
    /// The read side.
    Threads,
}

impl Name {
    /// Both.
    const ALL: [Self; 2] = [Self::Chat, Self::Threads];

    /// Returns the name of its package and binary.
    pub(crate) fn binary(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Threads => "threads",
        }
    }

    /// Returns a path that answers a signed-in user and changes nothing.
    fn path(self) -> &'static str {
        match self {
            Self::Chat => "/api/chat/none/stream",
            Self::Threads => "/api/models",
        }
    }
}

/// The way in which a function is run.
pub(crate) enum Plan {
    /// Under `cargo lambda watch`.
    Emulated { cargo_lambda: PathBuf, reload: bool },
    /// As the plain HTTP server that it is without Lambda.
    Plain,
}

/// The running function.
pub(crate) struct Function {
    name: Name,
    process: Guarded,
    base_url: String,
    log: FunctionLog,
    reload: bool,
    emulated: bool,
}

/// The outcome of a start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The function answers.
    Answered,
    /// The emulator took a request and did nothing with it: one in about a hundred of its starts.
    /// It has to be started again.
    Stuck,
}

impl Function {
    /// Starts it on a free loopback port; what it writes goes to the file `log`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start(
        name: Name,
        plan: &Plan,
        environment: Environment,
        log: &Path,
    ) -> Result<Self> {
        let port = free_port()?;
        let mut command = plan.command(name, port)?;
        command
            .current_dir(workspace::root())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in environment.unset {
            command.env_remove(name);
        }
        command.envs(environment.set);

        let log = FunctionLog::begin(log)?;
        let mut process = Guarded::start(command)?;
        if let Some((stdout, stderr)) = process.take_output() {
            log.follow(stdout);
            log.follow(stderr);
        }
        Ok(Self {
            name,
            process,
            base_url: plan.base_url(name, port),
            log,
            reload: plan.reloads(),
            emulated: matches!(plan, Plan::Emulated { .. }),
        })
    }

    /// Returns the base URL of the paths `/api/…`.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Waits for the first answer to this bearer, whatever it says; the emulator starts the
    /// function for the first request.
    ///
    /// # Errors
    /// The function ends, or gives no answer in ten minutes.
    pub(crate) async fn wait_until_it_answers(&mut self, bearer: &str) -> Result<Start> {
        let url = format!("{}{}", self.base_url, self.name.path());
        let stuck = stuck(self.emulated, self.log.path().to_owned());
        tokio::select! {
            answered = tokio::time::timeout(START_LIMIT, first_answer(&url, bearer)) => match answered {
                Ok(()) => Ok(Start::Answered),
                Err(_) => bail!(
                    "{} gave no answer in {} s\n{}",
                    self.name.binary(),
                    START_LIMIT.as_secs(),
                    self.log.tail()
                ),
            },
            () = stuck => Ok(Start::Stuck),
            error = self.ended() => Err(error),
        }
    }

    /// Waits until the function has ended by itself, and says so.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        let how = tokio::select! {
            status = self.process.ended() => status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            () = self.log.death(), if !self.reload => "its process is gone".to_owned(),
        };
        anyhow!(
            "{} has ended ({how}); its last words:\n{}",
            self.name.binary(),
            self.log.tail()
        )
    }

    /// Shows on the terminal what it writes from now on.
    pub(crate) fn show_log(&self) {
        self.log.show(true);
    }

    /// Ends it and everything it started. What it says about that is for its log alone.
    pub(crate) async fn stop(self) {
        self.log.show(false);
        self.process.stop().await;
    }
}

impl Plan {
    /// Returns the description that `dev` prints.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Emulated { reload: true, .. } => {
                "under cargo lambda watch, rebuilt when a source file changes"
            }
            Self::Emulated { .. } => "under cargo lambda watch",
            Self::Plain => "as a plain HTTP server",
        }
    }

    fn command(&self, name: Name, port: u16) -> Result<Command> {
        let (name, port) = (name.binary(), port.to_string());
        match self {
            Self::Emulated {
                cargo_lambda,
                reload,
            } => {
                let mut command = guard::guarded(cargo_lambda)?;
                command::forget_outer_cargo(&mut command);
                command.args([
                    "lambda",
                    "watch",
                    "--invoke-address",
                    "127.0.0.1",
                    "--invoke-port",
                    &port,
                ]);
                command.args([
                    "--package",
                    name,
                    "--bin",
                    name,
                    "--disable-cors",
                    "--concurrency",
                    PROCESSES,
                ]);
                if !reload {
                    command.arg("--ignore-changes");
                }
                Ok(command)
            }
            Self::Plain => {
                let mut command = guard::guarded(workspace::binary(name))?;
                command
                    .env("HOST", "127.0.0.1")
                    .env("PORT", &port)
                    .env_remove("AWS_LAMBDA_RUNTIME_API");
                Ok(command)
            }
        }
    }

    fn base_url(&self, name: Name, port: u16) -> String {
        match self {
            Self::Emulated { .. } => {
                format!("http://127.0.0.1:{port}/lambda-url/{}", name.binary())
            }
            Self::Plain => format!("http://127.0.0.1:{port}"),
        }
    }

    fn reloads(&self) -> bool {
        matches!(self, Self::Emulated { reload: true, .. })
    }
}

/// The environment of the functions, as far as it differs from ours.
#[derive(Clone)]
pub(crate) struct Environment {
    set: Vec<(&'static str, String)>,
    unset: &'static [&'static str],
}

/// Returns the variables that point the function at everything on this machine. Other variables of
/// the user, such as `SYSTEM_PROMPT`, is inherited.
pub(crate) fn environment(
    url: &str,
    engine: &Engine,
    gateway: &Gateway,
    secret: &str,
) -> Environment {
    let mut set = vec![
        ("TABLE_NAME", TABLE_NAME.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", engine.endpoint().to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("BETTER_AUTH_SECRET", secret.to_owned()),
        ("BETTER_AUTH_URL", url.to_owned()),
        ("ALLOWED_ORIGINS", allowed_origins(url)),
        ("SEND_SOURCES", "true".to_owned()),
        // Less than a guard waits, so that running answers are saved when Ctrl-C ends plain HTTP servers.
        ("SHUTDOWN_GRACE_MS", "2000".to_owned()),
    ];
    set.extend(gateway.environment());
    // Any of these would point elsewhere or change the names that the demo user's cookie has.
    let unset = &[
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AI_GATEWAY_API_KEY_SSM",
        "BETTER_AUTH_SECRET_SSM",
        "BETTER_AUTH_COOKIE_PREFIX",
    ];
    Environment { set, unset }
}

/// Builds the functions, with cargo's own progress on the terminal: each alone, as the emulator
/// will build it. The compiler runs in `running`, so that it ends with us.
///
/// # Errors
/// One does not compile.
pub(crate) async fn build(running: &mut Option<Guarded>) -> Result<()> {
    eprintln!("Building the functions; the first time this takes some minutes.");
    for name in Name::ALL.map(Name::binary) {
        let mut command = guard::guarded(command::cargo())?;
        command::forget_outer_cargo(&mut command).args(["build", "--package", name]);
        command.current_dir(workspace::root()).stdout(Stdio::null());
        let status = running.insert(Guarded::start(command)?).ended().await?;
        *running = None;
        if !status.success() {
            bail!("{name} does not compile; see above");
        }
    }
    Ok(())
}

/// Returns the allowed origins: the front under both of its names, and those that the developer
/// adds.
fn allowed_origins(url: &str) -> String {
    let mut origins = vec![url.to_owned(), url.replace("127.0.0.1", "localhost")];
    origins.extend(
        std::env::var("ALLOWED_ORIGINS")
            .ok()
            .filter(|more| !more.is_empty()),
    );
    origins.join(",")
}

/// Returns when the emulator, whose log this is, has had its time and has not begun to start the
/// function.
async fn stuck(emulated: bool, log: PathBuf) {
    tokio::time::sleep(STUCK).await;
    if !emulated || function_log::tells_of_a_start(&log) {
        std::future::pending::<()>().await;
    }
}

async fn first_answer(url: &str, bearer: &str) {
    let client = http_client();
    loop {
        let request = Request::get(url).header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        let request = request
            .body(Body::empty())
            .expect("a loopback URL and base64 are valid");
        match client.request(request).await.context("no answer yet") {
            Ok(_) => return,
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(plan: &Plan) -> Vec<String> {
        let command = plan.command(Name::Threads, 9100).unwrap();
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn the_emulator_listens_on_loopback_only_and_reloads_only_when_asked() {
        for reload in [false, true] {
            let plan = Plan::Emulated {
                cargo_lambda: "cargo-lambda".into(),
                reload,
            };
            let line = arguments(&plan).join(" ");
            assert!(
                line.contains("--invoke-address 127.0.0.1 --invoke-port 9100"),
                "{line}"
            );
            assert!(line.contains("--package threads --bin threads"), "{line}");
            assert_eq!(line.contains("--ignore-changes"), !reload, "{line}");
            assert!(
                !line.contains("--timeout"),
                "the emulator's own timeout kills idle functions: {line}"
            );
        }
    }

    #[test]
    fn plain_http_is_bound_to_loopback() {
        let command = Plan::Plain.command(Name::Chat, 9100).unwrap();
        let variable = |name: &str| {
            command
                .get_envs()
                .find(|(key, _)| *key == name)
                .and_then(|(_, value)| value)
        };
        assert_eq!(variable("HOST").unwrap(), "127.0.0.1");
        assert_eq!(variable("PORT").unwrap(), "9100");
    }
}
