//! `cargo xtask dev`, as a newcomer uses it.

use std::collections::BTreeMap;

use acceptance::browser::{Browser, answer, button, conversation};
use acceptance::client::ai_sdk::{ChatRequest, Client};
use acceptance::http_client::fetch;
use acceptance::process::binary::{chat_binary, threads_binary, xtask_binary};
use acceptance::process::{Process, Variables, descendants, live_processes};
use acceptance::tools;
use acceptance::wait::BUILD_TIMEOUT;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use rustix::process::Signal;
use serde_json::Value;

#[tokio::test]
async fn the_real_client_holds_a_conversation_with_cargo_xtask_dev() -> Result<()> {
    if tools::cargo_lambda().is_none() {
        tools::report_skipped("cargo xtask dev", "cargo-lambda");
        return Ok(());
    }
    let Some(mut client) = Client::start()? else {
        return Ok(());
    };
    // Built beforehand, so that no step waits for a compiler.
    chat_binary().await?;
    threads_binary().await?;
    let mut dev = Process::start_tool(
        &xtask_binary().await?,
        &["dev", "--json"],
        &Variables::new(),
    )?;
    let report = |line: &str| {
        serde_json::from_str::<Value>(line)
            .ok()
            .filter(|line| line["url"].is_string())
    };
    let report = dev
        .logs
        .find_within(BUILD_TIMEOUT, "what dev has to report", report)
        .await?;
    let reported = |name: &str| {
        report[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("no {name} in {report}"))
    };

    // The table outlives the run, so each run uses a thread of its own.
    let thread = format!("acceptance-{}", std::process::id());
    let headers = BTreeMap::from([
        ("cookie", reported("cookie")?),
        ("origin", reported("url")?),
    ]);
    for turn in 1..=2 {
        let (url, headers) = (reported("chat")?, headers.clone());
        let request = ChatRequest {
            url,
            headers,
            thread: &thread,
            text: Some("Hello?"),
            leave_after: None,
        };
        let state = client.send(&request).await?;
        ensure!(
            state.status == "ready" && state.messages.len() == 2 * turn,
            "turn {turn}: {state:?}"
        );
        ensure!(!state.text().is_empty(), "turn {turn}: {state:?}");
    }
    ensure_page(&report, &reported("url")?).await?;
    let table = fetch(Request::get(reported("table")?).body(Bytes::new())?)
        .await?
        .json()
        .await?;
    ensure_conversation(&table, &reported("userId")?, &thread)?;

    let threads = Request::get(format!(
        "{}/api/threads/{thread}/messages",
        reported("url")?
    ));
    let threads = threads.header("authorization", format!("Bearer {}", reported("bearer")?));
    let read = fetch(threads.body(Bytes::new())?).await?.json().await?;
    ensure!(
        read["messages"].as_array().map(Vec::len) == Some(4),
        "the read side sees it: {read}"
    );

    let family = descendants(dev.pid());
    for name in ["chat", "threads"] {
        ensure!(
            family.iter().any(|process| process.command.contains(name)),
            "{name} runs: {family:?}"
        );
    }
    dev.signal(Signal::INT)?;
    let status = dev.exit().await?;
    ensure!(status.success(), "{status}: {:?}", dev.logs.lines());
    let left: Vec<_> = live_processes()
        .into_iter()
        .filter(|process| family.contains(process))
        .collect();
    ensure!(left.is_empty(), "still running: {left:?}");
    Ok(())
}

/// Checks that a newcomer who opens the page is signed in and can chat.
async fn ensure_page(report: &Value, url: &str) -> Result<()> {
    if tools::page().is_none() {
        tools::report_skipped("the page of cargo xtask dev", "the built page");
        return Ok(());
    }
    ensure!(report["page"] == url, "the page is left out: {report}");
    let Some(mut browser) = Browser::start(url, "dev").await? else {
        return Ok(());
    };
    let tab = browser.open("").await?;
    // An earlier run may have had the same question.
    let question = format!("Who is there, {}?", std::process::id());
    tab.send(&question).await?;
    tab.wait_for(&answer("This is a simulated answer").with("AI_GATEWAY_API_KEY"))
        .await?;
    tab.wait_for(&button("Regenerate")).await?;
    tab.wait_for(&conversation(&question)).await?;
    tab.reload().await?;
    tab.wait_for(&answer("This is a simulated answer").with("AI_GATEWAY_API_KEY"))
        .await?;
    browser.ensure_no_faults().await
}

fn ensure_conversation(table: &Value, user: &str, thread: &str) -> Result<()> {
    let items = || table.as_array().into_iter().flatten();
    let own = items()
        .find(|item| item["pk"] == format!("U#{user}") && item["sk"] == format!("T#{thread}"));
    let own = own.context("the thread's item")?;
    ensure!(own["turns"] == 2 && own["title"] == "Hello?", "{own}");
    let messages: Vec<_> = items()
        .filter(|item| item["pk"] == format!("T#{user}#{thread}"))
        .collect();
    let roles: Vec<_> = messages.iter().map(|item| item["role"].clone()).collect();
    ensure!(
        roles == ["user", "assistant", "user", "assistant"],
        "{roles:?}"
    );
    for answer in messages.iter().filter(|item| item["role"] == "assistant") {
        ensure!(answer["status"] == "completed", "{answer}");
        ensure!(
            answer["inputTokens"].is_u64() && answer["outputTokens"].is_u64(),
            "{answer}"
        );
        ensure!(answer["metadata"]["finishReason"] == "stop", "{answer}");
    }
    Ok(())
}
