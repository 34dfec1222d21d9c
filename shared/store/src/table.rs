//! The table as the tests and local runs make it.
//!
//! On AWS the template makes it, with what a local engine does not have: recovery, protection,
//! limits.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};

use crate::StoreError;

const EVERY_FIELD_IS_SET: &str = "every required field is set";

/// Creates the table `name` on a local engine, where tables are ready at once. One that is there
/// already is left as it is. Engines without expiry of items are fine: readers check it themselves.
pub async fn create_table(client: &Client, name: &str) -> Result<(), StoreError> {
    let created = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .attribute_definitions(attribute("lastActivityAt", ScalarAttributeType::N))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(by_activity())
        .send()
        .await;
    match created {
        Ok(_) => expire_items(client, name).await,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(StoreError::of("CreateTable", error)),
    }
}

async fn expire_items(client: &Client, name: &str) -> Result<(), StoreError> {
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name("ttl")
        .enabled(true)
        .build();
    let sent = client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(ttl.expect(EVERY_FIELD_IS_SET))
        .send()
        .await;
    match sent.map_err(|error| StoreError::of("UpdateTimeToLive", error)) {
        Ok(_) | Err(StoreError::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn by_activity() -> GlobalSecondaryIndex {
    let projection = Projection::builder()
        .projection_type(ProjectionType::Include)
        .non_key_attributes("title")
        .build();
    GlobalSecondaryIndex::builder()
        .index_name("byActivity")
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("lastActivityAt", KeyType::Range))
        .projection(projection)
        .build()
        .expect(EVERY_FIELD_IS_SET)
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(kind)
        .build()
        .expect(EVERY_FIELD_IS_SET)
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
        .expect(EVERY_FIELD_IS_SET)
}
