//! The page for people who use no mouse, see little, or use a screen reader.

use acceptance::answers::{delta, opening, parts, stream, whole_text};
use acceptance::browser::{Place, Tab, alert, answer, button, conversation, textbox};
use acceptance::gateway::{Ended, Gate, Step};
use acceptance::scripts::{behind, first_half, many_kinds, unfinished};
use acceptance::world::question;
use anyhow::{Result, ensure};

use super::Desk;

const FORMATTED: &str = "# On sweets\n\n> Quoted, and `code`.\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done\n\n\
                         ```js\nlet a = 1;\n```\n\n[A link](https://example.com/)";

#[tokio::test]
async fn no_state_of_the_page_keeps_anybody_out() -> Result<()> {
    let Some(mut desk) = Desk::signed_out("audit").await? else {
        return Ok(());
    };
    let tab = desk.open().await?;
    tab.sees(&alert("You are signed out.")).await?;
    tab.ensure_accessible("signed out").await?;
    desk.browser.sign_in(&desk.alice).await?;
    tab.click(&button("I am signed in")).await?;
    tab.misses(&alert("")).await?;
    tab.ensure_accessible("empty").await?;

    desk.world.gateway.next(stream(&many_kinds(), Step::End));
    tab.say(&question()).await?;
    tab.sees(&answer("That is all.").with("12 in")).await?;
    for fold in ["Reasoning", "done"] {
        tab.click(&Place::text(fold)).await?;
    }
    tab.click(&Place::label("Details: Claude Sonnet 4")).await?;
    tab.ensure_accessible("an answer of many kinds, unfolded")
        .await?;
    desk.world
        .gateway
        .next(stream(&parts(&[FORMATTED]), Step::End));
    tab.say("And formatted?").await?;
    tab.sees(&Place::named("group", "Code, js")).await?;
    tab.sees(&button("Regenerate")).await?;
    tab.ensure_accessible("formatted text").await?;
    tab.click(&button("Edit")).await?;
    tab.ensure_accessible("a question that is edited").await?;
    tab.click(&button("Cancel")).await?;

    audit_dialogs(&tab).await?;
    desk.world.gateway.next(stream(
        &[opening(), vec![delta("Sweet ")]].concat(),
        Step::Cut,
    ));
    tab.say("And now?").await?;
    tab.sees(&alert("That did not work")).await?;
    tab.ensure_accessible("a failure").await?;
    desk.world.gateway.next(unfinished());
    tab.click(&button("Try again")).await?;
    tab.sees(&answer(first_half().trim())).await?;
    tab.ensure_accessible("an answer that is written").await?;
    tab.click(&button("Stop")).await?;
    tab.sees(&answer("Stopped")).await?;
    tab.ensure_accessible("an answer that was stopped").await?;
    tab.goes_to("#/t/nowhere").await?;
    tab.sees(&alert("There is no such conversation")).await?;
    tab.ensure_accessible("a conversation that is not there")
        .await?;
    desk.tidy().await
}

/// Audits the dialogs of the only conversation, and the list in a narrow window.
async fn audit_dialogs(tab: &Tab) -> Result<()> {
    let only = conversation(&question());
    for (opener, dialog) in [
        ("Rename", "Rename conversation"),
        ("Delete", "Delete conversation?"),
    ] {
        tab.points_at(&only).await?;
        tab.click(&button(&format!("{opener} “{}”", question())))
            .await?;
        tab.sees(&Place::named("dialog", dialog)).await?;
        tab.ensure_accessible(dialog).await?;
        tab.strikes("Escape").await?;
        tab.misses(&Place::named("dialog", dialog)).await?;
    }
    tab.resize(390, 780).await?;
    tab.ensure_accessible("narrow").await?;
    tab.click(&button("Open conversations")).await?;
    tab.sees(&only).await?;
    tab.ensure_accessible("the list in a narrow window").await?;
    tab.click(&button("Close conversations")).await?;
    tab.misses(&only).await?;
    tab.resize(1200, 800).await
}

