//! The page for people who use no mouse, see little, or use a screen reader.

use acceptance::browser::{Locator, Tab, alert, answer, button, conversation, textbox};
use acceptance::client::requests::question;
use acceptance::gateway::parts::mixed_parts;
use acceptance::gateway::responses::{delta, full_text, opening_parts, parts, stream};
use acceptance::gateway::timed_responses::{answer_after, first_half, half_answer};
use acceptance::gateway::{Ended, Gate, Step};
use anyhow::{Result, ensure};

use super::BrowserSetup;

const FORMATTED: &str = "# On sweets\n\n> Quoted, and `code`.\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done\n\n\
                         ```js\nlet a = 1;\n```\n\n[A link](https://example.com/)";

#[tokio::test]
async fn every_state_of_the_page_passes_the_accessibility_audit() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_out("audit").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    tab.wait_for(&alert("You are signed out.")).await?;
    tab.ensure_accessible("signed out").await?;
    setup.browser.sign_in(&setup.alice).await?;
    tab.click(&button("I am signed in")).await?;
    tab.wait_until_gone(&alert("")).await?;
    tab.ensure_accessible("empty").await?;

    setup.world.gateway.next(stream(&mixed_parts(), Step::End));
    tab.send(&question()).await?;
    tab.wait_for(&answer("That is all.").with("12 in")).await?;
    for fold in ["Reasoning", "done"] {
        tab.click(&Locator::text(fold)).await?;
    }
    tab.click(&Locator::label("Details: Claude Sonnet 4"))
        .await?;
    tab.ensure_accessible("an answer of many kinds, unfolded")
        .await?;
    setup
        .world
        .gateway
        .next(stream(&parts(&[FORMATTED]), Step::End));
    tab.send("And formatted?").await?;
    tab.wait_for(&Locator::named("group", "Code, js")).await?;
    tab.wait_for(&button("Regenerate")).await?;
    tab.ensure_accessible("formatted text").await?;
    tab.click(&button("Edit")).await?;
    tab.ensure_accessible("a question that is edited").await?;
    tab.click(&button("Cancel")).await?;

    audit_dialogs(&tab).await?;
    setup.world.gateway.next(stream(
        &[opening_parts(), vec![delta("Sweet ")]].concat(),
        Step::Cut,
    ));
    tab.send("And now?").await?;
    tab.wait_for(&alert("That did not work")).await?;
    tab.ensure_accessible("a failure").await?;
    setup.world.gateway.next(half_answer());
    tab.click(&button("Try again")).await?;
    tab.wait_for(&answer(first_half().trim())).await?;
    tab.ensure_accessible("an answer that is written").await?;
    tab.click(&button("Stop")).await?;
    tab.wait_for(&answer("Stopped")).await?;
    tab.ensure_accessible("an answer that was stopped").await?;
    tab.go_to("#/t/nowhere").await?;
    tab.wait_for(&alert("There is no such conversation"))
        .await?;
    tab.ensure_accessible("a conversation that is not there")
        .await?;
    setup.finish().await
}

/// Audits the dialogs of the only conversation, and the list in a narrow window.
async fn audit_dialogs(tab: &Tab) -> Result<()> {
    let only = conversation(&question());
    for (opener, dialog) in [
        ("Rename", "Rename conversation"),
        ("Delete", "Delete conversation?"),
    ] {
        tab.hover(&only).await?;
        tab.click(&button(&format!("{opener} “{}”", question())))
            .await?;
        tab.wait_for(&Locator::named("dialog", dialog)).await?;
        tab.ensure_accessible(dialog).await?;
        tab.press_key("Escape").await?;
        tab.wait_until_gone(&Locator::named("dialog", dialog))
            .await?;
    }
    tab.resize(390, 780).await?;
    tab.ensure_accessible("narrow").await?;
    tab.click(&button("Open conversations")).await?;
    tab.wait_for(&only).await?;
    tab.ensure_accessible("the list in a narrow window").await?;
    tab.click(&button("Close conversations")).await?;
    tab.wait_until_gone(&only).await?;
    tab.resize(1200, 800).await
}

