//! A fresh, empty table on an engine.

use std::time::{Duration, SystemTime};

use dynoxide::Database;
use store::{Client, ClientOptions, Store};
use tokio::net::TcpListener;

pub(crate) struct Engine {
    pub(crate) endpoint: String,
    pub(crate) table: String,
    pub(crate) client: Client,
    pub(crate) store: Store,
}

impl Engine {
    async fn at(endpoint: String, table: String) -> Self {
        let client = client(&endpoint).await;
        store::create_table(&client, &table).await.unwrap();
        let store = Store::new(client.clone(), &table);
        Self {
            endpoint,
            table,
            client,
            store,
        }
    }

    /// Another fresh table on this engine.
    pub(crate) async fn another_table(&self, index: usize) -> Self {
        Self::at(self.endpoint.clone(), format!("{}-{index}", self.table)).await
    }

    /// The store as it looks through another endpoint, such as one that fails on purpose.
    pub(crate) async fn store_through(&self, endpoint: &str) -> Store {
        Store::new(client(endpoint).await, &self.table)
    }
}

/// A client that does not wait long between attempts, but long for an engine on a busy machine.
pub(crate) async fn client(endpoint: &str) -> Client {
    let options = ClientOptions {
        connect_timeout: Duration::from_secs(20),
        attempt_timeout: Duration::from_secs(60),
        operation_timeout: Duration::from_secs(60),
        first_backoff: Duration::from_millis(1),
        ..ClientOptions::local(endpoint)
    };
    store::connect(&options).await.unwrap()
}

pub(crate) async fn dynoxide() -> Engine {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    detached(dynoxide::server::serve_on(
        listener,
        Database::memory().unwrap(),
    ));
    Engine::at(endpoint, "chat".into()).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the engine to test against is named by whoever runs the tests"
)]
pub(crate) async fn dynamodb_local(case: &str) -> Option<Engine> {
    let Ok(endpoint) = std::env::var("DYNAMODB_LOCAL_ENDPOINT") else {
        println!("skipped: DYNAMODB_LOCAL_ENDPOINT is not set");
        return None;
    };
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    Some(Engine::at(endpoint, format!("{case}-{}", now.as_micros())).await)
}

/// Runs until the test's runtime ends.
#[expect(
    clippy::disallowed_methods,
    reason = "a server of the test ends with the test's runtime"
)]
pub(crate) fn detached(server: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(server);
}
