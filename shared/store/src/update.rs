//! Updates of one item: the clauses, the condition, and the names and values that they use.
//!
//! By hand, since the crate `dynamodb-expression`, which builds such expressions too, has had beta
//! releases only, and this is all that is needed of it.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use crate::attribute::{Item, string};
use crate::{Store, StoreError};

/// Attributes whose names DynamoDB reserves for its expressions.
const RESERVED: [&str; 3] = ["cost", "model", "ttl"];

/// An update of one item. The value of the attribute `name` is `:name` in its expressions, and
/// each value has to be used, or DynamoDB refuses the update.
#[derive(Debug, Default)]
pub(crate) struct Update {
    set: Vec<(&'static str, String)>,
    remove: Vec<&'static str>,
    add: Vec<&'static str>,
    delete: Vec<&'static str>,
    conditions: Vec<String>,
    values: HashMap<String, AttributeValue>,
    returned: Option<ReturnValue>,
}

/// The outcome of an update.
pub(crate) enum Updated {
    /// The item that was asked for with [`Update::returning`].
    Applied(Item),
    /// The condition failed. The item as it is, if one was asked for and there is one.
    ConditionFailed(Item),
}

impl Update {
    pub(crate) fn set(self, name: &'static str, value: AttributeValue) -> Self {
        let operand = format!(":{name}");
        self.named(name, value).set_to(name, operand)
    }

    /// Sets an attribute that is not there, and leaves one that is.
    pub(crate) fn set_if_absent(self, name: &'static str, value: AttributeValue) -> Self {
        let operand = format!("if_not_exists({name}, :{name})");
        self.named(name, value).set_to(name, operand)
    }

    /// Adds elements to the end of a list, which may not be there yet.
    pub(crate) fn append(self, name: &'static str, elements: Vec<AttributeValue>) -> Self {
        let operand = format!("list_append(if_not_exists({name}, :empty), :{name})");
        self.named(name, AttributeValue::L(elements))
            .value(":empty", AttributeValue::L(Vec::new()))
            .set_to(name, operand)
    }

    /// Sets an attribute to an operand: another attribute, or a value.
    pub(crate) fn set_to(mut self, name: &'static str, operand: impl Into<String>) -> Self {
        self.set.push((name, operand.into()));
        self
    }

    pub(crate) fn set_or_remove(self, name: &'static str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(name),
        }
    }

    pub(crate) fn remove(mut self, name: &'static str) -> Self {
        self.remove.push(name);
        self
    }

    /// Adds to a number, or elements to a set.
    pub(crate) fn add(mut self, name: &'static str, value: AttributeValue) -> Self {
        self.add.push(name);
        self.named(name, value)
    }

    /// Deletes elements of a set.
    pub(crate) fn delete(mut self, name: &'static str, elements: AttributeValue) -> Self {
        self.delete.push(name);
        self.named(name, elements)
    }

    /// Adds a condition. All of them must hold.
    pub(crate) fn condition(mut self, condition: impl Into<String>) -> Self {
        self.conditions.push(condition.into());
        self
    }

    /// Gives a value that conditions or operands use, by its complete name.
    pub(crate) fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// Asks for the item as the update finds or leaves it.
    pub(crate) fn returning(mut self, returned: ReturnValue) -> Self {
        self.returned = Some(returned);
        self
    }

    fn named(self, name: &str, value: AttributeValue) -> Self {
        self.value(&format!(":{name}"), value)
    }

    /// Returns the update that restores what this one writes, `except` for one attribute, in an
    /// item that was `before`. Numbers that were added are subtracted.
    pub(crate) fn inverse(&self, before: &Item, except: &str) -> Self {
        let set = self.set.iter().map(|(name, _)| *name);
        let restored = set
            .chain(self.remove.iter().copied())
            .filter(|name| *name != except)
            .fold(Self::default(), |inverse, name| {
                inverse.set_or_remove(name, before.get(name).cloned())
            });
        self.add.iter().fold(restored, |inverse, name| {
            match self.values.get(&format!(":{name}")) {
                Some(AttributeValue::N(number)) => inverse.add(name, negative(number)),
                _ => inverse,
            }
        })
    }

