//! The embedded DynamoDB: its file, and its items for people. Knows nothing about what the items
//! mean.

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value};
use testing::database::{Database, TableDescription};

/// The name of the table on this machine.
pub(crate) const TABLE_NAME: &str = "sidekiq-dev";

/// A running engine with its table. Clones are the same engine.
#[derive(Clone)]
pub(crate) struct Engine(Database);

impl Engine {
    /// Opens the file in `folder`, or makes it, and serves it on a free loopback port. A file made
    /// from an older description of the table is thrown away.
    ///
    /// # Errors
    /// The template, the file or the port cannot be had.
    pub(crate) async fn start(folder: &Path, fresh: bool) -> Result<Self> {
        let table = TableDescription::from_template(TABLE_NAME)?;
        Ok(Self(open(folder, &table, fresh).await?))
    }

    /// Returns the value for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub(crate) fn endpoint(&self) -> &str {
        self.0.endpoint()
    }

    /// Puts one item, given in DynamoDB's JSON.
    ///
    /// # Errors
    /// The engine refuses it.
    pub(crate) fn put(&self, item: &Value) -> Result<()> {
        self.0.put(item)
    }

    /// Returns all items in the order of their keys, as plain JSON.
    ///
    /// # Errors
    /// The engine refuses to tell.
    pub(crate) fn items(&self) -> Result<Vec<Value>> {
        Ok(self.0.items()?.iter().map(plain_item).collect())
    }
}

async fn open(folder: &Path, table: &TableDescription, fresh: bool) -> Result<Database> {
    let file = folder.join("table.sqlite");
    let description = folder.join("table.json");
    let wanted = serde_json::to_string_pretty(&table.create)?;
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
    let database = Database::open(&file, table).await?;
    if !description.exists() {
        std::fs::write(&description, wanted)?;
    }
    Ok(database)
}

fn plain_item(item: &Value) -> Value {
    let fields = item.as_object().into_iter().flatten();
    Value::Object(
        fields
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect::<Map<_, _>>(),
    )
}

/// Returns `{"S":"a"}` as `"a"`, and so on. Binary values keep their type, since JSON has none for
/// them.
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
        /// Returns an engine without a file.
        pub(crate) async fn in_memory() -> Self {
            Self(Database::start(TABLE_NAME).await.unwrap())
        }
    }

    fn description(range: &str) -> TableDescription {
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
        TableDescription {
            create,
            time_to_live: Some(time_to_live),
        }
    }

    async fn engine(folder: &Path, table: &TableDescription, fresh: bool) -> Engine {
        Engine(open(folder, table, fresh).await.unwrap())
    }

    #[tokio::test]
    async fn items_stay_until_a_fresh_start_or_another_description() {
        let folder = std::env::temp_dir().join(format!("xtask-engine-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let item = json!({ "pk": { "S": "a" }, "sk": { "S": "b" }, "at": { "N": "12" } });
        let count = async |table: &TableDescription, fresh| {
            let engine = engine(&folder, table, fresh).await;
            engine.items().unwrap().len()
        };

        let first = engine(&folder, &description("sk"), false).await;
        first.put(&item).unwrap();
        drop(first);
        assert_eq!(
            count(&description("sk"), false).await,
            1,
            "the same description"
        );
        assert_eq!(count(&description("sk"), true).await, 0, "a fresh start");
        let again = engine(&folder, &description("sk"), false).await;
        again.put(&item).unwrap();
        drop(again);
        assert_eq!(
            count(&description("range"), false).await,
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
