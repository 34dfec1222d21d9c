//! The embedded DynamoDB: its file, its endpoint, its table. Knows nothing about what the items
//! mean.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use dynoxide::Database;
use dynoxide::actions::scan::ScanRequest;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::net::TcpListener;

use super::table::{self, TableRequests};
use crate::workspace;

/// The name of the table on this machine.
pub(crate) const TABLE_NAME: &str = "sidekiq-dev";

/// A running engine with its table. Clones are the same engine.
#[derive(Clone)]
pub(crate) struct Engine {
    database: Database,
    endpoint: String,
}

impl Engine {
    /// Opens the file in `folder`, or makes it, and serves it on a free loopback port. A file made
    /// from an older description of the table is thrown away.
    ///
    /// # Errors
    /// The template, the file or the port cannot be had.
    pub(crate) async fn start(folder: &Path, fresh: bool) -> Result<Self> {
        let template = workspace::template();
        let text = std::fs::read_to_string(&template)
            .with_context(|| format!("{} cannot be read", template.display()))?;
        let database = open(folder, &table::requests(&text, TABLE_NAME)?, fresh)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("no free port for the database")?;
        let endpoint = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
        tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        Ok(Self { database, endpoint })
    }

    /// The value for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Puts one item, given in DynamoDB's JSON.
    ///
    /// # Errors
    /// The engine refuses it.
    pub(crate) fn put(&self, item: &Value) -> Result<()> {
        let put = request(serde_json::json!({ "TableName": TABLE_NAME, "Item": item }))?;
        self.database
            .put_item(put)
            .map_err(refused)
            .context("the item cannot be put")?;
        Ok(())
    }

    /// All items in the order of their keys, as plain JSON.
    ///
    /// # Errors
    /// The engine refuses to tell.
    pub(crate) fn items(&self) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let scan = ScanRequest {
                table_name: TABLE_NAME.to_owned(),
                exclusive_start_key: start,
                ..Default::default()
            };
            let page = self.database.scan(scan).map_err(refused)?;
            for item in page.items.unwrap_or_default() {
                items.push(plain_item(&serde_json::to_value(item)?));
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
        Ok(items)
    }
}

fn open(folder: &Path, requests: &TableRequests, fresh: bool) -> Result<Database> {
    let file = folder.join("table.sqlite");
    let description = folder.join("table.json");
    let wanted = serde_json::to_string_pretty(&requests.create)?;
    let is_current = std::fs::read_to_string(&description).is_ok_and(|found| found == wanted);
    if file.exists() && (fresh || !is_current) {
        eprintln!(
            "Beginning with an empty table{}.",
            if fresh {
                ""
            } else {
                ": template.yaml describes another one now"
            }
        );
    }
    if fresh || !is_current {
        for name in [
            "table.sqlite",
            "table.sqlite-wal",
            "table.sqlite-shm",
            "table.json",
        ] {
            let _ = std::fs::remove_file(folder.join(name));
        }
    }
    let path = file
        .to_str()
        .context("the path of the checkout is not UTF-8")?;
    let database = Database::new(path)
        .map_err(refused)
        .with_context(|| format!("{path} cannot be opened"))?;
    if !description.exists() {
        make_table(&database, requests)?;
        std::fs::write(&description, wanted)?;
    }
    Ok(database)
}

fn make_table(database: &Database, requests: &TableRequests) -> Result<()> {
    database
        .create_table(request(requests.create.clone())?)
        .map_err(refused)
        .context("the table cannot be made")?;
    if let Some(time_to_live) = &requests.time_to_live {
        database
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

fn plain_item(item: &Value) -> Value {
    let fields = item.as_object().into_iter().flatten();
    Value::Object(
        fields
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect::<Map<_, _>>(),
    )
}

/// `{"S":"a"}` as `"a"`, and so on. Binary values keep their type, since JSON has none for them.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|tagged| tagged.iter().next()) else {
        return value.clone();
    };
    match (kind.as_str(), inner) {
        ("S" | "BOOL" | "SS" | "NS", inner) => inner.clone(),
        ("N", Value::String(number)) => {
            serde_json::from_str(number).unwrap_or_else(|_| inner.clone())
        }
        ("NULL", _) => Value::Null,
        ("M", inner) => plain_item(inner),
        ("L", Value::Array(list)) => list.iter().map(plain).collect(),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    impl Engine {
        /// An engine without a file or an endpoint.
        pub(crate) fn in_memory() -> Self {
            let database = Database::memory().unwrap();
            make_table(&database, &description("sk")).unwrap();
            Self {
                database,
                endpoint: String::new(),
            }
        }
    }

    fn description(range: &str) -> TableRequests {
        let create = json!({
            "TableName": TABLE_NAME, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": range, "AttributeType": "S" },
            ],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" },
            ],
        });
        let time_to_live = json!({
            "TableName": TABLE_NAME, "TimeToLiveSpecification": { "AttributeName": "ttl", "Enabled": true },
        });
        TableRequests {
            create,
            time_to_live: Some(time_to_live),
        }
    }

    fn engine(folder: &Path, requests: &TableRequests, fresh: bool) -> Engine {
        Engine {
            database: open(folder, requests, fresh).unwrap(),
            endpoint: String::new(),
        }
    }

    #[test]
    fn items_stay_until_a_fresh_start_or_another_description() {
        let folder = std::env::temp_dir().join(format!("xtask-engine-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let item = json!({ "pk": { "S": "a" }, "sk": { "S": "b" }, "at": { "N": "12" } });
        let count = |requests: &TableRequests, fresh| {
            engine(&folder, requests, fresh).items().unwrap().len()
        };

        engine(&folder, &description("sk"), false)
            .put(&item)
            .unwrap();
        assert_eq!(count(&description("sk"), false), 1, "the same description");
        assert_eq!(count(&description("sk"), true), 0, "a fresh start");
        engine(&folder, &description("sk"), false)
            .put(&item)
            .unwrap();
        assert_eq!(
            count(&description("range"), false),
            0,
            "another description"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn items_are_shown_as_plain_json() {
        let item = json!({
            "pk": { "S": "a" }, "at": { "N": "12" }, "cost": { "N": "0.5" }, "aborted": { "BOOL": false },
            "none": { "NULL": true }, "usage": { "M": { "in": { "N": "3" } } }, "list": { "L": [{ "S": "x" }] },
            "parts": { "B": "AAE=" },
        });
        let expected = json!({
            "pk": "a", "at": 12, "cost": 0.5, "aborted": false, "none": null, "usage": { "in": 3 }, "list": ["x"],
            "parts": { "B": "AAE=" },
        });
        assert_eq!(plain_item(&item), expected);
    }
}
