//! The items under one key as plain JSON, read without the proxy and without the product's own
//! code.

use std::collections::HashMap;

use anyhow::{Result, anyhow};
use dynoxide::actions::query::QueryRequest;
use dynoxide::types::AttributeValue;
use serde_json::{Map, Value};

use super::{Engine, TABLE};

impl Engine {
    /// Returns every item under `pk` in order, without attribute types: numbers as numbers, sets as
    /// sorted lists, binary as base64.
    pub fn rows(&self, pk: &str) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut start: Option<HashMap<String, AttributeValue>> = None;
        loop {
            let key = HashMap::from([(":pk".to_owned(), AttributeValue::S(pk.to_owned()))]);
            let answer = self.database.query(QueryRequest {
                table_name: TABLE.to_owned(),
                key_condition_expression: Some("pk = :pk".to_owned()),
                expression_attribute_values: Some(key),
                scan_index_forward: true,
                consistent_read: Some(true),
                exclusive_start_key: start.take(),
                ..QueryRequest::default()
            });
            let mut answer = serde_json::to_value(answer.map_err(|error| anyhow!("{error:?}"))?)?;
            let items: Vec<Value> = serde_json::from_value(answer["Items"].take())?;
            rows.extend(items.iter().map(plain_item));
            match answer["LastEvaluatedKey"].take() {
                Value::Null => return Ok(rows),
                key => start = Some(serde_json::from_value(key)?),
            }
        }
    }

    /// Returns the item under `pk` and `sk`.
    pub fn row(&self, pk: &str, sk: &str) -> Result<Option<Value>> {
        Ok(self.rows(pk)?.into_iter().find(|row| row["sk"] == sk))
    }
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
