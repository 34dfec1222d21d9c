//! The stored items, read without a request and without the product's own code: as DynamoDB JSON,
//! and under one key as plain JSON.

use std::collections::HashMap;

use anyhow::{Context, Result};
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::types::AttributeValue;
use serde_json::{Map, Value};

use super::{Database, refused};

impl Database {
    /// Returns every item as DynamoDB JSON, ordered by key.
    ///
    /// # Errors
    /// The engine refuses the scan.
    pub fn items(&self) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = self.engine.scan(ScanRequest {
                table_name: self.table.clone(),
                exclusive_start_key: start,
                ..ScanRequest::default()
            });
            let page = page.map_err(refused)?;
            for item in page.items.unwrap_or_default() {
                items.push(serde_json::to_value(item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        items.sort_by_key(|item: &Value| (item["pk"].to_string(), item["sk"].to_string()));
        Ok(items)
    }

    /// Returns every item under `pk` in order, without attribute types: numbers as numbers, sets as
    /// sorted lists, binary as base64.
    ///
    /// # Errors
    /// The engine refuses the query.
    pub fn rows(&self, pk: &str) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut start: Option<HashMap<String, AttributeValue>> = None;
        loop {
            let key = HashMap::from([(":pk".to_owned(), AttributeValue::S(pk.to_owned()))]);
            let answer = self.engine.query(QueryRequest {
                table_name: self.table.clone(),
                key_condition_expression: Some("pk = :pk".to_owned()),
                expression_attribute_values: Some(key),
                scan_index_forward: true,
                consistent_read: Some(true),
                exclusive_start_key: start.take(),
                ..QueryRequest::default()
            });
            let mut answer = serde_json::to_value(answer.map_err(refused)?)?;
            let items: Vec<Value> = serde_json::from_value(answer["Items"].take())?;
            rows.extend(items.iter().map(plain_item));
            match answer["LastEvaluatedKey"].take() {
                Value::Null => return Ok(rows),
                key => start = Some(serde_json::from_value(key)?),
            }
        }
    }

    /// Returns the item under `pk` and `sk`.
    ///
    /// # Errors
    /// The engine refuses the query.
    pub fn row(&self, pk: &str, sk: &str) -> Result<Option<Value>> {
        Ok(self.rows(pk)?.into_iter().find(|row| row["sk"] == sk))
    }
}

/// Returns a string attribute of a raw item.
///
/// # Errors
/// The item has no such attribute.
pub fn text<'a>(item: &'a Value, attribute: &str) -> Result<&'a str> {
    item[attribute]["S"]
        .as_str()
        .with_context(|| format!("no string {attribute} in {item}"))
}

/// Returns a number attribute of a raw item.
///
/// # Errors
/// The item has no such attribute.
pub fn number(item: &Value, attribute: &str) -> Result<u64> {
    let number = item[attribute]["N"].as_str();
    Ok(number
        .with_context(|| format!("no number {attribute} in {item}"))?
        .parse()?)
}

fn plain_item(item: &Value) -> Value {
    let attributes = item.as_object().into_iter().flatten();
    Value::Object(
        attributes
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect::<Map<_, _>>(),
    )
}

fn plain(attribute: &Value) -> Value {
    let Some((kind, value)) = attribute
        .as_object()
        .and_then(|object| object.iter().next())
    else {
        return Value::Null;
    };
    match kind.as_str() {
        "N" => value
            .as_str()
            .and_then(|number| serde_json::from_str(number).ok())
            .unwrap_or_default(),
        "M" => plain_item(value),
        "L" => value.as_array().into_iter().flatten().map(plain).collect(),
        "SS" | "NS" | "BS" => {
            let mut members: Vec<Value> = value.as_array().cloned().unwrap_or_default();
            members.sort_by_key(Value::to_string);
            members.into()
        }
        "NULL" => Value::Null,
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attributes_lose_their_types_and_keep_their_values() {
        let item = json!({"pk": {"S": "U#a"}, "req": {"N": "3"}, "cost": {"N": "0.0012"}, "slots": {"SS": ["b", "a"]},
                          "prev": {"M": {"lease": {"N": "7"}}}, "list": {"L": [{"BOOL": true}]}, "d": {"B": "AQ=="}});
        let expected = json!({"pk": "U#a", "req": 3, "cost": 0.0012, "slots": ["a", "b"], "prev": {"lease": 7},
                              "list": [true], "d": "AQ=="});
        assert_eq!(plain_item(&item), expected);
    }
}
