//! Taking a begin back that the quota has condition_failed, as if it had never been.
//!
//! The refused message would else be the thread's last, and the one before it, sent again, would be
//! answered again. Only what the begin has written is restored, not the complete item: an older
//! turn may have added its totals meanwhile, and the user may have given the thread another title.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::attribute::{Item, condition_failed, string};
use crate::run::TurnKeys;
use crate::{Store, StoreError};

/// The attributes that the first write of a begin sets or removes, see [`super::write`], but for
/// the title, which is a matter of its own. It never touches `prev`.
const WRITTEN: [&str; 19] = [
    "createdAt",
    "lastActivityAt",
    "lastMsg",
    "lastHash",
    "model",
    "userSk",
    "asstSk",
    "streamId",
    "lease",
    "stopId",
    "doneId",
    "failedId",
    "question",
    "userCut",
    "cut",
    "continues",
    "recent",
    "deletedAt",
    "ttl",
];
/// The condition that the turn was not taken over from or ended, and its thread not deleted.
const UNTOUCHED: &str = "streamId = :stream AND attribute_not_exists(doneId) AND attribute_not_exists(failedId) \
     AND attribute_not_exists(deletedAt)";

impl Store {
    /// Makes the thread what it was `before` the turn began, which wrote `title` if there was none.
    /// `false`: something else has become of the turn.
    pub(super) async fn undo_begin(
        &self,
        keys: &TurnKeys,
        before: &Item,
        title: &str,
    ) -> Result<bool, StoreError> {
        // Some engines name the keys of an item that was not there.
        if before.keys().all(|name| name == "pk" || name == "sk") {
            self.undo_first_begin(keys).await
        } else {
            let own_title =
                Some(title).filter(|title| !title.is_empty() && !before.contains_key("title"));
            if own_title.is_some() && self.undo_later_begin(keys, before, own_title).await? {
                return Ok(true);
            }
            self.undo_later_begin(keys, before, None).await
        }
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

    /// With `own_title` only if the thread still has that, which is then removed.
    async fn undo_later_begin(
        &self,
        keys: &TurnKeys,
        before: &Item,
        own_title: Option<&str>,
    ) -> Result<bool, StoreError> {
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let mut request = self.client.update_item();
        let mut condition = UNTOUCHED.to_owned();
        if let Some(title) = own_title {
            remove.push("title".to_owned());
            condition.push_str(" AND title = :title");
            request = request.expression_attribute_values(":title", string(title));
        }
        for name in WRITTEN {
            request = request.expression_attribute_names(format!("#{name}"), name);
            match before.get(name) {
                Some(value) => {
                    set.push(format!("#{name} = :{name}"));
                    request =
                        request.expression_attribute_values(format!(":{name}"), value.clone());
                }
                None => remove.push(format!("#{name}")),
            }
        }
        let clauses = [("SET", set), ("REMOVE", remove)]
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(verb, names)| format!("{verb} {} ", names.join(", ")));
        let sent = request
            .table_name(&*self.table)
            .key("pk", string(&keys.0.thread_pk))
            .key("sk", string(&keys.0.thread_sk))
            .update_expression(format!(
                "{}ADD turns :minus_one",
                clauses.collect::<String>()
            ))
            .condition_expression(condition)
            .expression_attribute_values(":stream", string(keys.0.stream.as_str()))
            .expression_attribute_values(":minus_one", AttributeValue::N("-1".to_owned()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if condition_failed(&error).is_some() => Ok(false),
            Err(error) => Err(StoreError::of("UpdateItem", error)),
        }
    }
}
