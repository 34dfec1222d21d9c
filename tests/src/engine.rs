//! DynamoDB on a loopback port: dynoxide, with a front that can throttle, fail, fall silent or be gone.
//! Knows DynamoDB's wire protocol as far as naming an operation goes; the table is described in `store`.

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
struct Front {
    behind: SocketAddr,
    faults: Faults,
    jitter: Jitter,
    operations: watch::Sender<Vec<Operation>>,
    listening: watch::Sender<bool>,
    /// The longest that a request has taken which no fault has struck, in milliseconds.
    slowest_ms: AtomicU64,
}

/// A DynamoDB with the table in it, empty. It stops when dropped.
pub struct Engine {
    address: SocketAddr,
    database: Database,
    store: Store,
    front: Arc<Front>,
    tasks: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Starts an engine in memory.
    pub async fn start() -> Result<Self> {
        let database = Database::memory()?;
        let (listener, behind) = listen().await?;
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let client = store::connect(&ClientOptions::local(&format!("http://{behind}"))).await?;
        store::create_table(&client, TABLE).await?;
        let front = Arc::new(Front {
            behind,
            faults: Faults::default(),
            jitter: Jitter::default(),
            operations: watch::Sender::new(Vec::new()),
            listening: watch::Sender::new(true),
            slowest_ms: AtomicU64::new(0),
        });
        let (listener, address) = listen().await?;
        let accept = tokio::spawn(accept(listener, address, Arc::clone(&front)));
        let store = Store::new(client, TABLE);
        Ok(Self {
            address,
            database,
            store,
            front,
            tasks: vec![server, accept],
        })
    }

    /// The value for `AWS_ENDPOINT_URL_DYNAMODB`. Leads through the front.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The product's own view of the table, past the front.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Every item of the table as DynamoDB JSON, ordered by key.
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

    /// From now on, and before faults that were named earlier.
    pub fn fault(&self, fault: Fault) {
        self.front.faults.add(fault);
    }

    /// From now on requests whose body holds `marker` and a number pause before and after they have their effect, each
    /// time for up to `most`: always the same for the same number, so that a seed can be run again.
    pub fn pause_requests_about(&self, marker: &str, most: Duration) {
        self.front.jitter.plan(marker, most);
    }

    /// Everything works again.
    pub fn heal(&self) {
        self.front.faults.clear();
        self.front.listening.send_replace(true);
    }

    /// Closes the port and every connection: whoever connects is refused.
    pub fn refuse_connections(&self) {
        self.front.listening.send_replace(false);
    }

    /// Every request that came to the front so far.
    pub fn operations(&self) -> Vec<Operation> {
        self.front.operations.borrow().clone()
    }

    /// The longest that a request has taken which no fault has struck: how slow this machine is.
    pub fn slowest(&self) -> Duration {
        Duration::from_millis(self.front.slowest_ms.load(Ordering::SeqCst))
    }

    /// Waits until the front has seen `count` requests of an operation whose body holds `about`.
    pub async fn wait_for_requests(
        &self,
        operation: &str,
        about: &str,
        count: usize,
    ) -> Result<()> {
        let mut operations = self.front.operations.subscribe();
        let enough = operations.wait_for(|all| {
            let alike = all
                .iter()
                .filter(|one| one.name == operation && one.body.contains(about));
            alike.count() >= count
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

async fn accept(listener: TcpListener, address: SocketAddr, front: Arc<Front>) {
    let mut open = Some(listener);
    let mut connections = JoinSet::new();
    let mut listening = front.listening.subscribe();
    loop {
        let Some(listener) = &open else {
            if listening.wait_for(|on| *on).await.is_err() {
                return;
            }
            open = TcpListener::bind(address).await.ok();
            continue;
        };
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let front = Arc::clone(&front);
                let service = service_fn(move |request| answer(Arc::clone(&front), request));
                connections.spawn(async move {
                    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                });
            }
            gone = closing(&mut listening) => {
                if gone {
                    return;
                }
                open = None;
                connections.shutdown().await;
            }
        }
    }
}

/// Returns whether there is nobody left to open it again.
async fn closing(listening: &mut watch::Receiver<bool>) -> bool {
    listening.wait_for(|on| !*on).await.is_err()
}

async fn answer(
    front: Arc<Front>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let passed = pass(&front, request).await;
    Ok(passed.unwrap_or_else(|error| json(StatusCode::BAD_GATEWAY, &error.to_string())))
}

async fn pass(front: &Front, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
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
    let behaviour = front.faults.strike(&operation);
    let [there, back] = front.jitter.pauses(&operation);
    front
        .operations
        .send_modify(|operations| operations.push(operation));
    match behaviour {
        Some(Behaviour::Throttle) => Ok(json(
            StatusCode::BAD_REQUEST,
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#,
        )),
        Some(Behaviour::Fail) => Ok(json(StatusCode::INTERNAL_SERVER_ERROR, ILL)),
        Some(Behaviour::Silence) => std::future::pending().await,
        Some(Behaviour::Delay(pause)) => later(sleep(pause), front.behind, parts, body).await,
        Some(Behaviour::LoseAnswer) => {
            forward(front.behind, parts, body).await?;
            Ok(json(StatusCode::INTERNAL_SERVER_ERROR, ILL))
        }
        Some(Behaviour::Hold(gate)) => {
            gate.pass().await;
            forward(front.behind, parts, body).await
        }
        Some(Behaviour::HoldAnswer(gate)) => {
            let answer = forward(front.behind, parts, body).await;
            gate.pass().await;
            answer
        }
        Some(Behaviour::Late(gate)) => {
            later(async move { gate.pass().await }, front.behind, parts, body).await
        }
        None => {
            sleep(there).await;
            let begun = Instant::now();
            let passed = forward(front.behind, parts, body).await?;
            let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            front.slowest_ms.fetch_max(took_ms, Ordering::SeqCst);
            sleep(back).await;
            Ok(passed)
        }
    }
}

/// Has a request carried out after `wait`, in a task of its own: a caller that leaves does not take it along.
async fn later(
    wait: impl Future<Output = ()> + Send + 'static,
    behind: SocketAddr,
    parts: Parts,
    body: Bytes,
) -> Result<Response<Full<Bytes>>> {
    let carried_out = tokio::spawn(async move {
        wait.await;
        forward(behind, parts, body).await
    });
    carried_out.await?
}

/// Has a request carried out by the engine behind the front.
async fn forward(
    behind: SocketAddr,
    mut parts: Parts,
    body: Bytes,
) -> Result<Response<Full<Bytes>>> {
    parts.uri = format!("http://{behind}/").parse()?;
    let answer = http_client::fetch(Request::from_parts(parts, body)).await?;
    let (status, headers) = (answer.status, answer.headers.clone());
    let mut passed = Response::new(Full::new(answer.bytes().await?));
    *passed.status_mut() = status;
    *passed.headers_mut() = headers;
    Ok(passed)
}

const ILL: &str =
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

/// A string attribute of a raw item.
pub fn text<'a>(item: &'a Value, attribute: &str) -> Result<&'a str> {
    item[attribute]["S"]
        .as_str()
        .with_context(|| format!("no string {attribute} in {item}"))
}

/// A number attribute of a raw item.
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
    async fn faults_hit_what_they_name_and_as_often_as_they_say() {
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
