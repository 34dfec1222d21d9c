//! The store: the table, and the client that reaches it.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;

use crate::StoreError;
use crate::attribute::{Item, string};

/// The table, and the client that reaches it. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) table: Arc<str>,
}

impl Store {
    /// Creates a store on `table` through `client`. Sends no request yet.
    pub fn new(client: Client, table: &str) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// Reads an item, strongly consistent.
    pub(crate) async fn get_consistent(
        &self,
        pk: &str,
        sk: &str,
    ) -> Result<Option<Item>, StoreError> {
        self.client
            .get_item()
            .table_name(&*self.table)
            .key("pk", string(pk))
            .key("sk", string(sk))
            .consistent_read(true)
            .send()
            .await
            .map(|answer| answer.item)
            .map_err(|error| StoreError::of("GetItem", error))
    }
}
