//! The database of a test: the embedded one, a proxy in front of it that can throttle, fail, stop
//! answering or refuse connections, and the product's own store.

use std::ops::Deref;

use anyhow::Result;
use serde_json::Value;
use store::{ClientOptions, Store};
use testing::database::{Database, FaultProxy};

pub use testing::database::{Behaviour, Fault, Operation, number, text};

/// The table's name.
pub const TABLE: &str = "sidekiq-acceptance";

/// A DynamoDB with the empty table, reached through the proxy. It stops when dropped.
#[derive(Debug)]
pub struct Engine {
    database: Database,
    proxy: FaultProxy,
    store: Store,
}

impl Engine {
    /// Starts an in-memory engine and the proxy.
    pub async fn start() -> Result<Self> {
        let database = Database::start(TABLE).await?;
        let proxy = FaultProxy::start(database.endpoint()).await?;
        let client = store::connect(&ClientOptions::local(database.endpoint())).await?;
        Ok(Self {
            database,
            proxy,
            store: Store::new(client, TABLE),
        })
    }

    /// Returns the product's own store on the table, which bypasses the proxy.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns every item of the table as DynamoDB JSON, ordered by key.
    pub fn items(&self) -> Result<Vec<Value>> {
        self.database.items()
    }

    /// Returns every item under `pk` as plain JSON, in order.
    pub fn rows(&self, pk: &str) -> Result<Vec<Value>> {
        self.database.rows(pk)
    }

    /// Returns the item under `pk` and `sk` as plain JSON.
    pub fn row(&self, pk: &str, sk: &str) -> Result<Option<Value>> {
        self.database.row(pk, sk)
    }
}

/// The proxy's own methods plan its faults and return the requests that have reached it.
impl Deref for Engine {
    type Target = FaultProxy;

    fn deref(&self) -> &FaultProxy {
        &self.proxy
    }
}
