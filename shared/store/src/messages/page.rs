//! Messages of a thread in pages, as a list shows them: newest page first, and whether there is an
//! older one.

use message::{MessageId, Role, ThreadId, UserId};

use crate::cursor::Cursor;
use crate::messages::path::Path;
use crate::messages::read::ReadBudget;
use crate::{History, OpenTurn, Store, StoreError, StoredMessage, keys};

/// The selection of a page.
#[derive(Debug, Clone, Copy)]
pub struct Pages<'a> {
    /// At most so many messages.
    pub limit: usize,
    /// At most so many bytes of parts, but for one message that alone has more.
    pub max_bytes: usize,
    /// The cursor that the page ends before; `None`: the newest page.
    pub before: Option<&'a Cursor>,
    /// The message whose branch is read; `None`: the thread's current path.
    pub branch: Option<&'a MessageId>,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq)]
pub struct MessagePage {
    /// The messages, newest first.
    pub messages: Vec<StoredMessage>,
    /// The position of the older messages; `None` if there are none.
    pub older: Option<Cursor>,
}

impl OpenTurn {
    /// Returns the turn's question, if it is new and was kept: it is put while the model is called,
    /// and may not be among the messages yet.
    pub fn new_question(&self) -> Option<StoredMessage> {
        let run = self.run();
        let (asked_at_ms, id) = keys::parts_of(&run.user_sk)?;
        if asked_at_ms != self.began_at_ms() {
            return None;
        }
        Some(StoredMessage {
            id,
            role: Role::User,
            parts: self.inline_question()?.unpack().ok()?.into(),
            created_at_ms: asked_at_ms,
            model: None,
            status: None,
            input_tokens: None,
            output_tokens: None,
            metadata: None,
            cursor: Cursor::before(&run.user_sk, run.user_cut.as_deref()),
        })
    }
}

impl Store {
    /// Reads a page, strongly consistent. `None`: the message whose branch was asked for is not
    /// there.
    pub async fn message_page(
        &self,
        user: &UserId,
        thread: &ThreadId,
        pages: &Pages<'_>,
    ) -> Result<Option<MessagePage>, StoreError> {
        let path = match (pages.before, pages.branch) {
            (Some(cursor), _) => Path::before(&cursor.0),
            (None, Some(message)) => {
                match self.find_message(user, thread, message, None, true).await? {
                    Some(found) => Path::ending_in(&found.sk),
                    None => return Ok(None),
                }
            }
            (None, None) => Path::before(keys::LAST_MESSAGE),
        };
        let pk = keys::messages(user, thread);
        let mut page = self
            .page_of(&pk, path.clone(), pages.limit, Some(pages.max_bytes))
            .await?;
        if page.messages.is_empty() && page.older.is_some() {
            page = self.page_of(&pk, path, 1, None).await?;
        }
        Ok(Some(page))
    }

    async fn page_of(
        &self,
        pk: &str,
        path: Path,
        limit: usize,
        max_bytes: Option<usize>,
    ) -> Result<MessagePage, StoreError> {
        let end = Cursor::at(path.bound());
        // One more, to know whether there is one.
        let history = History {
            limit: limit.saturating_add(1),
            max_bytes,
            before: Some(&end),
            consistent: true,
        };
        let mut budget = ReadBudget::new(&history);
        let mut messages = self.walk(pk, path, &history, &mut budget).await?;
        let has_more = budget.is_full || messages.len() > limit;
        messages.truncate(limit);
        let last = messages.last().map(|message| message.cursor.clone());
        let older = has_more.then(|| last.unwrap_or(end));
        Ok(MessagePage { messages, older })
    }
}
