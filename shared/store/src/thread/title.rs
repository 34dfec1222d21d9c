//! Titles of threads: set by the user, or made by a model in the place of the one that a begin
//! wrote.
//!
//! # Made titles
//! The process that makes one leaves a mark in the thread and in the user's day first, the run's
//! name in the set `titling`, and removes both when it is done. What making it used is added in the
//! writes that remove the marks, so each of them counts once though it be repeated. A mark that is
//! never removed has no meaning and blocks nothing.
//!
//! The title itself is written only over the one that the begin wrote: a user who renames the
//! thread meanwhile wins.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use message::{ThreadId, UserId};

use crate::attribute::{self, condition_failed, number, set_of, string};
use crate::run::TurnKeys;
use crate::thread::item::ThreadItem;
use crate::thread::read::Thread;
use crate::usage::counters::TurnUsage;
use crate::{Store, StoreError, keys};

/// The turn's thread is there, and is not another of the same name.
const THREAD_EXISTS: &str = "createdAt <= :at AND attribute_not_exists(deletedAt)";
const IS_MARKED: &str = "contains(titling, :stream)";

impl Store {
    /// Gives a thread another title. `None`: this user has no such thread.
    pub async fn rename_thread(
        &self,
        user: &UserId,
        thread: &ThreadId,
        title: &str,
    ) -> Result<Option<Thread>, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&*self.table)
            .key("pk", string(keys::user(user)))
            .key("sk", string(keys::thread(thread)))
            .update_expression("SET title = :title")
            .condition_expression("attribute_exists(createdAt)")
            .expression_attribute_values(":title", string(title))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let thread: ThreadItem = attribute::read(answer.attributes.unwrap_or_default())?;
                Thread::try_from(thread).map(Some)
            }
            Err(error) if condition_failed(&error).is_some() => Ok(None),
            Err(error) => Err(StoreError::of("UpdateItem", error)),
        }
    }

    /// Notes that a title is being made for the turn's thread, if it still has the title `first`
    /// that its begin wrote, or none if that wrote none. `false`: it has another by now, or is
    /// gone.
    pub async fn begin_title(
        &self,
        keys: &TurnKeys,
        first: Option<&str>,
    ) -> Result<bool, StoreError> {
        let request = self
            .title_update(keys, first)
            .key("sk", string(&keys.0.thread_sk))
            .update_expression("ADD titling :titling")
            .condition_expression(format!("{THREAD_EXISTS} AND {}", title_condition(first)))
            .expression_attribute_values(":at", number(keys.0.at_ms));
        if !try_update(request).await? {
            return Ok(false);
        }
        let day = self.day_of(keys).update_expression("ADD titling :titling");
        // A day's item is never made here: it would stay for ever.
        try_update(day.condition_expression("attribute_exists(req)")).await?;
        Ok(true)
    }

    /// Gives the thread its `title`, if one was made and the user has not set another, and adds the
    /// usage of making it to the thread and to the user's day. `false`: it has kept the title that
    /// it had.
    pub async fn end_title(
        &self,
        keys: &TurnKeys,
        first: Option<&str>,
        title: Option<&str>,
        usage: &TurnUsage,
    ) -> Result<bool, StoreError> {
        let is_titled = match title {
            Some(title) => self.set_title(keys, first, title, usage).await?,
            None => false,
        };
        if !is_titled {
            let thread = self
                .title_update(keys, None)
                .key("sk", string(&keys.0.thread_sk));
            try_update(with_usage(
                thread,
                "DELETE titling :titling",
                IS_MARKED,
                keys,
                usage,
            ))
            .await?;
        }
        try_update(with_usage(
            self.day_of(keys),
            "DELETE titling :titling",
            IS_MARKED,
            keys,
            usage,
        ))
        .await?;
        Ok(is_titled)
    }

    async fn set_title(
        &self,
        keys: &TurnKeys,
        first: Option<&str>,
        title: &str,
        usage: &TurnUsage,
    ) -> Result<bool, StoreError> {
        let request = self
            .title_update(keys, first)
            .key("sk", string(&keys.0.thread_sk))
            .expression_attribute_values(":title", string(title));
        let condition = format!("{IS_MARKED} AND {}", title_condition(first));
        try_update(with_usage(
            request,
            "SET title = :title DELETE titling :titling",
            &condition,
            keys,
            usage,
        ))
        .await
    }

    /// An update under the user's key that names the run, and the title that is looked for.
    fn title_update(&self, keys: &TurnKeys, first: Option<&str>) -> UpdateItemFluentBuilder {
        let request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .key("pk", string(&keys.0.thread_pk))
            .expression_attribute_values(":titling", set_of(keys.0.stream.as_str()));
        match first {
            Some(first) => request.expression_attribute_values(":first", string(first)),
            None => request,
        }
    }

    /// The day in which the turn began.
    fn day_of(&self, keys: &TurnKeys) -> UpdateItemFluentBuilder {
        self.title_update(keys, None)
            .key("sk", string(keys::day(&keys::date(keys.0.at_ms))))
    }
}

fn title_condition(first: Option<&str>) -> &'static str {
    if first.is_some() {
        "title = :first"
    } else {
        "attribute_not_exists(title)"
    }
}

/// Returns the update with the usage added to it.
fn with_usage(
    mut request: UpdateItemFluentBuilder,
    update: &str,
    condition: &str,
    keys: &TurnKeys,
    usage: &TurnUsage,
) -> UpdateItemFluentBuilder {
    let (addition, values) = usage.addition();
    for (name, value) in values {
        request = request
            .expression_attribute_names(format!("#{name}"), &name)
            .expression_attribute_values(format!(":{name}"), value);
    }
    request
        .update_expression(format!("{update}{addition}"))
        .condition_expression(condition)
        .expression_attribute_values(":stream", string(keys.0.stream.as_str()))
}

/// True if the condition held.
async fn try_update(request: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
    match request.send().await {
        Ok(_) => Ok(true),
        Err(error) if condition_failed(&error).is_some() => Ok(false),
        Err(error) => Err(StoreError::of("UpdateItem", error)),
    }
}
