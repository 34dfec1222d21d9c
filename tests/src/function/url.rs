//! A Function URL: HTTP in front, events behind. As on AWS, the function never learns that a client has left.

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
enum Behind {
    /// It breaks when two invocations come at once.
    Emulator(SocketAddr, Mutex<()>),
    Api(Arc<RuntimeApi>),
}

/// A front on a loopback port. It stops when dropped.
#[derive(Debug)]
pub(super) struct FunctionUrl {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl FunctionUrl {
    pub(super) async fn before_api(api: Arc<RuntimeApi>) -> Result<Self> {
        Self::start(Behind::Api(api)).await
    }

    pub(super) async fn before_emulator(address: SocketAddr) -> Result<Self> {
        Self::start(Behind::Emulator(address, Mutex::new(()))).await
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn start(behind: Behind) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(serve(listener, Arc::new(behind)));
        Ok(Self { address, server })
    }
}

impl Drop for FunctionUrl {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, behind: Arc<Behind>) {
    while let Ok((stream, _)) = listener.accept().await {
        let behind = Arc::clone(&behind);
        let service = service_fn(move |request| answer(Arc::clone(&behind), request));
        tokio::spawn(async move {
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

async fn answer(behind: Arc<Behind>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    // In a task of its own: a client that leaves must not take the invocation with it.
    let answered = tokio::spawn(async move { invoke(&behind, request).await }).await;
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

async fn invoke(behind: &Behind, request: Request<Incoming>) -> Result<Answer> {
    let (parts, body) = request.into_parts();
    let event = event::event(&parts, &body.collect().await?.to_bytes());
    match behind {
        Behind::Emulator(address, one_at_a_time) => {
            let _turn = one_at_a_time.lock().await;
            emulate(*address, &event).await
        }
        Behind::Api(api) => {
            let mut invocation = api.invoke(&event);
            let prelude = within("the prelude", invocation.prelude()).await??;
            let head = event::head(&prelude)?;
            let (mut sender, body) = Channel::new(64);
            tokio::spawn(async move {
                while let Some(bytes) = invocation.next_piece().await {
                    // The client may be gone; the invocation is read on all the same.
                    drop(sender.send_data(bytes).await);
                }
            });
            Ok(head.map(|()| body.boxed()))
        }
    }
}

async fn emulate(address: SocketAddr, event: &Value) -> Result<Answer> {
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
