//! Streaming answers, and the actions that a page offers on them.

use acceptance::browser::{Locator, answer, button, conversation, textbox};
use acceptance::client::requests::question;
use acceptance::gateway::responses::{full_text, parts, stream};
use acceptance::gateway::timed_responses::{answer_in_halves, first_half, half_answer};
use acceptance::gateway::{Ended, Gate, Step};
use acceptance::world::text_of;
use anyhow::{Result, ensure};
use store::Status;

use super::BrowserSetup;

#[tokio::test]
async fn text_is_shown_while_the_answer_streams() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("pieces").await? else {
        return Ok(());
    };
    let gate = Gate::default();
    setup.world.gateway.next(answer_in_halves(&gate));
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    tab.wait_for_conversation(&[&question(), &first_half()])
        .await?;
    tab.wait_for(&button("Stop")).await?;

    gate.open();
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    tab.wait_until_gone(&button("Stop")).await?;
    tab.wait_for(&answer("12 in, 7 out")).await?;
    tab.wait_for(&Locator::text("Today: 1 answer")).await?;
    tab.wait_for(&conversation(&question())).await?;
    setup
        .world
        .ensure_complete_answer(&setup.alice, &tab.thread().await?)
        .await?;
    setup.finish().await
}

#[tokio::test]
async fn a_reloaded_page_resumes_the_answer_without_duplicates() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("reload").await? else {
        return Ok(());
    };
    let gate = Gate::default();
    setup.world.gateway.next(answer_in_halves(&gate));
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    for load in 1..=2 {
        tab.wait_for_conversation(&[&question(), &first_half()])
            .await?;
        tab.reload().await?;
        ensure!(!tab.thread().await?.is_empty(), "load {load}");
    }
    tab.wait_for_conversation(&[&question(), &first_half()])
        .await?;
    tab.wait_for(&button("Stop")).await?;

    gate.open();
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    tab.wait_until_gone(&button("Stop")).await?;
    ensure!(
        setup.world.gateway.calls().len() == 1,
        "the model was called again"
    );
    setup
        .world
        .ensure_complete_answer(&setup.alice, &tab.thread().await?)
        .await?;
    setup.finish().await
}

#[tokio::test]
async fn stop_ends_the_model_call_and_the_conversation_can_continue() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("stop").await? else {
        return Ok(());
    };
    setup.world.gateway.next(half_answer());
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    tab.wait_for_conversation(&[&question(), &first_half()])
        .await?;
    tab.click(&button("Stop")).await?;
    ensure!(
        setup.world.gateway.call(0).await?.ended().await? == Ended::Left,
        "the model call goes on"
    );
    tab.wait_for(&answer("Stopped")).await?;
    let stored = setup
        .world
        .only_answer(&setup.alice, &tab.thread().await?)
        .await?;
    ensure!(stored.status == Some(Status::Stopped), "{stored:?}");
    ensure!(text_of(&stored)? == first_half(), "{}", stored.parts);

    tab.reload().await?;
    tab.wait_for_conversation(&[&question(), &first_half()])
        .await?;
    tab.wait_for(&answer("Stopped")).await?;
    tab.send("And now?").await?;
    tab.wait_for_conversation(&[&question(), &first_half(), "And now?", &full_text()])
        .await?;
    setup.finish().await
}

#[tokio::test]
async fn another_answer_replaces_the_one_before() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("regenerate").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    setup
        .world
        .gateway
        .next(stream(&parts(&["Quite ", "so."]), Step::End));
    tab.click(&button("Regenerate")).await?;
    tab.wait_for_conversation(&[&question(), "Quite so."])
        .await?;
    tab.wait_for(&button("Regenerate")).await?;
    tab.reload().await?;
    tab.wait_for_conversation(&[&question(), "Quite so."])
        .await?;
    let stored = setup
        .world
        .only_answer(&setup.alice, &tab.thread().await?)
        .await?;
    ensure!(text_of(&stored)? == "Quite so.", "{}", stored.parts);
    setup.finish().await
}

#[tokio::test]
async fn an_edited_question_replaces_the_rest_of_the_conversation() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("edit").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    setup
        .world
        .gateway
        .next(stream(&parts(&["Rather ", "bitter."]), Step::End));
    tab.click(&button("Edit")).await?;
    tab.write(&textbox("Edit message"), "Is coffee?").await?;
    tab.click(&button("Send edit")).await?;
    tab.wait_for_conversation(&["Is coffee?", "Rather bitter."])
        .await?;
    tab.wait_for(&button("Regenerate")).await?;
    tab.reload().await?;
    tab.wait_for_conversation(&["Is coffee?", "Rather bitter."])
        .await?;
    let prompt = setup.world.gateway.call(1).await?.body["prompt"].to_string();
    ensure!(
        !prompt.contains(&question()),
        "the prompt holds the replaced question: {prompt}"
    );
    setup.finish().await
}

#[tokio::test]
async fn a_second_tab_shows_the_changes_of_the_first() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("tabs").await? else {
        return Ok(());
    };
    let gate = Gate::default();
    setup.world.gateway.next(answer_in_halves(&gate));
    let first = setup.open().await?;
    first.send(&question()).await?;
    first
        .wait_for_conversation(&[&question(), &first_half()])
        .await?;
    let second = setup
        .browser
        .open(&format!("#/t/{}", first.thread().await?))
        .await?;
    second
        .wait_for_conversation(&[&question(), &first_half()])
        .await?;

    gate.open();
    for tab in [&first, &second] {
        tab.wait_for_conversation(&[&question(), &full_text()])
            .await?;
        tab.wait_until_gone(&button("Stop")).await?;
    }
    second.send("And now?").await?;
    let lines = [&question(), &full_text(), "And now?", &full_text()];
    second.wait_for_conversation(&lines).await?;
    first.bring_to_front().await?;
    first.wait_for_conversation(&lines).await?;
    ensure!(
        setup.world.gateway.calls().len() == 2,
        "the model was called again"
    );
    setup.finish().await
}
