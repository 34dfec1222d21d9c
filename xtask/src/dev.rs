//! `cargo xtask dev`: the complete backend on this machine under one URL. Knows the order in which
//! its pieces start and that they all end with it.

mod demo_user;
mod engine;
mod front;
mod function;
mod function_log;
mod gateway;
mod guarded;
mod options;
mod page;
mod problem;
mod report;

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::dev::demo_user::DemoUser;
use crate::dev::engine::Engine;
use crate::dev::front::{Front, Upstreams};
use crate::dev::function::{Function, Name, Plan, STARTS, Start};
use crate::dev::gateway::Gateway;
use crate::dev::guarded::Guarded;
use crate::dev::options::Options;
use crate::dev::report::Report;
use crate::{progress, tools, workspace};

const DEFAULT_PORT: u16 = 3000;
const PORTS_TRIED: u16 = 20;

/// The length of a secret that better-auth accepts, and of the session tokens that it makes.
const KEPT_LENGTH: usize = 32;
const LETTERS: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v',
    'w', 'x', 'y', 'z', '1', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// Runs the backend until Ctrl-C, SIGTERM or SIGHUP, or until one of its pieces fails.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    // Before anything that takes long: a port that is taken is reported at once.
    let listener = listen(options.port)?;
    let page = page::prepare(!options.no_page);
    let plan = plan(&options);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(until_stopped(&options, listener, plan, page))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the way to start the functions: the emulator if there is one, plain HTTP servers
/// otherwise.
fn plan(options: &Options) -> Plan {
    if options.plain {
        return Plan::Plain;
    }
    match tools::cargo_lambda() {
        Ok(cargo_lambda) => Plan::Emulated {
            cargo_lambda,
            reload: options.watch,
        },
        Err(error) => {
            eprintln!(
                "\nwarning: {error:#}\nThe functions run as plain HTTP servers instead, outside the Lambda emulator.\n"
            );
            Plan::Plain
        }
    }
}

async fn until_stopped(
    options: &Options,
    listener: TcpListener,
    plan: Plan,
    page: Option<PathBuf>,
) -> Result<()> {
    let mut running = Running::default();
    let outcome = tokio::select! {
        outcome = serve(options, listener, plan, page, &mut running) => outcome,
        outcome = stop_asked() => outcome,
    };
    running.stop().await;
    outcome
}

async fn serve(
    options: &Options,
    listener: TcpListener,
    plan: Plan,
    page: Option<PathBuf>,
    running: &mut Running,
) -> Result<()> {
    let (folder, _lock) = own_folder(&workspace::target())?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let url = format!("http://127.0.0.1:{}", listener.local_addr()?.port());

    let engine = Engine::start(&folder, options.fresh).await?;
    let gateway = Gateway::choose().await?;
    let user = DemoUser::sign_in(
        &kept(&folder, "secret")?,
        &kept(&folder, "session")?,
        &engine,
    )?;

    function::build(&mut running.compiler).await?;
    let logs = folder.join("functions");
    std::fs::create_dir_all(&logs).with_context(|| format!("{} cannot be made", logs.display()))?;
    let environment = function::environment(&url, &engine, &gateway, user.secret());
    let starting = progress::Step::begin("starting the functions");
    let bearer = user.bearer();
    let started = |name| Starting {
        name,
        plan: &plan,
        environment: &environment,
        logs: &logs,
        bearer,
    };
    let (chat, threads) = tokio::try_join!(
        started(Name::Chat).run(&mut running.chat),
        started(Name::Threads).run(&mut running.threads)
    )?;
    starting.done();

    let upstreams = Upstreams {
        chat: chat.base_url().to_owned(),
        threads: threads.base_url().to_owned(),
    };
    let front = Front::new(&url, upstreams, engine.clone(), &gateway, &user);
    let has_page = page.is_some();
    let misses_page = !has_page && !options.no_page;
    let serving = tokio::spawn(front.with_page(page).serve(listener));
    Report {
        url: &url,
        has_page,
        misses_page,
        engine: &engine,
        gateway: &gateway,
        user: &user,
        plan: &plan,
        logs: &logs,
    }
    .print(options.json)?;
    if !options.json {
        chat.show_log();
        threads.show_log();
    }
    tokio::select! {
        outcome = serving => outcome.context("the front ended")?,
        error = chat.ended() => Err(error),
        error = threads.ended() => Err(error),
    }
}