    pub(crate) fn expression(&self) -> String {
        let set = self
            .set
            .iter()
            .map(|(name, operand)| format!("{} = {operand}", alias(name)));
        let with_value = |name: &&'static str| format!("{} :{name}", alias(name));
        let clauses = [
            ("SET", set.collect()),
            (
                "REMOVE",
                self.remove.iter().map(|name| alias(name)).collect(),
            ),
            ("ADD", self.add.iter().map(with_value).collect()),
            ("DELETE", self.delete.iter().map(with_value).collect()),
        ];
        let clauses = clauses
            .into_iter()
            .filter(|(_, parts): &(_, Vec<String>)| !parts.is_empty())
            .map(|(verb, parts)| format!("{verb} {}", parts.join(", ")));
        clauses.collect::<Vec<_>>().join(" ")
    }

    fn condition_expression(&self) -> Option<String> {
        match &self.conditions[..] {
            [] => None,
            [condition] => Some(condition.clone()),
            conditions => Some(format!("({})", conditions.join(") AND ("))),
        }
    }

    fn aliases(&self) -> Option<HashMap<String, String>> {
        let set = self.set.iter().map(|(name, _)| name);
        let names = set.chain(&self.remove).chain(&self.add);
        let aliases: HashMap<_, _> = names
            .filter(|name| RESERVED.contains(name))
            .map(|name| (alias(name), (*name).to_owned()))
            .collect();
        (!aliases.is_empty()).then_some(aliases)
    }
}

fn alias(name: &str) -> String {
    if RESERVED.contains(&name) {
        format!("#{name}")
    } else {
        name.to_owned()
    }
}

fn negative(number: &str) -> AttributeValue {
    AttributeValue::N(match number.strip_prefix('-') {
        Some(positive) => positive.to_owned(),
        None => format!("-{number}"),
    })
}

impl Updated {
    pub(crate) fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }
}

impl Store {
    /// Applies an update to the item of these keys.
    pub(crate) async fn update(
        &self,
        pk: &str,
        sk: &str,
        update: Update,
    ) -> Result<Updated, StoreError> {
        let on_failure = update
            .returned
            .as_ref()
            .map(|_| ReturnValuesOnConditionCheckFailure::AllOld);
        let sent = self
            .client
            .update_item()
            .table_name(&*self.table)
            .key("pk", string(pk))
            .key("sk", string(sk))
            .update_expression(update.expression())
            .set_condition_expression(update.condition_expression())
            .set_expression_attribute_names(update.aliases())
            .set_return_values_on_condition_check_failure(on_failure)
            .set_expression_attribute_values(Some(update.values).filter(|all| !all.is_empty()))
            .set_return_values(update.returned)
            .send();
        // Boxed, because the SDK's future takes kilobytes of every future that updates an item.
        match Box::pin(sent).await {
            Ok(answer) => Ok(Updated::Applied(answer.attributes.unwrap_or_default())),
            Err(error) => match condition_failed(&error) {
                Some(item) => Ok(Updated::ConditionFailed(item)),
                None => Err(StoreError::of("UpdateItem", error)),
            },
        }
    }
}

/// Returns the item that failed the condition, if `error` reports that; empty if there is none or
/// it was not asked for.
fn condition_failed<R>(error: &SdkError<UpdateItemError, R>) -> Option<Item> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
            Some(failure.item.clone().unwrap_or_default())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::attribute::number;

    use super::*;

    #[test]
    fn an_inverse_restores_what_was_and_subtracts_what_was_added() {
        let update = Update::default()
            .set("model", string("new"))
            .set_if_absent("title", string("t"))
            .set_if_absent("createdAt", number(1))
            .remove("stopId")
            .remove("doneId")
            .add("turns", number(2));
        assert_eq!(
            update.expression(),
            "SET #model = :model, title = if_not_exists(title, :title), \
             createdAt = if_not_exists(createdAt, :createdAt) REMOVE stopId, doneId \
             ADD turns :turns"
        );
        let before = [("model", "old"), ("doneId", "s")];
        let before = before.map(|(name, value)| (name.to_owned(), string(value)));
        let inverse = update.inverse(&Item::from(before), "title");
        assert_eq!(
            inverse.expression(),
            "SET #model = :model, doneId = :doneId REMOVE createdAt, stopId ADD turns :turns"
        );
        assert_eq!(inverse.values[":model"], string("old"));
        assert_eq!(inverse.values[":turns"], AttributeValue::N("-2".to_owned()));
    }

    #[test]
    fn conditions_hold_together() {
        let update = Update::default().condition("a OR b");
        assert_eq!(update.condition_expression().as_deref(), Some("a OR b"));
        let both = update.condition("c").condition_expression();
        assert_eq!(both.as_deref(), Some("(a OR b) AND (c)"));
        assert_eq!(Update::default().condition_expression(), None);
    }
}
