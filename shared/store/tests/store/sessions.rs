//! Reading better-auth's sessions.

use store::{ClientOptions, Store};

use crate::asking::NOON;
use crate::engine::Engine;
use crate::wire::{Step, Wire};

pub(crate) async fn a_session_is_there_until_it_runs_out(engine: &Engine) {
    let store = &engine.store;
    let expires_at_s = NOON / 1000;
    store
        .put_session("token", r#"{"user":"ä"}"#, expires_at_s)
        .await
        .unwrap();
    for (name, key, now_ms, expected) in [
        ("alive", "token", NOON - 1, Some(r#"{"user":"ä"}"#)),
        (
            "its last second",
            "token",
            NOON + 999,
            Some(r#"{"user":"ä"}"#),
        ),
        (
            "run out, though not removed yet",
            "token",
            NOON + 1_000,
            None,
        ),
        ("another key", "toke", NOON - 1, None),
    ] {
        assert_eq!(
            store.session_value(key, now_ms).await.unwrap().as_deref(),
            expected,
            "{name}"
        );
    }
    store
        .put_session("token", "renewed", expires_at_s + 60)
        .await
        .unwrap();
    assert_eq!(
        store
            .session_value("token", NOON + 1_000)
            .await
            .unwrap()
            .as_deref(),
        Some("renewed")
    );
}

pub(crate) async fn a_key_that_cannot_be_one_is_nobodys(engine: &Engine) {
    for length in [2_001, 1_000_000] {
        assert_eq!(
            engine
                .store
                .session_value(&"k".repeat(length), NOON)
                .await
                .unwrap(),
            None,
            "{length}"
        );
    }
}

#[tokio::test]
async fn a_session_too_young_for_an_ordinary_read_is_read_once_more() {
    let item = |value: &str, ttl: u64| {
        format!(r#"{{"Item":{{"v":{{"S":"{value}"}},"ttl":{{"N":"{ttl}"}}}}}}"#)
    };
    let live = item("value", NOON / 1000);
    for (name, first, second, expected, reads) in [
        (
            "found at once",
            live.clone(),
            String::new(),
            Some("value"),
            1,
        ),
        (
            "not there yet",
            "{}".to_owned(),
            live.clone(),
            Some("value"),
            2,
        ),
        ("not renewed yet", item("old", 1), live, Some("value"), 2),
        (
            "not there at all",
            "{}".to_owned(),
            "{}".to_owned(),
            None,
            2,
        ),
    ] {
        let wire = Wire::alone([Step::ok(&first), Step::ok(&second)]).await;
        let client = store::connect(&ClientOptions::local(&wire.endpoint))
            .await
            .unwrap();
        let found = Store::new(client, "chat")
            .session_value("token", NOON)
            .await
            .unwrap();
        assert_eq!(found.as_deref(), expected, "{name}");

        let consistent: Vec<_> = wire
            .bodies()
            .iter()
            .map(|body| body.contains(r#""ConsistentRead":true"#))
            .collect();
        assert_eq!(consistent, [false, true][..reads], "{name}");
    }
}