#[tokio::test]
async fn asking_stopping_renaming_and_deleting_work_by_keyboard_alone() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("keyboard").await? else {
        return Ok(());
    };
    setup.world.gateway.next(half_answer());
    let tab = setup.open().await?;
    let message = textbox("Message");
    tab.wait_for_focus(&message).await?;
    tab.type_text("Is it").await?;
    tab.press_key("Shift+Enter").await?;
    tab.type_text("sweet?").await?;
    ensure!(
        tab.value(&message).await? == "Is it\nsweet?",
        "Shift+Enter begins a line"
    );
    tab.press_key("Enter").await?;
    tab.wait_for(&answer(first_half().trim())).await?;
    tab.tab_to(&button("Stop")).await?;
    tab.press_key("Enter").await?;
    ensure!(
        setup.world.gateway.call(0).await?.ended().await? == Ended::Left,
        "the model call goes on"
    );
    tab.wait_for(&answer("Stopped")).await?;
    tab.wait_for_focus(&message).await?;

    setup.world.gateway.next(half_answer());
    tab.type_text(&question()).await?;
    tab.press_key("Enter").await?;
    tab.wait_for_conversation(&["Is it", &first_half(), &question(), &first_half()])
        .await?;
    tab.press_key("Escape").await?;
    ensure!(
        setup.world.gateway.call(1).await?.ended().await? == Ended::Left,
        "the model call goes on"
    );
    tab.wait_until_gone(&button("Stop")).await?;

    rename_and_delete(&tab).await?;
    setup.finish().await
}

/// Renames and deletes a conversation by keyboard: a closed dialog returns the focus to the control
/// that opened it.
async fn rename_and_delete(tab: &Tab) -> Result<()> {
    let title = "Is it sweet?";
    tab.tab_to(&conversation(title)).await?;
    tab.press_key("Tab").await?;
    tab.wait_for_focus(&button(&format!("Rename “{title}”")))
        .await?;
    tab.press_key("Enter").await?;
    tab.wait_for_focus(&textbox("Title")).await?;
    tab.type_text("On sweets").await?;
    tab.press_key("Enter").await?;
    tab.wait_for(&conversation("On sweets")).await?;
    tab.wait_for_focus(&button("Rename “On sweets”")).await?;
    tab.press_key("Tab").await?;
    tab.wait_for_focus(&button("Delete “On sweets”")).await?;
    tab.press_key("Enter").await?;
    tab.press_key("Escape").await?;
    tab.wait_until_gone(&Locator::role("dialog")).await?;
    tab.wait_for_focus(&button("Delete “On sweets”")).await?;
    tab.press_key("Enter").await?;
    tab.tab_to(&button("Delete")).await?;
    tab.press_key("Enter").await?;
    tab.wait_until_gone(&conversation("On sweets")).await?;
    tab.wait_for_focus(&textbox("Message")).await
}

#[tokio::test]
async fn the_model_and_the_colours_can_be_chosen_by_keyboard() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("menus").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    let picker = Locator::named("combobox", "Model");
    let before = tab.value(&picker).await?;
    tab.tab_to(&picker).await?;
    tab.press_key("ArrowDown").await?;
    ensure!(
        tab.value(&picker).await? != before,
        "the arrow chooses another"
    );
    tab.tab_to(&button("Switch to dark colours")).await?;
    tab.press_key("Enter").await?;
    tab.wait_for_focus(&button("Switch to light colours"))
        .await?;
    setup.finish().await
}

#[tokio::test]
async fn nothing_moves_under_reduced_motion() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("motion").await? else {
        return Ok(());
    };
    let gate = Gate::default();
    setup.world.gateway.next(answer_after(&gate));
    let tab = setup.open().await?;
    tab.send(&question()).await?;
    tab.wait_for(&button("Stop")).await?;
    ensure!(!tab.is_moving().await?, "the dots move all the same");
    tab.set_reduced_motion(false).await?;
    ensure!(tab.is_moving().await?, "the dots never move");
    gate.open();
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    setup.finish().await
}
