//! Readers and writers that only tests need.

use message::{MessageId, ThreadId, UserId};

use crate::attribute::{number, string};
use crate::messages::path::Path;
use crate::messages::read::ReadBudget;
use crate::{DayUsage, History, Store, StoreError, StoredMessage, Thread, keys};

impl Store {
    /// Reads a thread of `user`, strongly consistent. `None`: this user has no such thread.
    pub async fn thread(
        &self,
        user: &UserId,
        thread: &ThreadId,
    ) -> Result<Option<Thread>, StoreError> {
        self.thread_item(user, thread)
            .await?
            .map(Thread::try_from)
            .transpose()
    }

    /// Reads the path that ends in `message`, newest first: an older branch, or a part of the
    /// current one. Of two messages with one id it is the later, but for one that went on from the
    /// other and came to nothing. A message that is not there ends no path.
    pub async fn branch(
        &self,
        user: &UserId,
        thread: &ThreadId,
        message: &MessageId,
        history: &History<'_>,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        if history.before.is_some() {
            return self.messages(user, thread, history).await;
        }
        match self
            .find_message(user, thread, message, None, history.consistent)
            .await?
        {
            Some(found) => {
                let mut budget = ReadBudget::new(history);
                let path = Path::ending_in(&found.sk);
                self.walk(&keys::messages(user, thread), path, history, &mut budget)
                    .await
            }
            None => Ok(Vec::new()),
        }
    }

    /// Returns the usage of `user` in the UTC day of `now_ms`. Eventually consistent.
    pub async fn usage(&self, user: &UserId, now_ms: u64) -> Result<DayUsage, StoreError> {
        self.day(&keys::user(user), &keys::day(&keys::date(now_ms)), false)
            .await
            .map(DayUsage::from)
    }

    /// Writes what better-auth would write on sign-in, for local runs and tests. `expires_at_s` is
    /// in seconds.
    pub async fn put_session(
        &self,
        key: &str,
        value: &str,
        expires_at_s: u64,
    ) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&*self.table)
            .item("pk", string(keys::session(key)))
            .item("sk", string(keys::ALONE))
            .item("v", string(value))
            .item("ttl", number(expires_at_s))
            .send()
            .await
            .map_err(|error| StoreError::of("PutItem", error))?;
        Ok(())
    }
}
