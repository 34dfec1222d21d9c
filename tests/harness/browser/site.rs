//! One origin, as a browser sees it: the built page at `/`, and both functions under `/api`. It can
//! cut its connections and refuse new ones. Routes by path and does not look at the content.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use testing::loopback;
use testing::origin::Upstream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::aws::Function;
use crate::process::Variables;
use crate::tools;
use crate::world::World;

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// The page, both functions and the proxy that makes them one origin. It stops when dropped.
#[derive(Debug)]
pub struct Site {
    /// The origin, without a trailing slash.
    pub url: String,
    /// The `chat` function.
    pub chat: Function,
    /// The `threads` function.
    pub threads: Function,
    is_open: watch::Sender<bool>,
    server: JoinSet<()>,
}

/// The targets of the proxy.
#[derive(Debug)]
struct Targets {
    page: PathBuf,
    chat: String,
    threads: String,
}

impl Site {
    /// Starts both functions in this world and the proxy in front of them; returns `None` if the
    /// page was not built.
    pub async fn start(world: &World, changes: &[(&str, &str)]) -> Result<Option<Self>> {
        let Some(page) = tools::page() else {
            tools::report_skipped("whatever the page would do", "the built page");
            return Ok(None);
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        let mut variables: Variables = world.variables_with(changes);
        variables.insert("ALLOWED_ORIGINS".to_owned(), url.clone());
        let (chat, threads) = tokio::try_join!(
            Function::start_plain(&variables),
            Function::start_threads(&variables)
        )?;
        let is_open = watch::Sender::new(true);
        let targets = Targets {
            page,
            chat: authority(&chat)?,
            threads: authority(&threads)?,
        };
        let mut server = JoinSet::new();
        server.spawn(serve(
            listener,
            address,
            Arc::new(targets),
            is_open.subscribe(),
        ));
        Ok(Some(Self {
            url,
            chat,
            threads,
            is_open,
            server,
        }))
    }

    /// Closes every connection and refuses new ones.
    pub fn close(&self) {
        self.is_open.send_replace(false);
    }

    /// Accepts connections again.
    pub fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Ends both functions and checks their logs.
    pub async fn stop(mut self) -> Result<()> {
        self.server.shutdown().await;
        self.chat.stop().await?;
        self.threads.stop().await
    }
}

fn authority(function: &Function) -> Result<String> {
    Ok(function
        .url
        .strip_prefix("http://")
        .context("a loopback URL")?
        .to_owned())
}

async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    targets: Arc<Targets>,
    mut is_open: watch::Receiver<bool>,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let Some(open) = &listener else {
            if is_open.wait_for(|open| *open).await.is_err() {
                return;
            }
            listener = TcpListener::bind(address).await.ok();
            continue;
        };
        tokio::select! {
            accepted = open.accept() => {
                let Ok((stream, _)) = accepted else { return };
                connections.spawn(serve_connection(stream, Arc::clone(&targets)));
            }
            closed = async { is_open.wait_for(|open| !open).await.map(drop) } => {
                if closed.is_err() {
                    return;
                }
                listener = None;
                connections.shutdown().await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, targets: Arc<Targets>) {
    // A page that waits for a chunk must not wait for a timer of TCP.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let targets = Arc::clone(&targets);
        async move {
            Ok::<_, hyper::Error>(
                answer(&targets, request)
                    .await
                    .unwrap_or_else(|error| bad_gateway(&error)),
            )
        }
    });
    // A browser that disconnects ends the connection with an error.
    drop(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

async fn answer(targets: &Targets, request: Request<Incoming>) -> Result<Answer> {
    let path = request.uri().path();
    match Upstream::of_path(path) {
        Some(Upstream::Chat) => forward(&targets.chat, request).await,
        Some(Upstream::Threads) => forward(&targets.threads, request).await,
        None => file(&targets.page, path).await,
    }
}

/// Forwards a request, and its response as it arrives. When the browser disconnects, the connection
/// to the function closes too.
async fn forward(authority: &str, request: Request<Incoming>) -> Result<Answer> {
    let answer = loopback::send(authority, request).await?;
    Ok(answer.map(BodyExt::boxed))
}

async fn file(page: &Path, path: &str) -> Result<Answer> {
    let name = if path == "/" {
        "index.html"
    } else {
        path.trim_start_matches('/')
    };
    let Ok(content) = tokio::fs::read(page.join(name)).await else {
        return plain(StatusCode::NOT_FOUND, "text/plain", Bytes::new());
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    plain(StatusCode::OK, kind, content.into())
}

fn plain(status: StatusCode, kind: &str, content: Bytes) -> Result<Answer> {
    let body = Full::new(content).map_err(|never| match never {}).boxed();
    Ok(Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .body(body)?)
}

fn bad_gateway(error: &anyhow::Error) -> Answer {
    let body = Full::new(Bytes::from(format!("{error:#}")))
        .map_err(|never| match never {})
        .boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::BAD_GATEWAY;
    answer
}
