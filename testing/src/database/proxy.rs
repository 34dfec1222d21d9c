//! A proxy in front of a database, which can throttle, fail, stop answering or refuse connections.
//!
//! Knows DynamoDB's protocol only as far as an operation's name.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::fault::{Behaviour, Fault, Faults, Operation};
use super::jitter::Jitter;
use crate::loopback;
use crate::wait::within;

#[derive(Debug)]
struct Shared {
    /// The authority of the database.
    upstream: String,
    faults: Faults,
    jitter: Jitter,
    operations: watch::Sender<Vec<Operation>>,
    listening: watch::Sender<bool>,
    /// The duration of the slowest request that no fault affected, in milliseconds.
    slowest_ms: AtomicU64,
}

/// The proxy. It stops when dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts the proxy of the database at `endpoint`.
    ///
    /// # Errors
    /// The endpoint is none of plain HTTP, or there is no free port.
    pub async fn start(endpoint: &str) -> Result<Self> {
        let upstream = endpoint
            .strip_prefix("http://")
            .context("the database is not reached by plain HTTP")?;
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            faults: Faults::default(),
            jitter: Jitter::default(),
            operations: watch::Sender::new(Vec::new()),
            listening: watch::Sender::new(true),
            slowest_ms: AtomicU64::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(accept(listener, address, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            server,
        })
    }

    /// Returns the value for `AWS_ENDPOINT_URL_DYNAMODB`, the address of the proxy.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a fault, effective at once and with precedence over faults that were added earlier.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Delays, from now on, each request whose body contains `marker` followed by a number, before
    /// and after it takes effect, for up to `max_pause` each. The same number always gives the same
    /// pauses, so that a seed can be repeated.
    pub fn pause_requests_about(&self, marker: &str, max_pause: Duration) {
        self.shared.jitter.plan(marker, max_pause);
    }

    /// Removes all faults and accepts connections again.
    pub fn heal(&self) {
        self.shared.faults.clear();
        self.shared.listening.send_replace(true);
    }

    /// Closes the port and every connection: new connections are refused.
    pub fn refuse_connections(&self) {
        self.shared.listening.send_replace(false);
    }

    /// Returns every request that has reached the proxy so far.
    pub fn operations(&self) -> Vec<Operation> {
        self.shared.operations.borrow().clone()
    }

    /// Returns the duration of the slowest request that no fault affected, as a measure of this
    /// machine's speed.
    pub fn slowest(&self) -> Duration {
        Duration::from_millis(self.shared.slowest_ms.load(Ordering::SeqCst))
    }

    /// Waits until the proxy has received `count` requests of an operation whose body contains
    /// `about`.
    ///
    /// # Errors
    /// They do not arrive in time.
    pub async fn wait_for_requests(
        &self,
        operation: &str,
        about: &str,
        count: usize,
    ) -> Result<()> {
        let mut operations = self.shared.operations.subscribe();
        let enough = operations.wait_for(|all| {
            let matching = all
                .iter()
                .filter(|one| one.name == operation && one.body.contains(about));
            matching.count() >= count
        });
        within(operation, enough).await??;
        Ok(())
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let mut open = Some(listener);
    let mut connections = JoinSet::new();
    let mut listening = shared.listening.subscribe();
    loop {
        let Some(listener) = &open else {
            if listening.wait_for(|on| *on).await.is_err() {
                return;
            }
            // On the same port, because clients keep the endpoint that they were started with.
            open = TcpListener::bind(address).await.ok();
            continue;
        };
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                connections.spawn(async move {
                    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                });
            }
            closed = closing(&mut listening) => {
                if closed {
                    return;
                }
                open = None;
                connections.shutdown().await;
            }
        }
    }
}

/// Completes when the port must be closed; returns `true` if the proxy is gone and cannot open it
/// again.
async fn closing(listening: &mut watch::Receiver<bool>) -> bool {
    listening.wait_for(|on| !*on).await.is_err()
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let forwarded = handle(&shared, request).await;
    Ok(forwarded.unwrap_or_else(|error| json(StatusCode::BAD_GATEWAY, &error.to_string())))
}

