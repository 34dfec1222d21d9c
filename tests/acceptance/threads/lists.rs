//! Lists: threads, models, usage.

use acceptance::aws::{Function, RunMode};
use acceptance::client::requests::question;
use acceptance::world::{DEFAULT_MODEL, World};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{fetch_json, field_values, run_turn};

#[tokio::test]
async fn threads_are_listed_newest_first_over_plain_http() -> Result<()> {
    threads_are_listed_newest_first(RunMode::Plain).await
}

#[tokio::test]
async fn threads_are_listed_newest_first_in_an_environment_that_freezes() -> Result<()> {
    threads_are_listed_newest_first(RunMode::RuntimeApi).await
}

async fn threads_are_listed_newest_first(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads_in(mode, &world.variables()).await?;
    let (alice, bob) = (world.sign_in("alice").await?, world.sign_in("bob").await?);
    let none = fetch_json(threads.get("/api/threads", &alice)?).await?;
    ensure!(
        none == json!({ "threads": [], "nextCursor": null }),
        "{none}"
    );
    for thread in ["a", "b", "c", "d", "e"] {
        run_turn(&chat, &alice, thread, "m1").await?;
    }
    run_turn(&chat, &bob, "bobs", "m1").await?;
    run_turn(&chat, &alice, "b", "m2").await?;

    let complete = fetch_json(threads.get("/api/threads", &alice)?).await?;
    ensure!(
        field_values(&complete["threads"], "id") == ["b", "e", "d", "c", "a"],
        "{complete}"
    );
    ensure!(complete["nextCursor"].is_null(), "{complete}");
    ensure!(
        field_values(&complete["threads"], "title") == vec![question(); 5],
        "{complete}"
    );
    let times: Vec<_> = complete["threads"]
        .as_array()
        .context("a list")?
        .iter()
        .collect();
    ensure!(
        times
            .windows(2)
            .all(|two| two[0]["lastActivityAt"].as_u64() > two[1]["lastActivityAt"].as_u64())
    );

    let mut paged: Vec<String> = Vec::new();
    let mut query = "?limit=2".to_owned();
    for page in 1.. {
        let listed = fetch_json(threads.get(&format!("/api/threads{query}"), &alice)?).await?;
        paged.extend(
            field_values(&listed["threads"], "id")
                .into_iter()
                .map(str::to_owned),
        );
        let Some(cursor) = listed["nextCursor"].as_str() else {
            ensure!(page == 3, "{page} pages");
            break;
        };
        let bobs = fetch_json(threads.get(&format!("/api/threads?cursor={cursor}"), &bob)?).await?;
        ensure!(
            field_values(&bobs["threads"], "id")
                .iter()
                .all(|id| *id == "bobs"),
            "another's cursor: {bobs}"
        );
        query = format!("?limit=2&cursor={cursor}");
    }
    ensure!(
        paged == field_values(&complete["threads"], "id"),
        "{paged:?}"
    );
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn the_listed_models_are_those_that_chat_accepts() -> Result<()> {
    let world = World::new().await?;
    let alice = world.sign_in("alice").await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let built_in = fetch_json(threads.get("/api/models", &alice)?).await?;
    ensure!(built_in["default"] == DEFAULT_MODEL, "{built_in}");
    ensure!(
        field_values(&built_in["models"], "id").contains(&DEFAULT_MODEL),
        "{built_in}"
    );
    threads.stop().await?;

    let model = json!({
        "id": "acme/one", "name": "One", "provider": "Acme", "pricing_tier": "$", "speed_tier": "fast"
    });
    let variables = world.variables_with(&[("MODELS", &json!([model]).to_string())]);
    let threads = Function::start_threads(&variables).await?;
    let own = fetch_json(threads.get("/api/models", &alice)?).await?;
    ensure!(
        own == json!({ "models": [model], "default": "acme/one" }),
        "{own}"
    );
    threads.stop().await
}

#[tokio::test]
async fn usage_is_summed_for_the_day_and_the_month() -> Result<()> {
    let world = World::new().await?;
    let limits = [("MAX_TURNS_PER_DAY", "50")];
    let chat = Function::start_plain(&world.variables_with(&limits)).await?;
    let threads = Function::start_threads(&world.variables_with(&limits)).await?;
    let (alice, bob) = (world.sign_in("alice").await?, world.sign_in("bob").await?);
    run_turn(&chat, &alice, "a", "m1").await?;
    run_turn(&chat, &alice, "b", "m1").await?;

    let usage = fetch_json(threads.get("/api/usage", &alice)?).await?;
    let sums = |part: &Value| {
        json!([
            part["turns"],
            part["inputTokens"],
            part["outputTokens"],
            part["cachedTokens"],
            part["costUsd"]
        ])
    };
    let expected = json!([2, 24, 14, 0, null]);
    ensure!(
        sums(&usage["today"]) == expected && sums(&usage["month"]) == expected,
        "{usage}"
    );
    let (date, month) = (
        usage["today"]["date"].as_str(),
        usage["month"]["month"].as_str(),
    );
    ensure!(
        date.zip(month)
            .is_some_and(|(date, month)| date.starts_with(month) && date.len() == 10),
        "{usage}"
    );
    ensure!(
        usage["limits"] == json!({ "turnsPerDay": 50, "parallelTurns": null }),
        "{usage}"
    );
    let nothing = fetch_json(threads.get("/api/usage", &bob)?).await?;
    ensure!(
        sums(&nothing["today"]) == json!([0, 0, 0, 0, null]),
        "{nothing}"
    );
    chat.stop().await?;
    threads.stop().await
}
