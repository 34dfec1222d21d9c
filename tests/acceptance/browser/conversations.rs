//! The list of conversations (reopened, renamed, deleted), the choice of a model, and a narrow
//! window.

use acceptance::browser::{Locator, Tab, alert, button, conversation, textbox};
use acceptance::client::requests::question;
use acceptance::gateway::responses::full_text;
use anyhow::{Result, ensure};

use super::BrowserSetup;

/// Begins a conversation with this question and waits for its answer.
async fn begin_conversation(tab: &Tab, question: &str) -> Result<String> {
    tab.send(question).await?;
    tab.wait_for_conversation(&[question, &full_text()]).await?;
    tab.wait_for(&conversation(question)).await?;
    tab.thread().await
}

#[tokio::test]
async fn a_deleted_conversation_is_gone_and_the_others_stay() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("delete").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    begin_conversation(&tab, "What is sweet?").await?;
    tab.click(&button("New conversation")).await?;
    tab.wait_for_conversation(&[]).await?;
    let second = begin_conversation(&tab, "What is bitter?").await?;

    let dialog = Locator::named("dialog", "Delete conversation?");
    tab.hover(&conversation("What is bitter?")).await?;
    tab.click(&button("Delete “What is bitter?”")).await?;
    tab.click(&button("Cancel").within(dialog.clone())).await?;
    tab.wait_until_gone(&dialog).await?;
    tab.wait_for(&conversation("What is bitter?")).await?;
    tab.hover(&conversation("What is bitter?")).await?;
    tab.click(&button("Delete “What is bitter?”")).await?;
    tab.click(&button("Delete").within(dialog.clone())).await?;
    tab.wait_until_gone(&conversation("What is bitter?"))
        .await?;
    tab.wait_for_conversation(&[]).await?;
    let left: Vec<_> = setup.world.engine.items()?;
    let left: Vec<_> = left
        .iter()
        .filter(|item| item.to_string().contains(&second))
        .collect();
    ensure!(left.is_empty(), "left in the table: {left:?}");

    tab.click(&conversation("What is sweet?")).await?;
    tab.wait_for_conversation(&["What is sweet?", &full_text()])
        .await?;
    tab.go_to(&format!("#/t/{second}")).await?;
    tab.wait_for(&alert("There is no such conversation"))
        .await?;
    setup.finish().await
}

#[tokio::test]
async fn a_renamed_conversation_is_listed_under_its_new_title() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("rename").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    begin_conversation(&tab, &question()).await?;
    tab.hover(&conversation(&question())).await?;
    tab.click(&button(&format!("Rename “{}”", question())))
        .await?;
    tab.write(&textbox("Title"), "On sweets").await?;
    tab.press(&textbox("Title"), "Enter").await?;
    tab.wait_for(&conversation("On sweets")).await?;
    let heading = Locator::named("heading", "On sweets");
    tab.wait_for(&heading).await?;

    let other = setup.open().await?;
    other.click(&conversation("On sweets")).await?;
    other
        .wait_for_conversation(&[&question(), &full_text()])
        .await?;
    other.wait_for(&heading).await?;
    setup.finish().await
}

#[tokio::test]
async fn the_chosen_model_answers_and_is_remembered() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("model").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    let picker = Locator::named("combobox", "Model");
    tab.choose(&picker, "openai/gpt-4o-mini").await?;
    tab.send(&question()).await?;
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    let head = setup.world.gateway.call(0).await?.head;
    ensure!(
        head.header("ai-language-model-id") == Some("openai/gpt-4o-mini"),
        "{head:?}"
    );
    tab.reload().await?;
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;
    ensure!(
        tab.value(&picker).await? == "openai/gpt-4o-mini",
        "the choice is forgotten"
    );
    setup.finish().await
}

#[tokio::test]
async fn a_narrow_window_works_by_keyboard_alone() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("narrow").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    tab.resize(390, 780).await?;
    let message = textbox("Message");
    tab.write(&message, &question()).await?;
    tab.press(&message, "Enter").await?;
    tab.wait_for_conversation(&[&question(), &full_text()])
        .await?;

    tab.wait_until_gone(&conversation(&question())).await?;
    tab.press(&button("Open conversations"), "Enter").await?;
    tab.wait_for(&conversation(&question())).await?;
    tab.take_screenshot("narrow").await?;
    tab.press(&conversation(&question()), "Escape").await?;
    tab.wait_until_gone(&conversation(&question())).await?;
    tab.wait_for_focus(&button("Open conversations")).await?;
    tab.press_key("Enter").await?;
    tab.press(&button("Close conversations"), "Enter").await?;
    tab.wait_until_gone(&conversation(&question())).await?;
    tab.wait_for_focus(&button("Open conversations")).await?;
    setup.finish().await
}
