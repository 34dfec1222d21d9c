//! Messages that do not fit one item.

use std::error::Error;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, json};
use store::{History, Status, StoreError, TurnOutcome, UserMessage};

use crate::asking::{ALL, LEASE, NOON, NOTHING_USED, ask, end, recover, text_parts};
use crate::engine::Engine;
use crate::messages::{answer, begun, history, metadata};
use crate::wire::{Step, Wire};

/// Returns `length` characters that deflate to about three quarters of it, as text does that is
/// random but for its alphabet.
pub(crate) fn noise(length: usize, seed: u64) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = seed | 1;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(alphabet[(state >> 40) as usize % alphabet.len()])
    });
    next.take(length).collect()
}

fn text_part(text: &str) -> String {
    format!(r#"[{{"type":"text","text":"{text}\ud800"}}]"#)
}

async fn continuations(engine: &Engine) -> Vec<(String, String)> {
    let mut pages = engine
        .client
        .scan()
        .table_name(&engine.table)
        .into_paginator()
        .items()
        .send();
    let mut keys = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item.unwrap();
        let key = (
            item["pk"].as_s().unwrap().clone(),
            item["sk"].as_s().unwrap().clone(),
        );
        keys.extend(key.1.contains("#~").then_some(key));
    }
    keys.sort();
    keys
}

pub(crate) async fn parts_of_any_size_come_back_byte_for_byte(engine: &Engine) {
    let metadata = metadata();
    let sizes = [
        ("nothing", String::new(), 0),
        ("one byte under a kilobyte", noise(1023, 1), 0),
        ("a kilobyte", noise(1024, 2), 0),
        ("one byte over a kilobyte", noise(1025, 3), 0),
        (
            "long but plain",
            text_part(&"all work and no play ".repeat(100_000)),
            0,
        ),
        ("nearly an item", noise(495_000, 4), 0),
        ("a little over an item", text_part(&noise(505_000, 5)), 2),
        ("two megabytes", text_part(&noise(2_000_000, 6)), 4),
        ("five megabytes", text_part(&noise(5_000_000, 7)), 10),
    ];
    let mut expected_pieces = 0;
    for (index, (name, parts, pieces)) in sizes.iter().enumerate() {
        let turn = ask(
            &format!("m{index}"),
            &format!("s{index}"),
            NOON + index as u64,
        );
        let turn = turn.begun(&engine.store).await;
        engine
            .store
            .put_answer(&turn.keys, &answer(parts, &metadata))
            .await
            .unwrap();
        engine
            .store
            .finish_turn(&turn.keys, TurnOutcome::Done, &NOTHING_USED)
            .await
            .unwrap();

        let newest = History { limit: 1, ..ALL };
        let ask = ask("m", "s", NOON);
        let read = engine
            .store
            .messages(&ask.user, &ask.thread, &newest)
            .await
            .unwrap();
        assert!(
            *read[0].parts == **parts,
            "{name}: {} bytes came back as {}",
            parts.len(),
            read[0].parts.len()
        );
        expected_pieces += pieces;
        assert_eq!(continuations(engine).await.len(), expected_pieces, "{name}");
    }
    let all = history(&engine.store).await;
    let lengths: Vec<_> = all
        .iter()
        .rev()
        .map(|message| message.parts.len())
        .collect();
    assert_eq!(
        lengths,
        sizes
            .iter()
            .map(|(_, parts, _)| parts.len())
            .collect::<Vec<_>>()
    );
}

pub(crate) async fn a_writer_that_died_leaves_nothing_to_see_and_may_try_again(engine: &Engine) {
    let turn = begun(&engine.store).await;
    engine
        .store
        .put_user_message(
            &turn.keys,
            &UserMessage {
                parts: "[]",
                created_at_ms: NOON,
            },
        )
        .await
        .unwrap();
    let (metadata, parts) = (metadata(), text_part(&noise(1_200_000, 1)));
    for survivors in 0..3 {
        let mut script = vec![Step::Forward; survivors];
        script.push(Step::error(400, "AccessDeniedException"));
        let wire = Wire::before(&engine.endpoint, script).await;
        let dying = engine.store_through(&wire.endpoint).await;
        assert!(
            dying
                .put_answer(&turn.keys, &answer(&parts, &metadata))
                .await
                .is_err()
        );

        assert_eq!(continuations(engine).await.len(), survivors);
        let ids: Vec<_> = history(&engine.store)
            .await
            .into_iter()
            .map(|message| message.id.to_string())
            .collect();
        assert_eq!(ids, ["m1"], "{survivors} continuations survived");
    }
    engine
        .store
        .put_answer(&turn.keys, &answer(&parts, &metadata))
        .await
        .unwrap();
    assert!(*history(&engine.store).await[0].parts == *parts);
}

