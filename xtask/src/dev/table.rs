//! The table as `template.yaml` describes it, read from there.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};

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

/// The requests that make the table, in DynamoDB's JSON.
#[derive(Debug, PartialEq)]
pub(crate) struct TableRequests {
    /// `CreateTable`.
    pub(crate) create: Value,
    /// `UpdateTimeToLive`, if the template names a TTL attribute.
    pub(crate) time_to_live: Option<Value>,
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

/// Derives the requests for a table of this name from the text of a template.
///
/// # Errors
/// The text is no template, or it does not hold exactly one table.
pub(crate) fn requests(template: &str, name: &str) -> Result<TableRequests> {
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
    let mut properties = table.properties;
    let mut create = json!({ "TableName": name, "BillingMode": "PAY_PER_REQUEST" });
    for key in COMMON {
        if let Some(value) = properties.remove(key) {
            create[key] = without_throughput(value);
        }
    }
    let time_to_live = properties.remove("TimeToLiveSpecification").map(
        |specification| json!({ "TableName": name, "TimeToLiveSpecification": specification }),
    );
    Ok(TableRequests {
        create,
        time_to_live,
    })
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
        let requests = requests(TEMPLATE, "local").unwrap();
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
        assert_eq!(requests.create, expected);
        let time_to_live = requests.time_to_live.unwrap();
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
            assert!(requests(template, "local").is_err(), "{case}");
        }
    }
}