async fn handle(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let target = parts
        .headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let operation = Operation {
        name: target.rsplit('.').next().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let behaviour = shared.faults.next_behaviour(&operation);
    let [before, after] = shared.jitter.pauses(&operation);
    shared
        .operations
        .send_modify(|operations| operations.push(operation));
    match behaviour {
        Some(Behaviour::Throttle) => Ok(json(
            StatusCode::BAD_REQUEST,
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#,
        )),
        Some(Behaviour::Fail) => Ok(json(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL_ERROR)),
        Some(Behaviour::Silence) => std::future::pending().await,
        Some(Behaviour::Delay(pause)) => {
            forward_later(sleep(pause), &shared.upstream, parts, body).await
        }
        Some(Behaviour::LoseAnswer) => {
            forward(&shared.upstream, parts, body).await?;
            Ok(json(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL_ERROR))
        }
        Some(Behaviour::Hold(gate)) => {
            gate.pass().await;
            forward(&shared.upstream, parts, body).await
        }
        Some(Behaviour::HoldAnswer(gate)) => {
            let answer = forward(&shared.upstream, parts, body).await;
            gate.pass().await;
            answer
        }
        Some(Behaviour::Late(gate)) => {
            forward_later(
                async move { gate.pass().await },
                &shared.upstream,
                parts,
                body,
            )
            .await
        }
        None => {
            // Only this path is measured: a fault delays requests by more than the machine does.
            sleep(before).await;
            let started = Instant::now();
            let forwarded = forward(&shared.upstream, parts, body).await?;
            let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            shared.slowest_ms.fetch_max(took_ms, Ordering::SeqCst);
            sleep(after).await;
            Ok(forwarded)
        }
    }
}

/// Forwards a request after `wait` in a task of its own, so that a caller that disconnects does not
/// cancel it.
async fn forward_later(
    wait: impl Future<Output = ()> + Send + 'static,
    upstream: &str,
    parts: Parts,
    body: Bytes,
) -> Result<Response<Full<Bytes>>> {
    let upstream = upstream.to_owned();
    let forwarded = tokio::spawn(async move {
        wait.await;
        forward(&upstream, parts, body).await
    });
    forwarded.await?
}

/// Forwards a request to the database, and returns its complete answer.
async fn forward(upstream: &str, parts: Parts, body: Bytes) -> Result<Response<Full<Bytes>>> {
    let request = Request::from_parts(parts, Full::new(body));
    let answer = within("the database", loopback::send(upstream, request)).await??;
    let (parts, body) = answer.into_parts();
    let body = within("the rest of an answer", body.collect()).await??;
    Ok(Response::from_parts(parts, Full::new(body.to_bytes())))
}

const INTERNAL_ERROR: &str =
    r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"ill"}"#;

fn json(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Database, text};

    const TABLE: &str = "chat";

    async fn start() -> (Database, FaultProxy) {
        let database = Database::start(TABLE).await.unwrap();
        let proxy = FaultProxy::start(database.endpoint()).await.unwrap();
        (database, proxy)
    }

    async fn put(proxy: &FaultProxy, key: &str) -> Result<StatusCode> {
        let body =
            serde_json::json!({"TableName": TABLE, "Item": {"pk": {"S": key}, "sk": {"S": "-"}}});
        let request = Request::post("/")
            .header("host", proxy.address.to_string())
            .header("x-amz-target", "DynamoDB_20120810.PutItem")
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0")
            .header("x-amz-date", "20260101T000000Z");
        let request = request.body(Full::new(Bytes::from(body.to_string())))?;
        let answer = loopback::send(&proxy.address.to_string(), request).await?;
        Ok(answer.status())
    }

    #[tokio::test]
    async fn faults_affect_the_named_requests_the_given_number_of_times() {
        let (database, proxy) = start().await;
        proxy.fault(Fault::of("PutItem", "\"b\"", Behaviour::Fail).times(1));
        assert_eq!(put(&proxy, "a").await.unwrap(), StatusCode::OK);
        assert_eq!(
            put(&proxy, "b").await.unwrap(),
            StatusCode::INTERNAL_SERVER_ERROR
        );
        assert_eq!(put(&proxy, "b").await.unwrap(), StatusCode::OK);
        proxy.fault(Fault::everything(Behaviour::Throttle));
        assert_eq!(put(&proxy, "c").await.unwrap(), StatusCode::BAD_REQUEST);
        let keys: Vec<_> = database
            .items()
            .unwrap()
            .iter()
            .map(|item| text(item, "pk").unwrap().to_owned())
            .collect();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!(proxy.operations().len(), 4);
    }

    #[tokio::test]
    async fn an_engine_that_refuses_connections_can_be_healed() {
        let (_database, proxy) = start().await;
        proxy.refuse_connections();
        while put(&proxy, "a").await.is_ok() {}
        proxy.heal();
        while put(&proxy, "a").await.is_err() {}
        assert_eq!(put(&proxy, "a").await.unwrap(), StatusCode::OK);
    }
}