#[tokio::test]
async fn the_keyboard_alone_asks_stops_renames_and_deletes() -> Result<()> {
    let Some(mut desk) = Desk::ready("keyboard").await? else {
        return Ok(());
    };
    desk.world.gateway.next(unfinished());
    let tab = desk.open().await?;
    let message = textbox("Message");
    tab.is_at(&message).await?;
    tab.types("Is it").await?;
    tab.strikes("Shift+Enter").await?;
    tab.types("sweet?").await?;
    ensure!(
        tab.value(&message).await? == "Is it\nsweet?",
        "Shift+Enter begins a line"
    );
    tab.strikes("Enter").await?;
    tab.sees(&answer(first_half().trim())).await?;
    tab.tabs_to(&button("Stop")).await?;
    tab.strikes("Enter").await?;
    ensure!(
        desk.world.gateway.call(0).await?.ended().await? == Ended::Left,
        "the model call goes on"
    );
    tab.sees(&answer("Stopped")).await?;
    tab.is_at(&message).await?;

    desk.world.gateway.next(unfinished());
    tab.types(&question()).await?;
    tab.strikes("Enter").await?;
    tab.reads(&["Is it", &first_half(), &question(), &first_half()])
        .await?;
    tab.strikes("Escape").await?;
    ensure!(
        desk.world.gateway.call(1).await?.ended().await? == Ended::Left,
        "the model call goes on"
    );
    tab.misses(&button("Stop")).await?;

    rename_and_delete(&tab).await?;
    desk.tidy().await
}

/// Renames and deletes a conversation by keyboard: a closed dialog returns the focus to the control
/// that opened it.
async fn rename_and_delete(tab: &Tab) -> Result<()> {
    let title = "Is it sweet?";
    tab.tabs_to(&conversation(title)).await?;
    tab.strikes("Tab").await?;
    tab.is_at(&button(&format!("Rename “{title}”"))).await?;
    tab.strikes("Enter").await?;
    tab.is_at(&textbox("Title")).await?;
    tab.types("On sweets").await?;
    tab.strikes("Enter").await?;
    tab.sees(&conversation("On sweets")).await?;
    tab.is_at(&button("Rename “On sweets”")).await?;
    tab.strikes("Tab").await?;
    tab.is_at(&button("Delete “On sweets”")).await?;
    tab.strikes("Enter").await?;
    tab.strikes("Escape").await?;
    tab.misses(&Place::role("dialog")).await?;
    tab.is_at(&button("Delete “On sweets”")).await?;
    tab.strikes("Enter").await?;
    tab.tabs_to(&button("Delete")).await?;
    tab.strikes("Enter").await?;
    tab.misses(&conversation("On sweets")).await?;
    tab.is_at(&textbox("Message")).await
}

#[tokio::test]
async fn the_model_and_the_colours_are_chosen_by_keyboard() -> Result<()> {
    let Some(mut desk) = Desk::ready("menus").await? else {
        return Ok(());
    };
    let tab = desk.open().await?;
    let picker = Place::named("combobox", "Model");
    let before = tab.value(&picker).await?;
    tab.tabs_to(&picker).await?;
    tab.strikes("ArrowDown").await?;
    ensure!(
        tab.value(&picker).await? != before,
        "the arrow chooses another"
    );
    tab.tabs_to(&button("Switch to dark colours")).await?;
    tab.strikes("Enter").await?;
    tab.is_at(&button("Switch to light colours")).await?;
    desk.tidy().await
}

#[tokio::test]
async fn nothing_moves_for_those_who_asked_for_that() -> Result<()> {
    let Some(mut desk) = Desk::ready("motion").await? else {
        return Ok(());
    };
    let gate = Gate::default();
    desk.world.gateway.next(behind(&gate));
    let tab = desk.open().await?;
    tab.say(&question()).await?;
    tab.sees(&button("Stop")).await?;
    ensure!(!tab.moves().await?, "the dots move all the same");
    tab.prefers_less_motion(false).await?;
    ensure!(tab.moves().await?, "the dots never move");
    gate.open();
    tab.reads(&[&question(), &whole_text()]).await?;
    desk.tidy().await
}
