//! Journals: pieces in order, without gaps, and their end.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use store::{Journal, JournalName, JournalPiece, Store, StoreError};

use crate::asking::{NOON, ask};
use crate::engine::Engine;
use crate::long_messages::noise;

/// A turn of Friday may be recovered on Monday, from its journal.
const WEEK_S: u64 = 7 * 24 * 60 * 60;

/// The key of its first piece.
const PIECE: &str = "4102444800000#s#000000";

struct Run(JournalName);

impl Run {
    fn new(stream: &str) -> Self {
        let run = ask("m", stream, NOON);
        Self(JournalName::new(&run.user, &run.thread, &run.stream, NOON))
    }

    fn piece<'a>(&'a self, index: u32, bytes: &'a [u8]) -> JournalPiece<'a> {
        JournalPiece {
            journal: &self.0,
            index,
            bytes,
            now_ms: NOON,
        }
    }

    async fn read(&self, store: &Store, from: u32) -> Journal {
        store.journal(&self.0, from, true).await.unwrap()
    }
}

fn journal(bytes: &[u8], next: u32, ended: bool) -> Journal {
    Journal {
        bytes: bytes.to_vec(),
        next,
        ended,
    }
}

pub(crate) async fn a_journal_is_followed_to_its_end(engine: &Engine) {
    let (run, store) = (Run::new("s"), &engine.store);
    assert_eq!(run.read(store, 0).await, journal(b"", 0, false), "none yet");
    assert_eq!(
        store.append_journal(&run.piece(0, b"one ")).await.unwrap(),
        1
    );
    assert_eq!(
        store.append_journal(&run.piece(1, b"two ")).await.unwrap(),
        2
    );
    assert_eq!(run.read(store, 0).await, journal(b"one two ", 2, false));
    assert_eq!(run.read(store, 2).await, journal(b"", 2, false));
    assert_eq!(
        store
            .append_journal(&run.piece(2, b"three "))
            .await
            .unwrap(),
        3
    );
    assert_eq!(run.read(store, 2).await, journal(b"three ", 3, false));
    store.end_journal(&run.piece(3, b"end")).await.unwrap();
    store.end_journal(&run.piece(3, b"end")).await.unwrap();
    assert_eq!(run.read(store, 3).await, journal(b"end", 3, true));
    assert_eq!(run.read(store, 1).await, journal(b"two three end", 3, true));
}

pub(crate) async fn a_journal_may_end_without_another_byte(engine: &Engine) {
    let (run, store) = (Run::new("s"), &engine.store);
    store.end_journal(&run.piece(0, b"")).await.unwrap();
    assert_eq!(run.read(store, 0).await, journal(b"", 0, true));
}

pub(crate) async fn nothing_after_a_gap_is_read(engine: &Engine) {
    let (run, store) = (Run::new("s"), &engine.store);
    store.append_journal(&run.piece(1, b"two ")).await.unwrap();
    store.end_journal(&run.piece(2, b"end")).await.unwrap();
    assert_eq!(
        run.read(store, 0).await,
        journal(b"", 0, false),
        "the first piece is missing"
    );
    store.append_journal(&run.piece(0, b"one ")).await.unwrap();
    assert_eq!(run.read(store, 0).await, journal(b"one two end", 2, true));

    let late = Run::new("late");
    store.append_journal(&late.piece(0, b"one ")).await.unwrap();
    store.end_journal(&late.piece(2, b"end")).await.unwrap();
    assert_eq!(
        late.read(store, 0).await,
        journal(b"one ", 1, false),
        "the last piece is missing"
    );
    assert_eq!(late.read(store, 1).await, journal(b"", 1, false));
}

pub(crate) async fn pieces_of_any_size_come_back_byte_for_byte(engine: &Engine) {
    let (run, store) = (Run::new("s"), &engine.store);
    let sizes = [
        (1, 1),
        (900, 1),
        (901, 1),
        (5_000, 1),
        (380_000, 1),
        (380_001, 2),
        (1_000_000, 3),
    ];
    let (mut index, mut expected) = (0, Vec::new());
    for (size, pieces) in sizes {
        let bytes = noise(size, size as u64).into_bytes();
        let next = store
            .append_journal(&run.piece(index, &bytes))
            .await
            .unwrap();
        assert_eq!(next - index, pieces, "{size} bytes");
        expected.extend(bytes);
        index = next;
    }
    let last = noise(800_000, 9).into_bytes();
    store.end_journal(&run.piece(index, &last)).await.unwrap();
    expected.extend(last);
    let read = run.read(store, 0).await;
    assert!(
        read.ended && read.next == index + 2,
        "{} of {}",
        read.next,
        index + 2
    );
    assert!(
        read.bytes == expected,
        "{} bytes came back as {}",
        expected.len(),
        read.bytes.len()
    );
}

pub(crate) async fn journals_of_two_runs_do_not_mix_and_run_out_after_a_week(engine: &Engine) {
    let (run, store) = (Run::new("s"), &engine.store);
    let other = Run::new("s2");
    store.append_journal(&run.piece(0, b"mine")).await.unwrap();
    store
        .append_journal(&other.piece(0, b"theirs"))
        .await
        .unwrap();
    assert_eq!(run.read(store, 0).await.bytes, b"mine");
    let items = engine
        .client
        .scan()
        .table_name(&engine.table)
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    for item in items {
        assert_eq!(
            item["ttl"].as_n().unwrap(),
            &(NOON / 1000 + WEEK_S).to_string()
        );
    }
}

pub(crate) async fn a_damaged_piece_is_an_error_that_names_it(engine: &Engine) {
    let (run, store) = (Run::new("s"), &engine.store);
    store
        .append_journal(&run.piece(0, noise(5_000, 1).as_bytes()))
        .await
        .unwrap();
    let key = HashMap::from(
        [("pk", "C#u#t"), ("sk", PIECE)]
            .map(|(k, v)| (k.to_owned(), AttributeValue::S(v.to_owned()))),
    );
    let damage = engine
        .client
        .update_item()
        .table_name(&engine.table)
        .set_key(Some(key));
    damage
        .update_expression("SET #len = :len")
        .expression_attribute_names("#len", "len")
        .expression_attribute_values(":len", AttributeValue::N("10".into()))
        .send()
        .await
        .unwrap();
    let error = store.journal(&run.0, 0, true).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }));
    assert_eq!(
        error.to_string(),
        format!("item C#u#t / {PIECE} is corrupt")
    );
}
