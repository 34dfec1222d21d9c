//! The table on a database in another process, such as DynamoDB Local. Knows DynamoDB's protocol as
//! far as these two requests.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;

use super::table::TableDescription;
use crate::loopback;

/// The keys and the region of `store::ClientOptions::local`: DynamoDB Local keeps the tables of
/// others apart. It does not check the signature.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
    Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
    SignedHeaders=host;x-amz-date;x-amz-target, Signature=0";

/// Creates the table under this name, unless there is one.
///
/// # Errors
/// The template or the database cannot be had, or the database refuses the table.
pub async fn create_table(endpoint: &str, name: &str) -> Result<()> {
    let table = TableDescription::from_template(name)?;
    let (status, answer) = post(endpoint, "CreateTable", &table.create).await?;
    if answer.contains("ResourceInUseException") {
        return Ok(());
    }
    ensure!(status.is_success(), "CreateTable: {status}: {answer}");
    if let Some(time_to_live) = &table.time_to_live {
        let (status, answer) = post(endpoint, "UpdateTimeToLive", time_to_live).await?;
        // An engine without expiry of items is fine: readers check it themselves.
        ensure!(
            !status.is_server_error(),
            "UpdateTimeToLive: {status}: {answer}"
        );
    }
    Ok(())
}

async fn post(endpoint: &str, operation: &str, body: &Value) -> Result<(StatusCode, String)> {
    let authority = endpoint
        .strip_prefix("http://")
        .context("the database is not reached by plain HTTP")?;
    let request = Request::post("/")
        .header("host", authority)
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", AUTHORIZATION)
        .body(Full::new(Bytes::from(body.to_string())))?;
    let answer = loopback::send(authority, request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Database;

    #[tokio::test]
    async fn a_table_is_created_once_and_left_as_it_is() {
        let database = Database::start("one").await.unwrap();
        for name in ["one", "two", "two"] {
            create_table(database.endpoint(), name).await.unwrap();
        }
        let listed = post(database.endpoint(), "ListTables", &serde_json::json!({})).await;
        let tables: Value = serde_json::from_str(&listed.unwrap().1).unwrap();
        assert_eq!(tables["TableNames"], serde_json::json!(["one", "two"]));
    }
}
