//! Failures as a person sees them on the page, and the ways to recover.

use std::time::SystemTime;

use acceptance::browser::{File, Locator, alert, answer, button, textbox};
use acceptance::client::requests::question;
use acceptance::gateway::responses::{delta, error, full_text, opening_parts, stream};
use acceptance::gateway::timed_responses::{answer_in_halves, first_half};
use acceptance::gateway::{Gate, Step};
use acceptance::session::ONE_DAY;
use anyhow::{Result, ensure};

use super::BrowserSetup;

#[tokio::test]
async fn a_failed_answer_shows_its_error_and_can_be_retried() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("failure").await? else {
        return Ok(());
    };
    let cut = stream(
        &[opening_parts(), vec![delta("Sweet "), delta("marzipan, ")]].concat(),
        Step::Cut,
    );
    let refused = error(400, "invalid_request_error");
    for (name, steps, shown) in [("refused", refused, None), ("cut", cut, Some(first_half()))] {
        setup.world.gateway.next(steps);
        let tab = setup.open().await?;
        tab.send(&question()).await?;
        tab.wait_for(&alert("That did not work")).await?;
        if let Some(shown) = shown {
            tab.wait_for_conversation(&[&question(), &shown]).await?;
        }
        tab.click(&button("Try again")).await?;
        tab.wait_for_conversation(&[&question(), &full_text()])
            .await?;
        tab.wait_until_gone(&alert("")).await?;
        let thread = tab.thread().await?;
        tab.reload().await?;
        tab.wait_for_conversation(&[&question(), &full_text()])
            .await?;
        ensure!(
            setup
                .world
                .stored_messages(&setup.alice, &thread)
                .await?
                .len()
                == 2,
            "{name}: asked once, answered once"
        );
    }
    setup.finish().await
}

#[tokio::test]
async fn a_failed_answer_is_still_marked_after_a_reload() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("failed").await? else {
        return Ok(());
    };
    let cut = stream(
        &[opening_parts(), vec![delta("Sweet "), delta("marzipan, ")]].concat(),
        Step::Cut,
    );
    setup.world.gateway.next(cut);
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    tab.wait_for(&alert("That did not work")).await?;
    tab.reload().await?;
    tab.wait_for_conversation(&[&question(), &first_half()])
        .await?;
    tab.wait_for(&answer("Failed")).await?;
    setup.finish().await
}

#[tokio::test]
async fn an_answer_resumes_after_a_lost_connection() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("connection").await? else {
        return Ok(());
    };
    let gate = Gate::default();
    setup.world.gateway.next(answer_in_halves(&gate));
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    tab.wait_for_conversation(&[&question(), &first_half()])
        .await?;
    setup.site.close();
    tab.wait_for(&alert("Connection lost")).await?;

    setup.site.open();
    gate.open();
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    tab.wait_until_gone(&alert("")).await?;
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
async fn a_signed_out_user_sees_an_error_and_loses_no_text() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_out("signed-out").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    tab.wait_for(&alert("You are signed out.")).await?;
    setup.browser.sign_in(&setup.alice).await?;
    tab.click(&button("I am signed in")).await?;
    tab.wait_until_gone(&alert("")).await?;
    tab.send(&question()).await?;
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;

    setup
        .world
        .store_session(&setup.alice, SystemTime::UNIX_EPOCH)
        .await?;
    tab.send("And now?").await?;
    tab.wait_for(&alert("You are signed out.")).await?;
    tab.wait_for(&alert("This was not sent")).await?;
    ensure!(
        setup.world.gateway.calls().len() == 1,
        "the model was called for a user who is signed out"
    );

    setup
        .world
        .store_session(&setup.alice, SystemTime::now() + ONE_DAY)
        .await?;
    tab.click(&button("I am signed in")).await?;
    tab.wait_until_gone(&alert("You are signed out.")).await?;
    tab.click(&button("Try again")).await?;
    tab.wait_for_conversation(&[&question(), &full_text(), "And now?", &full_text()])
        .await?;
    tab.wait_until_gone(&alert("")).await?;
    setup.finish().await
}

#[tokio::test]
async fn a_refused_edit_can_be_sent_again() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("refused-edit").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    setup
        .world
        .store_session(&setup.alice, SystemTime::UNIX_EPOCH)
        .await?;
    tab.click(&button("Edit")).await?;
    tab.write(&textbox("Edit message"), "And what is bitter?")
        .await?;
    tab.click(&button("Send edit")).await?;
    tab.wait_for(&alert("This was not sent")).await?;

    setup
        .world
        .store_session(&setup.alice, SystemTime::now() + ONE_DAY)
        .await?;
    tab.bring_to_front().await?;
    tab.wait_until_gone(&alert("You are signed out.")).await?;
    tab.click(&button("Try again")).await?;
    tab.wait_for_conversation(&["And what is bitter?", &full_text()])
        .await?;
    tab.wait_until_gone(&alert("")).await?;
    tab.reload().await?;
    tab.wait_for_conversation(&["And what is bitter?", &full_text()])
        .await?;
    ensure!(
        setup.world.gateway.calls().len() == 2,
        "each question has cost one answer"
    );
    setup.finish().await
}

#[tokio::test]
async fn a_refused_question_returns_to_the_input_after_the_next_one() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("refused-question").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    setup
        .world
        .store_session(&setup.alice, SystemTime::UNIX_EPOCH)
        .await?;
    let note = File {
        name: "note.txt",
        kind: "text/plain",
        base64: "Yml0dGVy",
    };
    tab.attach(&Locator::label("Attach files"), &note).await?;
    tab.send("And what is bitter?").await?;
    tab.wait_for(&alert("This was not sent")).await?;

    setup
        .world
        .store_session(&setup.alice, SystemTime::now() + ONE_DAY)
        .await?;
    tab.send("And what is sour?").await?;
    tab.wait_for_conversation(&[&question(), &full_text(), "And what is sour?", &full_text()])
        .await?;
    ensure!(
        tab.value(&textbox("Message")).await? == "And what is bitter?",
        "the question is lost"
    );
    tab.wait_for(&button("Remove note.txt")).await?;
    setup.finish().await
}
