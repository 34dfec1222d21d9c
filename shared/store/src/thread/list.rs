//! The list of a user's threads.
//!
//! It is read from the index `byActivity`, which follows the table within moments.

use std::fmt;
use std::str::FromStr;

use message::{ThreadId, UserId};
use serde::Deserialize;

use crate::attribute::{self, Item, number, string};
use crate::{Store, StoreError, keys};

/// A thread, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadSummary {
    /// Its id.
    pub id: ThreadId,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// The time at which its latest turn began, in milliseconds since 1970.
    pub last_activity_at_ms: u64,
}

/// A part of a user's list of threads, newest activity first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadPage {
    /// The threads.
    pub threads: Vec<ThreadSummary>,
    /// The position of the next page; `None` on the last.
    pub next: Option<ThreadCursor>,
}

/// A place in a user's list of threads: what comes after one thread. It names no user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadCursor {
    last_activity_at_ms: u64,
    thread: ThreadId,
}

impl fmt::Display for ThreadCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#{}", self.last_activity_at_ms, self.thread)
    }
}

impl FromStr for ThreadCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, thread) = text.split_once('#').ok_or(())?;
        let last_activity_at_ms = at.parse().map_err(|_| ())?;
        Ok(Self {
            last_activity_at_ms,
            thread: ThreadId::parse(thread).map_err(|_| ())?,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedThread {
    sk: String,
    #[serde(default)]
    title: Option<String>,
    last_activity_at: u64,
}

impl Store {
    /// Lists at most `limit` threads of `user`, after the place `after`.
    pub async fn threads(
        &self,
        user: &UserId,
        limit: usize,
        after: Option<&ThreadCursor>,
    ) -> Result<ThreadPage, StoreError> {
        let pk = keys::user(user);
        let answer = self
            .client
            .query()
            .table_name(&*self.table)
            .index_name("byActivity")
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(&pk))
            .scan_index_forward(false)
            // One more, to know whether there is one.
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(|cursor| cursor.key(&pk)))
            .send()
            .await
            .map_err(|error| StoreError::of("Query", error))?;
        let mut items = answer.items.unwrap_or_default();
        let has_more = items.len() > limit;
        items.truncate(limit);
        let threads = items
            .into_iter()
            .map(summary)
            .collect::<Result<Vec<_>, _>>()?;
        let next = threads
            .last()
            .filter(|_| has_more)
            .map(|last| ThreadCursor {
                last_activity_at_ms: last.last_activity_at_ms,
                thread: last.id.clone(),
            });
        Ok(ThreadPage { threads, next })
    }
}

impl ThreadCursor {
    /// Returns the place as the index has it, always among the threads of the user who asks.
    fn key(&self, pk: &str) -> Item {
        Item::from([
            ("pk".to_owned(), string(pk)),
            ("sk".to_owned(), string(keys::thread(&self.thread))),
            (
                "lastActivityAt".to_owned(),
                number(self.last_activity_at_ms),
            ),
        ])
    }
}

fn summary(item: Item) -> Result<ThreadSummary, StoreError> {
    let pk = attribute::text(&item, "pk");
    let listed: ListedThread = attribute::read(item)?;
    let id = listed
        .sk
        .strip_prefix("T#")
        .and_then(|id| ThreadId::parse(id).ok());
    let id = id.ok_or_else(|| StoreError::corrupt(&pk, &listed.sk, "invalid id in its key"))?;
    Ok(ThreadSummary {
        id,
        title: listed.title,
        last_activity_at_ms: listed.last_activity_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text_and_names_no_user() {
        let place = ThreadCursor {
            last_activity_at_ms: 7,
            thread: ThreadId::parse("a-b").unwrap(),
        };
        assert_eq!(place.to_string(), "7#a-b");
        assert_eq!("7#a-b".parse(), Ok(place.clone()));
        assert_eq!(place.key("U#alice")["pk"], string("U#alice"));
        for text in [
            "",
            "7",
            "7#",
            "#a",
            "x#a",
            "-1#a",
            "7#a#b",
            "7#a/b",
            "18446744073709551616#a",
        ] {
            assert!(text.parse::<ThreadCursor>().is_err(), "{text}");
        }
    }
}
