//! The cost of reading long lists, as the engine reports it.

use std::iter;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use message::{ThreadId, UserId};
use store::{Cursor, Pages, Store, ThreadCursor};

use crate::asking::NOON;
use crate::engine::Engine;
use crate::meter::{Meter, Units, sum};

const THREADS: u64 = 1_000;
const MESSAGES: u64 = 5_000;
const DELETED: u64 = 100;

type Row = Vec<(&'static str, AttributeValue)>;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

async fn put(engine: &Engine, rows: impl Iterator<Item = Row>) {
    let mut requests = rows.map(|row| {
        let item = row
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    });
    loop {
        let batch: Vec<_> = requests.by_ref().take(25).collect();
        if batch.is_empty() {
            return;
        }
        engine
            .client
            .batch_write_item()
            .request_items(&engine.table, batch)
            .send()
            .await
            .unwrap();
    }
}

fn thread(index: u64) -> Row {
    vec![
        ("pk", text("U#u")),
        ("sk", text(&format!("T#thread-with-an-id-{index:04}"))),
        ("title", text("A title of some forty characters or so.")),
        ("createdAt", number(NOON)),
        ("lastActivityAt", number(NOON + index)),
    ]
}

fn thread_to_delete() -> Row {
    vec![
        ("pk", text("U#u")),
        ("sk", text("T#d")),
        ("createdAt", number(NOON)),
        ("lastActivityAt", number(NOON + DELETED)),
    ]
}

/// Returns parts of about a kilobyte, as most messages have.
fn message_of(thread: &str, index: u64) -> Row {
    let role = ["user", "assistant"][index as usize % 2];
    vec![
        ("pk", text(&format!("T#u#{thread}"))),
        (
            "sk",
            text(&format!(
                "M#{:013}#{}#message-{index:05}",
                NOON + index / 2,
                index % 2
            )),
        ),
        ("id", text(&format!("message-{index:05}"))),
        ("role", text(role)),
        ("createdAt", number(NOON + index)),
        (
            "parts",
            text(&format!(
                r#"[{{"type":"text","text":"{}"}}]"#,
                "x".repeat(850)
            )),
        ),
    ]
}

/// Reads the lists to their ends, and says what a first page costs, and all.
pub(crate) async fn long_lists(engine: &Engine) -> Vec<(&'static str, Units)> {
    put(engine, (0..THREADS).map(thread)).await;
    put(engine, (0..MESSAGES).map(|index| message_of("t", index))).await;
    let meter = Meter::default();
    let store = meter.store(engine);
    let threads = threads(&store, &meter).await;
    let messages = messages(&store, &meter).await;
    let (user, id) = (UserId::parse("u").unwrap(), ThreadId::parse("d").unwrap());
    put(
        engine,
        iter::once(thread_to_delete()).chain((0..DELETED).map(|index| message_of("d", index))),
    )
    .await;
    meter.take();
    assert!(
        store
            .delete_thread(&user, &id, NOON + 2 * DELETED)
            .await
            .unwrap()
    );
    let deleted = meter.take();
    // What it reads differs from run to run on DynamoDB Local.
    assert!(
        deleted.writes == 103.0 && deleted.reads <= 30.0,
        "a delete of 100 messages: {deleted:?}"
    );
    vec![
        ("a page of 30 threads", threads[0]),
        ("1,000 threads, by pages of 30", sum(&threads)),
        ("a page of 100 messages of 1 KB", messages[0]),
        ("5,000 messages of 1 KB, by pages of 100", sum(&messages)),
    ]
}

async fn threads(store: &Store, meter: &Meter) -> Vec<Units> {
    let user = UserId::parse("u").unwrap();
    let (mut after, mut seen, mut costs) = (None::<ThreadCursor>, 0, Vec::new());
    loop {
        let page = store.threads(&user, 30, after.as_ref()).await.unwrap();
        costs.push(meter.take());
        let reads = costs[costs.len() - 1].reads;
        assert!(reads <= 1.0, "a page of 30 threads: {reads} read units");
        seen += page.threads.len();
        after = page.next;
        if after.is_none() {
            assert_eq!(seen as u64, THREADS);
            return costs;
        }
    }
}

async fn messages(store: &Store, meter: &Meter) -> Vec<Units> {
    let (user, id) = (UserId::parse("u").unwrap(), ThreadId::parse("t").unwrap());
    let (mut before, mut seen, mut costs) = (None::<Cursor>, 0, Vec::new());
    loop {
        let pages = Pages {
            limit: 100,
            max_bytes: 4_000_000,
            before: before.as_ref(),
            branch: None,
        };
        let page = store
            .message_page(&user, &id, &pages)
            .await
            .unwrap()
            .unwrap();
        costs.push(meter.take());
        let reads = costs[costs.len() - 1].reads;
        // 101 messages of a kilobyte, and never more than one more page of the engine.
        assert!(reads <= 30.0, "a page of 100 messages: {reads} read units");
        seen += page.messages.len();
        before = page.older;
        if before.is_none() {
            assert_eq!(seen as u64, MESSAGES);
            return costs;
        }
    }
}
