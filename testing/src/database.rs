//! An embedded DynamoDB on a loopback port, with the table that `template.yaml` describes.
//!
//! Knows nothing about what the items mean.

mod fault;
mod jitter;
mod proxy;
mod remote;
mod rows;
mod table;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use fault::{Behaviour, Fault, Operation};
pub use proxy::FaultProxy;
pub use remote::create_table;
pub use rows::{number, text};
pub use table::TableDescription;

/// A running database with one table. Clones are the same database, which stops with the last one.
#[derive(Clone)]
pub struct Database {
    engine: dynoxide::Database,
    table: String,
    endpoint: String,
    _server: Arc<JoinSet<()>>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = formatter.debug_struct("Database");
        fields.field("endpoint", &self.endpoint);
        fields.finish_non_exhaustive()
    }
}

impl Database {
    /// Starts a database in memory, with the empty table under this name.
    ///
    /// # Errors
    /// The template cannot be read, or there is no free port.
    pub async fn start(table: &str) -> Result<Self> {
        let engine = dynoxide::Database::memory().map_err(refused)?;
        create(&engine, &TableDescription::from_template(table)?)?;
        Self::serve(engine, table).await
    }

    /// Opens the database in this file. A new file gets the empty table.
    ///
    /// # Errors
    /// The file or a port cannot be had.
    pub async fn open(file: &Path, table: &TableDescription) -> Result<Self> {
        let is_new = !file.exists();
        let path = file
            .to_str()
            .context("the path of the database is not UTF-8")?;
        let engine = dynoxide::Database::new(path)
            .map_err(refused)
            .with_context(|| format!("{path} cannot be opened"))?;
        if is_new {
            create(&engine, table)?;
        }
        Self::serve(engine, table.name()).await
    }

    async fn serve(engine: dynoxide::Database, table: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("no free port for the database")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let mut server = JoinSet::new();
        server.spawn(dynoxide::server::serve_on(listener, engine.clone()));
        Ok(Self {
            engine,
            table: table.to_owned(),
            endpoint,
            _server: Arc::new(server),
        })
    }

    /// Returns the value for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Puts one item, given as DynamoDB JSON.
    ///
    /// # Errors
    /// The engine refuses the item.
    pub fn put(&self, item: &Value) -> Result<()> {
        let put = request(json!({ "TableName": self.table, "Item": item }))?;
        self.engine
            .put_item(put)
            .map_err(refused)
            .context("the item cannot be put")?;
        Ok(())
    }
}

fn create(engine: &dynoxide::Database, table: &TableDescription) -> Result<()> {
    engine
        .create_table(request(table.create.clone())?)
        .map_err(refused)
        .context("the table cannot be made")?;
    if let Some(time_to_live) = &table.time_to_live {
        engine
            .update_time_to_live(request(time_to_live.clone())?)
            .map_err(refused)
            .context("TTL cannot be set")?;
    }
    Ok(())
}

fn request<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).context("the database engine does not understand the request")
}

fn refused(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the database engine says: {error}")
}
