//! The table as `template.yaml` describes it, read from there.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
const TABLE_TYPE: &str = "AWS::DynamoDB::Table";

/// The properties that CloudFormation and DynamoDB's `CreateTable` have in common. The rest
/// (protection, backups, throughput limits) means nothing on one machine and may hold
/// CloudFormation functions.
const COMMON: [&str; 4] = [
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
];

/// A description of the table: the requests that create it, as DynamoDB JSON.
#[derive(Debug, PartialEq)]
pub struct TableDescription {
    /// `CreateTable`.
    pub create: Value,
    /// `UpdateTimeToLive`, if the template names a TTL attribute.
    pub time_to_live: Option<Value>,
}

impl TableDescription {
    /// Describes the table of `template.yaml` under this name.
    ///
    /// # Errors
    /// The template cannot be read, or it does not hold exactly one table.
    pub fn from_template(name: &str) -> Result<Self> {
        Ok(describe(template_table()?.clone(), name))
    }

    /// Returns the table's name.
    pub fn name(&self) -> &str {
        self.create["TableName"].as_str().unwrap_or_default()
    }
}

/// Returns the properties of the template's table. It is parsed once, since most tests start a
/// database.
fn template_table() -> Result<&'static Map<String, Value>> {
    static TABLE: OnceLock<Map<String, Value>> = OnceLock::new();
    if let Some(table) = TABLE.get() {
        return Ok(table);
    }
    let text =
        std::fs::read_to_string(TEMPLATE).with_context(|| format!("{TEMPLATE} cannot be read"))?;
    let table = table_of(&text)?;
    Ok(TABLE.get_or_init(|| table))
}

#[derive(Deserialize)]
struct Template {
    #[serde(rename = "Resources")]
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "Properties", default)]
    properties: Map<String, Value>,
}

/// Returns the properties of the one table in the text of a template.
fn table_of(template: &str) -> Result<Map<String, Value>> {
    // `AttributeType: N` is the letter N, which older YAML takes for "no".
    let options = serde_saphyr::options! { strict_booleans: true };
    let template: Template = serde_saphyr::from_str_with_options(template, options)
        .context("template.yaml cannot be read")?;
    let mut tables = template
        .resources
        .into_values()
        .filter(|resource| resource.kind == TABLE_TYPE);
    let (Some(table), None) = (tables.next(), tables.next()) else {
        bail!("template.yaml should hold one resource of type {TABLE_TYPE}");
    };
    Ok(table.properties)
}

fn describe(mut properties: Map<String, Value>, name: &str) -> TableDescription {
    let mut create = json!({ "TableName": name, "BillingMode": "PAY_PER_REQUEST" });
    for key in COMMON {
        if let Some(value) = properties.remove(key) {
            create[key] = without_throughput(value);
        }
    }
    let time_to_live = properties.remove("TimeToLiveSpecification").map(
        |specification| json!({ "TableName": name, "TimeToLiveSpecification": specification }),
    );
    TableDescription {
        create,
        time_to_live,
    }
}

/// Indexes may carry throughput limits, which are parameters of the template.
fn without_throughput(mut value: Value) -> Value {
    for index in value.as_array_mut().into_iter().flatten() {
        if let Some(index) = index.as_object_mut() {
            index.retain(|key, _| !key.ends_with("Throughput"));
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  Chat:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Environment: {Variables: {TABLE_NAME: !Ref Table}}
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      TableName: !Sub '${AWS::StackName}-chat'
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: !If [Protected, true, false]
      AttributeDefinitions:
        - {AttributeName: pk, AttributeType: S}
        - {AttributeName: lastAt, AttributeType: N}
      KeySchema:
        - {AttributeName: pk, KeyType: HASH}
      GlobalSecondaryIndexes:
        - IndexName: byActivity
          KeySchema: [{AttributeName: lastAt, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
          OnDemandThroughput: {MaxReadRequestUnits: !Ref Limit}
      TimeToLiveSpecification: {AttributeName: ttl, Enabled: true}
";

    #[test]
    fn the_table_is_what_the_template_says() {
        let description = describe(table_of(TEMPLATE).unwrap(), "local");
        let expected = json!({
            "TableName": "local",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "lastAt", "AttributeType": "N" },
            ],
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "GlobalSecondaryIndexes": [{
                "IndexName": "byActivity",
                "KeySchema": [{ "AttributeName": "lastAt", "KeyType": "HASH" }],
                "Projection": { "ProjectionType": "ALL" },
            }],
        });
        assert_eq!(description.create, expected);
        let time_to_live = description.time_to_live.unwrap();
        assert_eq!(
            time_to_live["TimeToLiveSpecification"],
            json!({ "AttributeName": "ttl", "Enabled": true })
        );
    }

    #[test]
    fn a_template_without_exactly_one_table_is_refused() {
        let none = TEMPLATE.replace(TABLE_TYPE, "AWS::DynamoDB::GlobalTable");
        let two = format!("{TEMPLATE}  Second:\n    Type: {TABLE_TYPE}\n    Properties: {{}}\n");
        for (case, template) in [
            ("none", none.as_str()),
            ("two", two.as_str()),
            ("no template", "- a"),
        ] {
            assert!(table_of(template).is_err(), "{case}");
        }
    }
}