pub(crate) async fn a_replacement_that_died_leaves_the_old_message_complete(engine: &Engine) {
    let turn = begun(&engine.store).await;
    let metadata = metadata();
    let new = text_part(&noise(1_200_000, 2));
    let open = ask("m1", "s1", NOON)
        .current(&engine.store)
        .await
        .open
        .unwrap();
    let old = noise(600_000, 1);
    recover(&engine.store, &open, &old, NOON + LEASE + 1).await;
    let old = text_parts(&old);

    let script = [
        Step::Forward,
        Step::Forward,
        Step::error(400, "AccessDeniedException"),
    ];
    let wire = Wire::before(&engine.endpoint, script).await;
    let dying = engine.store_through(&wire.endpoint).await;
    assert!(
        dying
            .put_answer(&turn.keys, &answer(&new, &metadata))
            .await
            .is_err()
    );
    assert!(*history(&engine.store).await[0].parts == *old);

    engine
        .store
        .put_answer(&turn.keys, &answer(&new, &metadata))
        .await
        .unwrap();
    let [only, _] = history(&engine.store).await.try_into().unwrap();
    assert!(*only.parts == *new);
    assert_eq!(only.status, Some(Status::Completed));
}

pub(crate) async fn a_long_message_among_others_is_one_message(engine: &Engine) {
    let mut expected = Vec::new();
    for (index, length) in [10, 900_000, 20, 600_000].into_iter().enumerate() {
        let turn = ask(
            &format!("m{index}"),
            &format!("s{index}"),
            NOON + index as u64,
        );
        let turn = turn.begun(&engine.store).await;
        let parts = noise(length, length as u64);
        engine
            .store
            .put_user_message(
                &turn.keys,
                &UserMessage {
                    parts: &parts,
                    created_at_ms: 0,
                },
            )
            .await
            .unwrap();
        end(&engine.store, &turn, "").await;
        expected.splice(0..0, [2, length]);
    }
    let ask = ask("m", "s", NOON);
    for limit in [1, 2, 3, 5, 8] {
        let mut lengths = Vec::new();
        let mut cursor = None;
        loop {
            let page = History {
                limit,
                before: cursor.as_ref(),
                consistent: false,
                max_bytes: None,
            };
            let page = engine
                .store
                .messages(&ask.user, &ask.thread, &page)
                .await
                .unwrap();
            lengths.extend(page.iter().map(|message| message.parts.len()));
            match page.last() {
                Some(last) => cursor = Some(last.cursor.clone()),
                None => break,
            }
        }
        assert_eq!(lengths, expected, "limit {limit}");
    }
}

pub(crate) async fn continuations_that_a_page_was_too_early_for_are_looked_up(engine: &Engine) {
    let turn = begun(&engine.store).await;
    let (metadata, parts) = (metadata(), noise(600_000, 1));
    engine
        .store
        .put_answer(&turn.keys, &answer(&parts, &metadata))
        .await
        .unwrap();

    let (pk, sk) = continuations(engine).await.swap_remove(0);
    let head = sk.split_once("#~").unwrap().0;
    let key = [("pk", pk.as_str()), ("sk", head)]
        .map(|(k, v)| (k.to_owned(), AttributeValue::S(v.to_owned())));
    let found = engine
        .client
        .get_item()
        .table_name(&engine.table)
        .set_key(Some(key.into()))
        .send()
        .await
        .unwrap();
    let attributes = found
        .item
        .unwrap()
        .into_iter()
        .filter_map(|(name, value)| match value {
            AttributeValue::S(text) => Some((name, json!({"S": text}))),
            AttributeValue::N(number) => Some((name, json!({"N": number}))),
            _ => None,
        });
    let early = json!({"Items": [attributes.collect::<Map<_, _>>()]}).to_string();

    let wire = Wire::before(&engine.endpoint, [Step::ok(&early), Step::Forward]).await;
    let [only] = history(&engine.store_through(&wire.endpoint).await)
        .await
        .try_into()
        .unwrap();
    assert!(*only.parts == *parts);
}

pub(crate) async fn damage_is_an_error_that_names_the_item(engine: &Engine) {
    let turn = begun(&engine.store).await;
    let metadata = metadata();
    engine
        .store
        .put_answer(&turn.keys, &answer(&noise(1_200_000, 1), &metadata))
        .await
        .unwrap();
    let (pk, sk) = continuations(engine).await.swap_remove(1);
    let key = |sk: &str| {
        [("pk", pk.clone()), ("sk", sk.to_owned())]
            .map(|(k, v)| (k.to_owned(), AttributeValue::S(v)))
    };

    let damaged = engine
        .client
        .put_item()
        .table_name(&engine.table)
        .set_item(Some(key(&sk).into()));
    damaged
        .item("d", AttributeValue::B(Blob::new(b"nothing")))
        .send()
        .await
        .unwrap();
    assert_corrupt(engine, &sk).await;

    let lost = engine
        .client
        .delete_item()
        .table_name(&engine.table)
        .set_key(Some(key(&sk).into()));
    lost.send().await.unwrap();
    assert_corrupt(engine, &sk).await;
}

async fn assert_corrupt(engine: &Engine, continuation: &str) {
    let ask = ask("m", "s", NOON);
    let error = engine
        .store
        .messages(&ask.user, &ask.thread, &ALL)
        .await
        .unwrap_err();
    let (head, _) = continuation.split_once("#~").unwrap();
    assert_eq!(error.to_string(), format!("item T#u#t / {head} is corrupt"));
    assert!(error.source().is_some());
    assert!(matches!(&error, StoreError::Corrupt { .. }) && !error.is_retryable());
}
