//! The search for a message by its id.

use message::{MessageId, Role, ThreadId, UserId};
use serde::Deserialize;

use crate::attribute::{self, string};
use crate::messages::item::{PARTS, StoredRole};
use crate::messages::path;
use crate::{Store, StoreError, cursor, keys};

/// The key of a stored message, and what its path is cut at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct MessageRef {
    pub(crate) sk: String,
    #[serde(default)]
    pub(crate) cut: Option<String>,
}

impl MessageRef {
    /// Returns the cut of a message that replaces this one.
    pub(crate) fn bound(&self) -> String {
        cursor::bound(&self.sk, self.cut.as_deref()).to_owned()
    }
}

impl Store {
    /// Finds a message, the newest if its id was used twice; one without content only if there is
    /// no other.
    pub(crate) async fn find_message(
        &self,
        user: &UserId,
        thread: &ThreadId,
        message: &MessageId,
        role: Option<Role>,
        consistent: bool,
    ) -> Result<Option<MessageRef>, StoreError> {
        let mut request = self.client.query().filter_expression("id = :id");
        if let Some(role) = role {
            request = request
                .filter_expression("id = :id AND #role = :role")
                .expression_attribute_values(
                    ":role",
                    attribute::serialize(&StoredRole::from(role))?,
                );
        }
        let mut pages = request
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :first)")
            .projection_expression("sk, cut, #role, #status, #parts")
            .expression_attribute_names("#role", "role")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#parts", PARTS)
            .expression_attribute_values(":pk", string(keys::messages(user, thread)))
            .expression_attribute_values(":first", string(keys::FIRST_MESSAGE))
            .expression_attribute_values(":id", string(message.as_str()))
            .scan_index_forward(false)
            .consistent_read(consistent)
            .into_paginator()
            .items()
            .send();
        let mut nothing = None;
        while let Some(found) = pages.next().await {
            let found = found.map_err(|error| StoreError::of("Query", error))?;
            if !path::is_nothing(&found) {
                return attribute::read(found).map(Some);
            }
            nothing.get_or_insert(found);
        }
        nothing.map(attribute::read).transpose()
    }
}
