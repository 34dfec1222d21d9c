//! A fresh, empty table on an engine.

use std::time::{Duration, SystemTime};

use store::{Client, ClientOptions, Store};
use testing::database::{self, Database};

pub(crate) struct Engine {
    pub(crate) endpoint: String,
    pub(crate) table: String,
    pub(crate) client: Client,
    pub(crate) store: Store,
    /// The embedded engine, which stops when it is dropped.
    database: Option<Database>,
}

impl Engine {
    async fn at(endpoint: String, table: String, database: Option<Database>) -> Self {
        let client = client(&endpoint).await;
        let store = Store::new(client.clone(), &table);
        Self {
            endpoint,
            table,
            client,
            store,
            database,
        }
    }

    /// Creates another fresh table on this engine.
    pub(crate) async fn another_table(&self, index: usize) -> Self {
        let table = format!("{}-{index}", self.table);
        database::create_table(&self.endpoint, &table)
            .await
            .unwrap();
        Self::at(self.endpoint.clone(), table, self.database.clone()).await
    }

    /// Returns the store as it looks through another endpoint, such as one that fails on purpose.
    pub(crate) async fn store_through(&self, endpoint: &str) -> Store {
        Store::new(client(endpoint).await, &self.table)
    }
}

/// Returns a client that does not wait long between attempts, but long for an engine on a busy
/// machine.
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
    let database = Database::start("chat").await.unwrap();
    let endpoint = database.endpoint().to_owned();
    Engine::at(endpoint, "chat".into(), Some(database)).await
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
    let table = format!("{case}-{}", now.as_micros());
    database::create_table(&endpoint, &table).await.unwrap();
    Some(Engine::at(endpoint, table, None).await)
}

/// Runs until the test's runtime ends.
#[expect(
    clippy::disallowed_methods,
    reason = "a server of the test ends with the test's runtime"
)]
pub(crate) fn detached(server: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(server);
}
