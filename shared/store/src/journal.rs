//! The journal of a run: what its log held, piece by piece, for readers elsewhere and for recovery.
//!
//! Knows pieces, their order and their end. The content of the bytes does not matter here. A reader
//! accepts pieces without a gap only, and the end only when it has every piece before it, so that
//! it never sees what did not follow.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use message::{StreamId, ThreadId, UserId};

use crate::attribute::{self, DATA, Item, MAX_DATA_BYTES, number, string};
use crate::deflate::{deflate, inflate};
use crate::{Store, StoreError, keys};

/// The time that a journal is kept. The next request on the thread ends a turn that died, with what
/// its journal holds: a turn of the evening in the morning, one of Friday on Monday. Keeping costs
/// next to nothing, and expiry nothing at all.
const RETENTION_S: u64 = 7 * 24 * 60 * 60;
/// Below this, deflating saves no write unit.
const MAX_PLAIN_BYTES: usize = 900;
/// The sort key of a journal's end, after those of all pieces.
const END: &str = "~end";

/// The name of the journal of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalName {
    pk: String,
    prefix: String,
}

/// Something new in a run's log.
#[derive(Debug, Clone, Copy)]
pub struct JournalPiece<'a> {
    /// The journal it belongs to.
    pub journal: &'a JournalName,
    /// The value that the append before returned; 0 at first.
    pub index: u32,
    /// The bytes. A piece whose put failed is put again with the same bytes, since a reader may
    /// have seen it.
    pub bytes: &'a [u8],
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
}

/// The content of a journal from some piece on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    /// The bytes of those pieces, in order.
    pub bytes: Vec<u8>,
    /// The piece to read from next time.
    pub next: u32,
    /// True if these are the last bytes.
    pub ended: bool,
}

impl Store {
    /// Puts what is new in a log. Returns the index of what will come next: a large piece takes
    /// several.
    pub async fn append_journal(&self, piece: &JournalPiece<'_>) -> Result<u32, StoreError> {
        let mut index = piece.index;
        for bytes in piece.bytes.chunks(MAX_DATA_BYTES) {
            self.put_piece(piece, &format!("{index:06}"), bytes, None)
                .await?;
            index += 1;
        }
        Ok(index)
    }

    /// Puts the last of a log, which may be nothing, and that it is the last. May be repeated with
    /// the same bytes.
    pub async fn end_journal(&self, piece: &JournalPiece<'_>) -> Result<(), StoreError> {
        let last = piece
            .bytes
            .chunks(MAX_DATA_BYTES)
            .next_back()
            .unwrap_or_default();
        let before = &piece.bytes[..piece.bytes.len() - last.len()];
        let index = self
            .append_journal(&JournalPiece {
                bytes: before,
                ..*piece
            })
            .await?;
        self.put_piece(piece, END, last, Some(index)).await
    }

    /// Reads a journal from the piece `from` on, as far as there is no gap. Of a journal that is
    /// not there, nothing.
    pub async fn journal(
        &self,
        name: &JournalName,
        from: u32,
        consistent: bool,
    ) -> Result<Journal, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :end")
            .expression_attribute_values(":pk", string(&name.pk))
            .expression_attribute_values(":from", string(format!("{}{from:06}", name.prefix)))
            .expression_attribute_values(":end", string(format!("{}{END}", name.prefix)))
            .consistent_read(consistent)
            .into_paginator()
            .items()
            .send();
        let mut journal = Journal {
            next: from,
            ..Journal::default()
        };
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| StoreError::of("Query", error))?;
            if !journal.take(&item, &name.prefix)? {
                break;
            }
        }
        Ok(journal)
    }

    async fn put_piece(
        &self,
        piece: &JournalPiece<'_>,
        sk: &str,
        bytes: &[u8],
        count: Option<u32>,
    ) -> Result<(), StoreError> {
        let mut item: Item = HashMap::from([
            ("pk".to_owned(), string(&piece.journal.pk)),
            (
                "sk".to_owned(),
                string(format!("{}{sk}", piece.journal.prefix)),
            ),
            ("ttl".to_owned(), number(piece.now_ms / 1000 + RETENTION_S)),
        ]);
        let deflated = if bytes.len() > MAX_PLAIN_BYTES {
            deflate(bytes).await
        } else {
            Vec::new()
        };
        let data = if !deflated.is_empty() && deflated.len() < bytes.len() {
            item.insert("len".to_owned(), number(bytes.len() as u64));
            deflated
        } else {
            bytes.to_vec()
        };
        item.insert(DATA.to_owned(), AttributeValue::B(Blob::new(data)));
        item.extend(count.map(|count| ("n".to_owned(), number(u64::from(count)))));
        self.client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| StoreError::of("PutItem", error))
    }
}

impl JournalName {
    /// Returns the journal of the run `stream`, in a turn that began `at_ms`, in milliseconds since
    /// 1970.
    pub fn new(user: &UserId, thread: &ThreadId, stream: &StreamId, at_ms: u64) -> Self {
        Self::under(keys::journals(user, thread), stream, at_ms)
    }

    pub(crate) fn under(pk: String, stream: &StreamId, at_ms: u64) -> Self {
        Self {
            pk,
            prefix: keys::journal(at_ms, stream),
        }
    }
}

impl Journal {
    /// Takes the item if it follows, and says whether another may.
    fn take(&mut self, item: &Item, prefix: &str) -> Result<bool, StoreError> {
        let sk = attribute::text(item, "sk");
        let sk = sk.strip_prefix(prefix).unwrap_or_default();
        let follows = if sk == END {
            count(item, "n") == Some(self.next.into())
        } else {
            sk == format!("{:06}", self.next)
        };
        if !follows {
            return Ok(false);
        }
        self.bytes.extend(bytes_of(item)?);
        if sk == END {
            self.ended = true;
        } else {
            self.next += 1;
        }
        Ok(!self.ended)
    }
}

fn bytes_of(item: &Item) -> Result<Vec<u8>, StoreError> {
    let corrupt = |cause: crate::error::Cause| {
        StoreError::corrupt(
            &attribute::text(item, "pk"),
            &attribute::text(item, "sk"),
            cause,
        )
    };
    let Some(AttributeValue::B(data)) = item.get(DATA) else {
        return Err(corrupt("no bytes".into()));
    };
    match count(item, "len").and_then(|length| usize::try_from(length).ok()) {
        Some(length) => inflate(data.as_ref(), length).map_err(|error| corrupt(error.into())),
        None => Ok(data.as_ref().to_vec()),
    }
}

fn count(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
