//! Putting and reading messages of ordinary size.

use message::{
    AnswerMetadata, InputTokens, OutputTokens, Role, TokenUsage, UnifiedFinishReason, Usage,
};
use store::{Answer, BegunTurn, History, Status, Store, StoredMessage, UserMessage};

use crate::asking::{ALL, NOON, answered, ask};
use crate::engine::Engine;

pub(crate) fn metadata() -> AnswerMetadata {
    let input = InputTokens {
        total: Some(12),
        ..InputTokens::default()
    };
    let output = OutputTokens {
        total: Some(0),
        reasoning: Some(0),
        ..OutputTokens::default()
    };
    AnswerMetadata {
        usage: TokenUsage::reported(&Usage { input, output }),
        finish_reason: Some(UnifiedFinishReason::Stop),
        raw_finish_reason: Some("end_turn".to_owned()),
        latency_ms: Some(812),
        ttft_ms: Some(0),
        aborted: Some(false),
        ..AnswerMetadata::at_start("openai/gpt-4o", NOON + 7)
    }
}

pub(crate) async fn begun(store: &Store) -> BegunTurn {
    ask("m1", "s1", NOON).begun(store).await
}

pub(crate) fn answer<'a>(parts: &'a str, metadata: &'a AnswerMetadata) -> Answer<'a> {
    Answer {
        parts,
        status: Status::Completed,
        metadata,
    }
}

pub(crate) async fn history(store: &Store) -> Vec<StoredMessage> {
    let ask = ask("m1", "s1", NOON);
    store.messages(&ask.user, &ask.thread, &ALL).await.unwrap()
}

pub(crate) async fn a_turn_reads_back_as_it_was_put(engine: &Engine) {
    let turn = begun(&engine.store).await;
    let asked = r#"[{"type":"text","text":"half \ud83d, whole 😀"}]"#;
    engine
        .store
        .put_user_message(
            &turn.keys,
            &UserMessage {
                parts: asked,
                created_at_ms: NOON,
            },
        )
        .await
        .unwrap();
    let metadata = metadata();
    let answer_parts = r#"[ {"type":"text","text":"\udE00"} ]"#;
    engine
        .store
        .put_answer(&turn.keys, &answer(answer_parts, &metadata))
        .await
        .unwrap();

    let [answered, question] = history(&engine.store).await.try_into().unwrap();
    assert_eq!(
        (question.id.as_str(), question.role, &*question.parts),
        ("m1", Role::User, asked)
    );
    assert_eq!(
        (question.created_at_ms, question.status, question.metadata),
        (NOON, None, None)
    );
    assert_eq!(
        (answered.id.as_str(), answered.role, &*answered.parts),
        ("answer-s1", Role::Assistant, answer_parts)
    );
    assert_eq!(
        (answered.created_at_ms, answered.status),
        (NOON + 7, Some(Status::Completed))
    );
    assert_eq!(answered.model.as_deref(), Some("openai/gpt-4o"));
    assert_eq!(
        (answered.input_tokens, answered.output_tokens),
        (Some(12), Some(0))
    );
    assert_eq!(answered.metadata, Some(metadata));
}

pub(crate) async fn what_was_not_reported_is_absent(engine: &Engine) {
    let turn = begun(&engine.store).await;
    let silent = AnswerMetadata::at_start("openai/gpt-4o", NOON);
    engine
        .store
        .put_answer(&turn.keys, &answer("[]", &silent))
        .await
        .unwrap();

    let stored = &history(&engine.store).await[0];
    assert_eq!((stored.input_tokens, stored.output_tokens), (None, None));
    assert_eq!(stored.metadata.as_ref(), Some(&silent));
    let items = engine
        .client
        .scan()
        .table_name(&engine.table)
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    let item = items.iter().find(|item| item.contains_key("role")).unwrap();
    for name in ["inputTokens", "outputTokens", "len", "n", "crc"] {
        assert!(!item.contains_key(name), "{name}");
    }
    let mut described: Vec<_> = item["metadata"]
        .as_m()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    described.sort_unstable();
    assert_eq!(described, ["createdAt", "model"]);
}

pub(crate) async fn the_first_question_put_under_a_key_stays(engine: &Engine) {
    let turn = begun(&engine.store).await;
    for parts in ["[1]", "[2]"] {
        engine
            .store
            .put_user_message(
                &turn.keys,
                &UserMessage {
                    parts,
                    created_at_ms: NOON,
                },
            )
            .await
            .unwrap();
    }
    let messages = history(&engine.store).await;
    assert_eq!(
        messages
            .iter()
            .map(|message| &*message.parts)
            .collect::<Vec<_>>(),
        ["[1]"]
    );
}

pub(crate) async fn the_first_answer_put_under_a_key_stays(engine: &Engine) {
    let turn = begun(&engine.store).await;
    let metadata = metadata();
    for (put, status) in [
        ("[1]", Status::Interrupted),
        ("[2]", Status::Completed),
        ("[3]", Status::Stopped),
    ] {
        engine
            .store
            .put_answer(
                &turn.keys,
                &Answer {
                    status,
                    ..answer(put, &metadata)
                },
            )
            .await
            .unwrap();
        let messages = history(&engine.store).await;
        assert_eq!(
            messages
                .iter()
                .map(|message| &*message.parts)
                .collect::<Vec<_>>(),
            ["[1]"],
            "after {put}"
        );
    }
}

pub(crate) async fn pages_follow_each_other_without_gaps(engine: &Engine) {
    let mut expected = Vec::new();
    for index in 0..5 {
        let ask = ask(&format!("m{index}"), &format!("s{index}"), NOON + index);
        answered(&engine.store, &ask, "a").await;
        expected.splice(0..0, [format!("answer-s{index}"), format!("m{index}")]);
    }
    let ask = ask("m1", "s1", NOON);
    for (limit, consistent) in [(1, false), (3, true), (10, false), (11, true)] {
        let mut read: Vec<StoredMessage> = Vec::new();
        loop {
            let before = read.last().map(|message| &message.cursor);
            let page = History {
                limit,
                max_bytes: None,
                before,
                consistent,
            };
            let page = engine
                .store
                .messages(&ask.user, &ask.thread, &page)
                .await
                .unwrap();
            assert!(page.len() <= limit, "limit {limit}");
            if page.is_empty() {
                break;
            }
            read.extend(page);
        }
        let ids: Vec<_> = read.iter().map(|message| message.id.to_string()).collect();
        assert_eq!(ids, expected, "limit {limit}");
    }
}
