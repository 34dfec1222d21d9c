//! DynamoDB on a loopback port: dynoxide with a proxy in front that can throttle, fail, stop
//! answering or refuse connections.
//!
//! Knows DynamoDB's wire protocol only as far as an operation's
//! name; the table is defined in `store`.

mod fault;
mod jitter;
mod rows;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use dynoxide::Database;
use dynoxide::actions::scan::ScanRequest;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use store::{ClientOptions, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

use fault::Faults;
pub use fault::{Behaviour, Fault, Operation};
use jitter::Jitter;

use crate::http_client;
use crate::wait::within;

/// The table's name.
pub const TABLE: &str = "sidekiq-acceptance";

#[derive(Debug)]
struct Proxy {
    upstream: SocketAddr,
    faults: Faults,
    jitter: Jitter,
    operations: watch::Sender<Vec<Operation>>,
    listening: watch::Sender<bool>,
    /// The duration of the slowest request that no fault affected, in milliseconds.
    slowest_ms: AtomicU64,
}

/// A DynamoDB with the empty table. It stops when dropped.
pub struct Engine {
    address: SocketAddr,
    database: Database,
    store: Store,
    proxy: Arc<Proxy>,
    tasks: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts an in-memory engine.
    pub async fn start() -> Result<Self> {
        let database = Database::memory()?;
        let (listener, upstream) = listen().await?;
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let client = store::connect(&ClientOptions::local(&format!("http://{upstream}"))).await?;
        store::create_table(&client, TABLE).await?;
        let proxy = Arc::new(Proxy {
            upstream,
            faults: Faults::default(),
            jitter: Jitter::default(),
            operations: watch::Sender::new(Vec::new()),
            listening: watch::Sender::new(true),
            slowest_ms: AtomicU64::new(0),
        });
        let (listener, address) = listen().await?;
        let accept = tokio::spawn(accept(listener, address, Arc::clone(&proxy)));
        let store = Store::new(client, TABLE);
        Ok(Self {
            address,
            database,
            store,
            proxy,
            tasks: vec![server, accept],
        })
    }

    /// Returns the value for `AWS_ENDPOINT_URL_DYNAMODB`, the address of the proxy.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the product's own store on the table, which bypasses the proxy.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns every item of the table as DynamoDB JSON, ordered by key.
    pub fn items(&self) -> Result<Vec<Value>> {
        let request = ScanRequest {
            table_name: TABLE.to_owned(),
            ..ScanRequest::default()
        };
        let answer = self
            .database
            .scan(request)
            .map_err(|error| anyhow!("{error:?}"))?;
        let mut answer = serde_json::to_value(answer)?;
        let mut items: Vec<Value> = serde_json::from_value(answer["Items"].take())?;
        items.sort_by_key(|item| item["pk"].to_string() + &item["sk"].to_string());
        Ok(items)
    }

    /// Adds a fault, effective at once and with precedence over faults that were added earlier.
    pub fn fault(&self, fault: Fault) {
        self.proxy.faults.add(fault);
    }

    /// Delays, from now on, each request whose body contains `marker` followed by a number, before
    /// and after it takes effect, for up to `max_pause` each. The same number always gives the same
    /// pauses, so that a seed can be repeated.
    pub fn pause_requests_about(&self, marker: &str, max_pause: Duration) {
        self.proxy.jitter.plan(marker, max_pause);
    }

    /// Removes all faults and accepts connections again.
    pub fn heal(&self) {
        self.proxy.faults.clear();
        self.proxy.listening.send_replace(true);
    }

    /// Closes the port and every connection: new connections are refused.
    pub fn refuse_connections(&self) {
        self.proxy.listening.send_replace(false);
    }

    /// Returns every request that has reached the proxy so far.
    pub fn operations(&self) -> Vec<Operation> {
        self.proxy.operations.borrow().clone()
    }

    /// Returns the duration of the slowest request that no fault affected, as a measure of this
    /// machine's speed.
    pub fn slowest(&self) -> Duration {
        Duration::from_millis(self.proxy.slowest_ms.load(Ordering::SeqCst))
    }

    /// Waits until the proxy has received `count` requests of an operation whose body contains
    /// `about`.
    pub async fn wait_for_requests(
        &self,
        operation: &str,
        about: &str,
        count: usize,
    ) -> Result<()> {
        let mut operations = self.proxy.operations.subscribe();
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

impl Drop for Engine {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn listen() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn accept(listener: TcpListener, address: SocketAddr, proxy: Arc<Proxy>) {
    let mut open = Some(listener);
    let mut connections = JoinSet::new();
    let mut listening = proxy.listening.subscribe();
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
                let proxy = Arc::clone(&proxy);
                let service = service_fn(move |request| answer(Arc::clone(&proxy), request));
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

/// Completes when the port must be closed; returns `true` if the engine is gone and cannot open it
/// again.
async fn closing(listening: &mut watch::Receiver<bool>) -> bool {
    listening.wait_for(|on| !*on).await.is_err()
}

async fn answer(
    proxy: Arc<Proxy>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let forwarded = handle(&proxy, request).await;
    Ok(forwarded.unwrap_or_else(|error| json(StatusCode::BAD_GATEWAY, &error.to_string())))
}

async fn handle(proxy: &Proxy, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
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
    let behaviour = proxy.faults.next_behaviour(&operation);
    let [before, after] = proxy.jitter.pauses(&operation);
    proxy
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
            forward_later(sleep(pause), proxy.upstream, parts, body).await
        }
        Some(Behaviour::LoseAnswer) => {
            forward(proxy.upstream, parts, body).await?;
            Ok(json(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL_ERROR))
        }
        Some(Behaviour::Hold(gate)) => {
            gate.pass().await;
            forward(proxy.upstream, parts, body).await
        }
        Some(Behaviour::HoldAnswer(gate)) => {
            let answer = forward(proxy.upstream, parts, body).await;
            gate.pass().await;
            answer
        }
        Some(Behaviour::Late(gate)) => {
            forward_later(
                async move { gate.pass().await },
                proxy.upstream,
                parts,
                body,
            )
            .await
        }
        None => {
            // Only this path is measured: a fault delays requests by more than the machine does.
            sleep(before).await;
            let started = Instant::now();
            let forwarded = forward(proxy.upstream, parts, body).await?;
            let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            proxy.slowest_ms.fetch_max(took_ms, Ordering::SeqCst);
            sleep(after).await;
            Ok(forwarded)
        }
    }
}

/// Forwards a request after `wait` in a task of its own, so that a caller that disconnects does not
/// cancel it.
async fn forward_later(
    wait: impl Future<Output = ()> + Send + 'static,
    upstream: SocketAddr,
    parts: Parts,
    body: Bytes,
) -> Result<Response<Full<Bytes>>> {
    let forwarded = tokio::spawn(async move {
        wait.await;
        forward(upstream, parts, body).await
    });
    forwarded.await?
}

/// Forwards a request to the engine.
async fn forward(
    upstream: SocketAddr,
    mut parts: Parts,
    body: Bytes,
) -> Result<Response<Full<Bytes>>> {
    parts.uri = format!("http://{upstream}/").parse()?;
    let answer = http_client::fetch(Request::from_parts(parts, body)).await?;
    let (status, headers) = (answer.status, answer.headers.clone());
    let mut forwarded = Response::new(Full::new(answer.bytes().await?));
    *forwarded.status_mut() = status;
    *forwarded.headers_mut() = headers;
    Ok(forwarded)
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

/// Returns a string attribute of a raw item.
pub fn text<'a>(item: &'a Value, attribute: &str) -> Result<&'a str> {
    item[attribute]["S"]
        .as_str()
        .with_context(|| format!("no string {attribute} in {item}"))
}

/// Returns a number attribute of a raw item.
pub fn number(item: &Value, attribute: &str) -> Result<u64> {
    let number = item[attribute]["N"].as_str();
    Ok(number
        .with_context(|| format!("no number {attribute} in {item}"))?
        .parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn put(engine: &Engine, key: &str) -> Result<StatusCode> {
        let body =
            serde_json::json!({"TableName": TABLE, "Item": {"pk": {"S": key}, "sk": {"S": "-"}}});
        let request = Request::post(engine.url() + "/")
            .header("x-amz-target", "DynamoDB_20120810.PutItem")
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0")
            .header("x-amz-date", "20260101T000000Z");
        Ok(http_client::fetch(request.body(body.to_string().into())?)
            .await?
            .status)
    }

    #[tokio::test]
    async fn faults_affect_the_named_requests_the_given_number_of_times() {
        let engine = Engine::start().await.unwrap();
        engine.fault(Fault::of("PutItem", "\"b\"", Behaviour::Fail).times(1));
        assert_eq!(put(&engine, "a").await.unwrap(), StatusCode::OK);
        assert_eq!(
            put(&engine, "b").await.unwrap(),
            StatusCode::INTERNAL_SERVER_ERROR
        );
        assert_eq!(put(&engine, "b").await.unwrap(), StatusCode::OK);
        engine.fault(Fault::everything(Behaviour::Throttle));
        assert_eq!(put(&engine, "c").await.unwrap(), StatusCode::BAD_REQUEST);
        let keys: Vec<_> = engine
            .items()
            .unwrap()
            .iter()
            .map(|item| text(item, "pk").unwrap().to_owned())
            .collect();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!(engine.operations().len(), 4);
    }

    #[tokio::test]
    async fn an_engine_that_refuses_connections_can_be_healed() {
        let engine = Engine::start().await.unwrap();
        engine.refuse_connections();
        while put(&engine, "a").await.is_ok() {}
        engine.heal();
        while put(&engine, "a").await.is_err() {}
        assert_eq!(put(&engine, "a").await.unwrap(), StatusCode::OK);
    }
}
