//! A Function URL: accepts HTTP and invokes the function with events. As on AWS, the function is
//! not notified when a client disconnects.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Channel, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::event::{self, Prelude};
use super::runtime_api::RuntimeApi;
use crate::http_client;
use crate::wait::within;

type Answer = Response<BoxBody<Bytes, Infallible>>;

#[derive(Debug)]
enum Backend {
    /// The emulator's address, and a lock: the emulator fails when two invocations overlap.
    Emulator(SocketAddr, Mutex<()>),
    Api(Arc<RuntimeApi>),
}

/// A Function URL on a loopback port. It stops when dropped.
#[derive(Debug)]
pub(super) struct FunctionUrl {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl FunctionUrl {
    pub(super) async fn start_for_api(api: Arc<RuntimeApi>) -> Result<Self> {
        Self::start(Backend::Api(api)).await
    }

    pub(super) async fn start_for_emulator(address: SocketAddr) -> Result<Self> {
        Self::start(Backend::Emulator(address, Mutex::new(()))).await
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn start(backend: Backend) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(serve(listener, Arc::new(backend)));
        Ok(Self { address, server })
    }
}

impl Drop for FunctionUrl {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, backend: Arc<Backend>) {
    while let Ok((stream, _)) = listener.accept().await {
        let backend = Arc::clone(&backend);
        let service = service_fn(move |request| answer(Arc::clone(&backend), request));
        tokio::spawn(async move {
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

async fn answer(backend: Arc<Backend>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    // In a task of its own: a client that disconnects must not cancel the invocation.
    let answered = tokio::spawn(async move { invoke(&backend, request).await }).await;
    Ok(match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => bad_gateway(format!("{error:#}")),
        Err(error) => bad_gateway(error.to_string()),
    })
}

fn bad_gateway(why: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(why)).boxed());
    *answer.status_mut() = StatusCode::BAD_GATEWAY;
    answer
}

async fn invoke(backend: &Backend, request: Request<Incoming>) -> Result<Answer> {
    let (parts, body) = request.into_parts();
    let event = event::event(&parts, &body.collect().await?.to_bytes());
    match backend {
        Backend::Emulator(address, one_at_a_time) => {
            let _turn = one_at_a_time.lock().await;
            invoke_emulator(*address, &event).await
        }
        Backend::Api(api) => {
            let mut invocation = api.invoke(&event);
            let prelude = within("the prelude", invocation.prelude()).await??;
            let head = event::head(&prelude)?;
            let (mut sender, body) = Channel::new(64);
            tokio::spawn(async move {
                while let Some(bytes) = invocation.next_piece().await {
                    // The client may be gone; the invocation is read to its end all the same.
                    drop(sender.send_data(bytes).await);
                }
            });
            Ok(head.map(|()| body.boxed()))
        }
    }
}

async fn invoke_emulator(address: SocketAddr, event: &Value) -> Result<Answer> {
    let uri = format!("http://{address}/2015-03-31/functions/function/invocations");
    let request = Request::post(uri)
        .header("content-type", "application/json")
        .body(event.to_string().into())?;
    let answer = http_client::fetch(request).await?.bytes().await?;
    let (prelude, body) = Prelude::default().push(&answer)?;
    let prelude =
        prelude.with_context(|| format!("no prelude in {:?}", String::from_utf8_lossy(&answer)))?;
    Ok(event::head(&prelude)?.map(|()| Full::new(body).boxed()))
}
