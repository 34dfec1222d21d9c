//! Taking a begin back that the quota has refused, as if it had never been.
//!
//! The refused message would else be the thread's last, and the one before it, sent again, would be
//! answered again. Only what the begin has written is restored, not the complete item: an older
//! turn may have added its totals meanwhile, and the user may have given the thread another title.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;

use crate::attribute::{Item, string};
use crate::run::TurnKeys;
use crate::update::Update;
use crate::{Store, StoreError};

use super::PreparedBegin;
use super::plan::Plan;
use super::write::{begin_update, title_of};

/// The condition that the turn was not taken over from or ended, and its thread not deleted.
const UNTOUCHED: &str = "streamId = :stream AND attribute_not_exists(doneId) \
     AND attribute_not_exists(failedId) AND attribute_not_exists(deletedAt)";

impl Store {
    /// Makes the thread what it was `before` the turn began as planned. `false`: something else has
    /// become of the turn.
    pub(super) async fn undo_begin(
        &self,
        prepared: &PreparedBegin<'_>,
        plan: &Plan,
        keys: &TurnKeys,
        before: &Item,
    ) -> Result<bool, StoreError> {
        // Some engines name the keys of an item that was not there.
        if before.keys().all(|name| name == "pk" || name == "sk") {
            return self.undo_first_begin(keys).await;
        }
        let inverse = || Ok(begin_update(prepared, plan)?.inverse(before, "title"));
        // The title goes too if the begin wrote it, unless the user has set another since.
        let title = title_of(prepared.begin);
        if !title.is_empty() && !before.contains_key("title") {
            let update = inverse()?
                .remove("title")
                .condition("title = :title")
                .value(":title", string(title));
            if self.undo_later_begin(keys, update).await? {
                return Ok(true);
            }
        }
        self.undo_later_begin(keys, inverse()?).await
    }

    async fn undo_first_begin(&self, keys: &TurnKeys) -> Result<bool, StoreError> {
        let sent = self
            .client
            .delete_item()
            .table_name(&*self.table)
            .key("pk", string(&keys.0.thread_pk))
            .key("sk", string(&keys.0.thread_sk))
            .condition_expression(UNTOUCHED)
            .expression_attribute_values(":stream", string(keys.0.stream.as_str()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::of("DeleteItem", error)),
        }
    }

    async fn undo_later_begin(&self, keys: &TurnKeys, inverse: Update) -> Result<bool, StoreError> {
        let update = inverse
            .condition(UNTOUCHED)
            .value(":stream", string(keys.0.stream.as_str()));
        let updated = self
            .update(&keys.0.thread_pk, &keys.0.thread_sk, update)
            .await?;
        Ok(updated.is_applied())
    }
}