/// Describes how one of the functions is started.
struct Starting<'run> {
    name: Name,
    plan: &'run Plan,
    environment: &'run function::Environment,
    logs: &'run Path,
    bearer: &'run str,
}

impl Starting<'_> {
    /// Starts it in `place`, so that it ends with us, and waits until it answers.
    async fn run(self, place: &mut Option<Function>) -> Result<&mut Function> {
        let log = self.logs.join(format!("{}.log", self.name.binary()));
        for start in 1.. {
            let started = Function::start(self.name, self.plan, self.environment.clone(), &log)?;
            match place
                .insert(started)
                .wait_until_it_answers(self.bearer)
                .await?
            {
                Start::Answered => break,
                Start::Stuck if start == STARTS => {
                    let name = self.name.binary();
                    bail!("cargo lambda watch did not start {name}; try `cargo xtask dev --plain`")
                }
                Start::Stuck => {
                    if let Some(stuck) = place.take() {
                        stuck.stop().await;
                    }
                }
            }
        }
        place.as_mut().context("the function has been started")
    }
}

/// The programs that have to end with us.
#[derive(Default)]
struct Running {
    compiler: Option<Guarded>,
    chat: Option<Function>,
    threads: Option<Function>,
}

impl Running {
    async fn stop(self) {
        if let Some(compiler) = self.compiler {
            compiler.stop().await;
        }
        if self.chat.is_some() || self.threads.is_some() {
            eprintln!("\nStopping.");
        }
        for function in [self.chat, self.threads].into_iter().flatten() {
            function.stop().await;
        }
    }
}

async fn stop_asked() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}

/// Returns a folder for the table, the logs and the demo user that no other run works in, locked as
/// long as the file is open.
fn own_folder(target: &Path) -> Result<(PathBuf, File)> {
    for number in 1..=PORTS_TRIED {
        let folder = target.join(if number == 1 {
            "dev".to_owned()
        } else {
            format!("dev-{number}")
        });
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let lock = File::create(folder.join("lock"))?;
        if lock.try_lock().is_ok() {
            return Ok((folder, lock));
        }
    }
    bail!("{PORTS_TRIED} others run in this checkout already; end one of them with Ctrl-C")
}

/// Returns the port that was asked for, or else 3000 or the next that is free.
fn listen(asked: Option<u16>) -> Result<TcpListener> {
    if let Some(port) = asked {
        return TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
            format!("port {port} cannot be had; without --port any free one is taken")
        });
    }
    for port in DEFAULT_PORT..DEFAULT_PORT + PORTS_TRIED {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok(listener);
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")
}

/// Returns a random text that this checkout keeps from its first start on, so that cookies stay
/// valid from run to run.
fn kept(folder: &Path, name: &str) -> Result<String> {
    let file = folder.join(name);
    match std::fs::read_to_string(&file) {
        Ok(text) if text.len() == KEPT_LENGTH => Ok(text),
        _ => {
            let text = nanoid::nanoid!(KEPT_LENGTH, &LETTERS);
            std::fs::write(&file, &text)
                .with_context(|| format!("{} cannot be written", file.display()))?;
            Ok(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_passed_over_unless_it_was_asked_for() {
        let first = listen(None).unwrap();
        let taken = first.local_addr().unwrap().port();
        let second = listen(None).unwrap();
        assert_ne!(second.local_addr().unwrap().port(), taken);
        let error = listen(Some(taken)).unwrap_err();
        assert!(
            error.to_string().contains(&format!("port {taken}")),
            "{error}"
        );
    }

    #[test]
    fn two_runs_share_no_folder_and_the_next_takes_up_what_was_left() {
        let target = std::env::temp_dir().join(format!("xtask-folders-{}", std::process::id()));
        let (first, lock) = own_folder(&target).unwrap();
        let (second, _other) = own_folder(&target).unwrap();
        assert_ne!(first, second);
        drop(lock);
        assert_eq!(own_folder(&target).unwrap().0, first);
        std::fs::remove_dir_all(target).unwrap();
    }

    #[test]
    fn what_a_checkout_keeps_stays_the_same() {
        let folder = std::env::temp_dir().join(format!("xtask-kept-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let first = kept(&folder, "secret").unwrap();
        assert_eq!(first.len(), KEPT_LENGTH);
        assert_eq!(kept(&folder, "secret").unwrap(), first);
        assert_ne!(kept(&folder, "session").unwrap(), first);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
