//! Failures as a person sees them on the page, and the ways to recover.

use std::time::SystemTime;

use acceptance::answers::{delta, error, opening, stream, whole_text};
use acceptance::browser::{File, Place, alert, answer, button, textbox};
use acceptance::gateway::{Gate, Step};
use acceptance::scripts::{first_half, halves};
use acceptance::session::ONE_DAY;
use acceptance::world::question;
use anyhow::{Result, ensure};

use super::Desk;

#[tokio::test]
async fn an_answer_that_fails_says_so_and_can_be_asked_for_again() -> Result<()> {
    let Some(mut desk) = Desk::ready("failure").await? else {
        return Ok(());
    };
    let cut = stream(
        &[opening(), vec![delta("Sweet "), delta("marzipan, ")]].concat(),
        Step::Cut,
    );
    let refused = error(400, "invalid_request_error");
    for (name, steps, shown) in [("refused", refused, None), ("cut", cut, Some(first_half()))] {
        desk.world.gateway.next(steps);
        let tab = desk.open().await?;
        tab.say(&question()).await?;
        tab.sees(&alert("That did not work")).await?;
        if let Some(shown) = shown {
            tab.reads(&[&question(), &shown]).await?;
        }
        tab.click(&button("Try again")).await?;
        tab.reads(&[&question(), &whole_text()]).await?;
        tab.misses(&alert("")).await?;
        let thread = tab.thread().await?;
        tab.reload().await?;
        tab.reads(&[&question(), &whole_text()]).await?;
        ensure!(
            desk.world.stored(&desk.alice, &thread).await?.len() == 2,
            "{name}: asked once, answered once"
        );
    }
    desk.tidy().await
}

#[tokio::test]
async fn a_failed_answer_is_marked_when_it_is_found_again() -> Result<()> {
    let Some(mut desk) = Desk::ready("failed").await? else {
        return Ok(());
    };
    let cut = stream(
        &[opening(), vec![delta("Sweet "), delta("marzipan, ")]].concat(),
        Step::Cut,
    );
    desk.world.gateway.next(cut);
    let tab = desk.open().await?;
    tab.say(&question()).await?;
    tab.sees(&alert("That did not work")).await?;
    tab.reload().await?;
    tab.reads(&[&question(), &first_half()]).await?;
    tab.sees(&answer("Failed")).await?;
    desk.tidy().await
}

#[tokio::test]
async fn an_answer_goes_on_after_the_connection_was_lost() -> Result<()> {
    let Some(mut desk) = Desk::ready("connection").await? else {
        return Ok(());
    };
    let gate = Gate::default();
    desk.world.gateway.next(halves(&gate));
    let tab = desk.open().await?;
    tab.say(&question()).await?;
    tab.reads(&[&question(), &first_half()]).await?;
    desk.site.close();
    tab.sees(&alert("Connection lost")).await?;

    desk.site.open();
    gate.open();
    tab.reads(&[&question(), &whole_text()]).await?;
    tab.misses(&alert("")).await?;
    ensure!(
        desk.world.gateway.calls().len() == 1,
        "the model was called again"
    );
    desk.world
        .ensure_whole(&desk.alice, &tab.thread().await?)
        .await?;
    desk.tidy().await
}

#[tokio::test]
async fn whoever_is_signed_out_is_told_and_loses_nothing() -> Result<()> {
    let Some(mut desk) = Desk::signed_out("signed-out").await? else {
        return Ok(());
    };
    let tab = desk.open().await?;
    tab.sees(&alert("You are signed out.")).await?;
    desk.browser.sign_in(&desk.alice).await?;
    tab.click(&button("I am signed in")).await?;
    tab.misses(&alert("")).await?;
    tab.say(&question()).await?;
    tab.reads(&[&question(), &whole_text()]).await?;

    desk.world
        .store_session(&desk.alice, SystemTime::UNIX_EPOCH)
        .await?;
    tab.say("And now?").await?;
    tab.sees(&alert("You are signed out.")).await?;
    tab.sees(&alert("This was not sent")).await?;
    ensure!(
        desk.world.gateway.calls().len() == 1,
        "the model was called for nobody"
    );

    desk.world
        .store_session(&desk.alice, SystemTime::now() + ONE_DAY)
        .await?;
    tab.click(&button("I am signed in")).await?;
    tab.misses(&alert("You are signed out.")).await?;
    tab.click(&button("Try again")).await?;
    tab.reads(&[&question(), &whole_text(), "And now?", &whole_text()])
        .await?;
    tab.misses(&alert("")).await?;
    desk.tidy().await
}

#[tokio::test]
async fn an_edit_that_was_refused_can_be_sent_again() -> Result<()> {
    let Some(mut desk) = Desk::ready("refused-edit").await? else {
        return Ok(());
    };
    let tab = desk.open().await?;
    tab.say(&question()).await?;
    tab.reads(&[&question(), &whole_text()]).await?;
    desk.world
        .store_session(&desk.alice, SystemTime::UNIX_EPOCH)
        .await?;
    tab.click(&button("Edit")).await?;
    tab.write(&textbox("Edit message"), "And what is bitter?")
        .await?;
    tab.click(&button("Send edit")).await?;
    tab.sees(&alert("This was not sent")).await?;

    desk.world
        .store_session(&desk.alice, SystemTime::now() + ONE_DAY)
        .await?;
    tab.comes_to_front().await?;
    tab.misses(&alert("You are signed out.")).await?;
    tab.click(&button("Try again")).await?;
    tab.reads(&["And what is bitter?", &whole_text()]).await?;
    tab.misses(&alert("")).await?;
    tab.reload().await?;
    tab.reads(&["And what is bitter?", &whole_text()]).await?;
    ensure!(
        desk.world.gateway.calls().len() == 2,
        "each question has cost one answer"
    );
    desk.tidy().await
}

#[tokio::test]
async fn a_question_that_was_refused_comes_back_when_another_is_asked() -> Result<()> {
    let Some(mut desk) = Desk::ready("refused-question").await? else {
        return Ok(());
    };
    let tab = desk.open().await?;
    tab.say(&question()).await?;
    tab.reads(&[&question(), &whole_text()]).await?;
    desk.world
        .store_session(&desk.alice, SystemTime::UNIX_EPOCH)
        .await?;
    let note = File {
        name: "note.txt",
        kind: "text/plain",
        base64: "Yml0dGVy",
    };
    tab.attach(&Place::label("Attach files"), &note).await?;
    tab.say("And what is bitter?").await?;
    tab.sees(&alert("This was not sent")).await?;

    desk.world
        .store_session(&desk.alice, SystemTime::now() + ONE_DAY)
        .await?;
    tab.say("And what is sour?").await?;
    tab.reads(&[
        &question(),
        &whole_text(),
        "And what is sour?",
        &whole_text(),
    ])
    .await?;
    ensure!(
        tab.value(&textbox("Message")).await? == "And what is bitter?",
        "the question is lost"
    );
    tab.sees(&button("Remove note.txt")).await?;
    desk.tidy().await
}
