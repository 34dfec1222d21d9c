//! What it costs to read long lists, by the engine's own account.

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use message::{ThreadId, UserId};
use store::{Cursor, Pages, ThreadCursor};

use crate::asking::NOON;
use crate::engine::Engine;
use crate::meter::Meter;

const THREADS: u64 = 1_000;
const MESSAGES: u64 = 5_000;

type Row = Vec<(&'static str, AttributeValue)>;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

async fn put(engine: &Engine, rows: impl Iterator<Item = Row>) {
    let mut requests = rows.map(|row| {
        let item = row.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    });
    loop {
        let batch: Vec<_> = requests.by_ref().take(25).collect();
        if batch.is_empty() {
            return;
        }
        engine.client.batch_write_item().request_items(&engine.table, batch).send().await.unwrap();
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

/// About a kilobyte each, as most messages have.
fn message(index: u64) -> Row {
    let role = ["user", "assistant"][index as usize % 2];
    vec![
        ("pk", text("T#u#t")),
        ("sk", text(&format!("M#{:013}#{}#message-{index:05}", NOON + index / 2, index % 2))),
        ("id", text(&format!("message-{index:05}"))),
        ("role", text(role)),
        ("createdAt", number(NOON + index)),
        ("parts", text(&format!(r#"[{{"type":"text","text":"{}"}}]"#, "x".repeat(850)))),
    ]
}

pub(crate) async fn pages_of_long_lists_cost_what_they_hold(engine: &Engine) {
    put(engine, (0..THREADS).map(thread)).await;
    put(engine, (0..MESSAGES).map(message)).await;
    let (user, id) = (UserId::parse("u").unwrap(), ThreadId::parse("t").unwrap());
    let meter = Meter::default();
    let store = meter.store(engine);

    let (mut after, mut seen, mut all) = (None::<ThreadCursor>, 0, 0.0);
    loop {
        let page = store.threads(&user, 30, after.as_ref()).await.unwrap();
        let reads = meter.take().reads;
        assert!(reads <= 1.0, "a page of 30 threads: {reads} read units");
        if seen == 0 {
            println!("a page of 30 threads: {reads} read units");
        }
        seen += page.threads.len();
        all += reads;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    println!("{seen} threads by pages of 30: {all} read units");
    assert_eq!(seen as u64, THREADS);

    let (mut before, mut seen, mut all) = (None::<Cursor>, 0, 0.0);
    loop {
        let pages = Pages { limit: 100, max_bytes: 4_000_000, before: before.as_ref(), branch: None };
        let page = store.message_page(&user, &id, &pages).await.unwrap().unwrap();
        let reads = meter.take().reads;
        // 101 messages of a kilobyte, and never more than one more page of the engine.
        assert!(reads <= 30.0, "a page of 100 messages: {reads} read units");
        if seen == 0 {
            println!("a page of 100 messages: {reads} read units");
        }
        seen += page.messages.len();
        all += reads;
        before = page.older;
        if before.is_none() {
            break;
        }
    }
    println!("{seen} messages by pages of 100: {all} read units");
    assert_eq!(seen as u64, MESSAGES);
}
