//! The content of answers and questions besides plain text.

use std::time::Duration;

use acceptance::browser::{File, Locator, answer, button, textbox};
use acceptance::client::requests::question;
use acceptance::gateway::Step;
use acceptance::gateway::parts::finish_with;
use acceptance::gateway::responses::{delta, frame, full_text, head, opening_parts, text_end};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::BrowserSetup;

const ADVICE: &str =
    "A **hash map** finds a value by its key in constant time, however many there are:

1. A *hash function* turns the key into a number.
2. That number, modulo the count of buckets, names a bucket.
3. Keys that meet in one bucket are compared one by one.

```rust
let mut ages = HashMap::new();
ages.insert(\"Ada\", 36);
assert_eq!(ages.get(\"Ada\"), Some(&36));
```

Order is not kept; take a `BTreeMap` where it matters.";

/// The pause before each word of the model, without which the picture would show an answer after no
/// time.
const WORD_PAUSE: Duration = Duration::from_millis(12);

/// Returns an answer with reasoning and formatted text.
fn advice() -> Vec<Value> {
    let mut parts: Vec<Value> = opening_parts().drain(..2).collect();
    parts.extend([
        json!({"type": "reasoning-start", "id": "r0"}),
        json!({"type": "reasoning-delta", "id": "r0", "delta": "The reader wants the idea first. A small example will say more than a definition."}),
        json!({"type": "reasoning-end", "id": "r0"}),
        json!({"type": "text-start", "id": "0"}),
    ]);
    parts.extend(ADVICE.split_inclusive(' ').map(delta));
    parts.extend([text_end(), finish_with(412, 236, 384, 64, "0.0042")]);
    parts
}

fn to_paced_steps(parts: &[Value]) -> Vec<Step> {
    let mut steps = vec![head()];
    steps.extend(
        parts
            .iter()
            .flat_map(|part| [Step::Pause(WORD_PAUSE), Step::Send(frame(part))]),
    );
    steps.push(Step::End);
    steps
}

#[tokio::test]
async fn an_answer_shows_every_kind_of_part() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("kinds").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    // The list of conversations of a returning user.
    for topic in [
        "Compare three ways to cache a web page.",
        "Plan a weekend in Lisbon.",
        "Is marzipan sweet?",
    ] {
        tab.send(topic).await?;
        tab.wait_for_conversation(&[topic, &full_text()]).await?;
        tab.click(&button("New conversation")).await?;
    }
    setup.world.gateway.next(to_paced_steps(&advice()));
    tab.send("Explain how a hash map works, with a small example.")
        .await?;
    tab.wait_for(&answer("Order is not kept").with("412 in, 236 out"))
        .await?;

    // The answer while it streams, then as it is read from the table.
    for case in ["streamed", "loaded"] {
        tab.wait_for(&Locator::named("group", "Code, rust").with("ages.insert"))
            .await?;
        tab.wait_for(&Locator::role("listitem").with("names a bucket"))
            .await?;
        tab.click(&Locator::text("Reasoning")).await?;
        tab.wait_for(&answer("A small example will say more"))
            .await?;
        if case == "loaded" {
            // `docs/page.png` is a copy of this.
            tab.take_screenshot("page").await?;
        }
        tab.reload().await?;
    }
    setup.finish().await
}

#[tokio::test]
async fn a_picture_is_sent_with_the_question() -> Result<()> {
    let Some(mut setup) = BrowserSetup::start_signed_in("file").await? else {
        return Ok(());
    };
    let tab = setup.open().await?;
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    tab.attach(
        &Locator::label("Attach files"),
        &File {
            name: "pixel.png",
            kind: "image/png",
            base64: pixel,
        },
    )
    .await?;
    tab.wait_for(&Locator::named("list", "Attachments").with("pixel.png"))
        .await?;
    tab.write(&textbox("Message"), &question()).await?;
    tab.click(&button("Send")).await?;
    tab.wait_for(&answer(&full_text())).await?;
    let prompt = setup.world.gateway.call(0).await?.body["prompt"].to_string();
    ensure!(
        prompt.contains("image/png") && prompt.contains(pixel),
        "the model was not shown it: {prompt}"
    );
    for _load in ["sent", "loaded"] {
        tab.wait_for(&Locator::named("img", "pixel.png").within(Locator::named("article", "You")))
            .await?;
        tab.reload().await?;
    }
    setup.finish().await
}
