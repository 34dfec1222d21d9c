//! The matrix of client versions and features: every version takes part in everything that a page
//! does with a chat. The results are the table in `docs/compatibility.md`.

mod errors;
mod features;
mod setup;
mod table;
mod tools;

use acceptance::client::ai_sdk::Version;
use anyhow::{Result, ensure};

use self::setup::ClientSetup;

#[tokio::test]
async fn every_version_of_the_client_supports_the_features_it_knows() -> Result<()> {
    let mut columns = Vec::new();
    let mut wrong = Vec::new();
    for version in Version::NEWEST_FIRST {
        let Some(mut setup) = ClientSetup::new(version).await? else {
            return Ok(());
        };
        let mut column = Vec::new();
        for feature in Feature::ALL {
            match feature.play(&mut setup).await {
                Ok(seen) => column.push(seen),
                Err(error) => wrong.push(format!(
                    "ai {}, {}: {error:#}",
                    version.pinned()?,
                    feature.title()
                )),
            }
            // A feature that failed half-way must not leave its planned answers to the next.
            setup.world.gateway.clear_planned();
        }
        columns.push((version, column));
        setup.function.stop().await?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    table::check(&columns)
}

/// The result of a feature with one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The client takes part.
    Works,
    /// The client's version has no type for this, and its schema refuses the chunk.
    Unknown,
}

/// Declares the features: for each its title in the table and the function that plays it. A feature
/// is tried in a thread of its own.
macro_rules! features {
    ($($feature:ident: $title:literal, $play:path;)*) => {
        #[derive(Debug, Clone, Copy)]
        enum Feature { $($feature),* }

        impl Feature {
            const ALL: &[Self] = &[$(Self::$feature),*];

            /// Returns the feature's title in the table.
            fn title(self) -> &'static str {
                match self { $(Self::$feature => $title),* }
            }

            async fn play(self, setup: &mut ClientSetup) -> Result<Outcome> {
                match self { $(Self::$feature => Box::pin($play(setup)).await),* }
            }
        }
    };
}

features! {
    Send: "a message is sent: the answer is complete, and both are stored under the client's ids", features::send;
    Turns: "a second message: the prompt contains the first turn", features::turns;
    Regenerate: "`regenerate()`: the answer is replaced, the question stored once", features::regenerate;
    RegenerateEarlier: "`regenerate({ messageId })` of an earlier answer: later messages are not sent",
        features::regenerate_earlier;
    Edit: "`sendMessage` with `messageId`: the question is replaced, later messages are not sent", features::edit;
    Stop: "`stop()` in mid-answer, then another message: the partial text is sent along, both answers are stored",
        features::stop;
    Refused: "a request without a session: the error is our JSON, `regenerate()` with one works", errors::refused;
    ErrorAtOnce: "the gateway refuses: error, `clearError()` and `regenerate()` work", errors::at_once;
    ErrorThenMessage: "the gateway refuses: error, the next message works and the empty answer is not in its prompt",
        errors::message_after_error;
    ErrorHalfWay: "the gateway breaks off: error, the partial text stays and is sent along with the next message",
        errors::half_way;
    ErrorOfTheModel: "the model reports an error: error, the partial text stays, `regenerate()` works",
        errors::model_error;
    Files: "files of the user by `data:` and `https:` URL reach the model", features::files;
    MadeFiles: "a file that the model generated is shown, and reaches the model with the next message", features::generated_files;
    Reasoning: "reasoning is shown, and reaches the model with its signature with the next message", features::reasoning;
    Sources: "sources are not sent, as with the AI SDK's default", features::sources;
    OddText: "half characters, NUL and U+2028 in deltas become the intended text", features::odd_text;
    UnknownTool: "a call of a tool that we do not have is shown as failed, and reaches the model as such", tools::unknown;
    ProviderTool: "a tool that the provider runs is shown with its result, which reaches the model with the next message", tools::provider_tool;
    Metadata: "message metadata is on the message during and after the answer, and may be sent back",
        features::metadata;
    Approval: "`tool-approval-request` is shown, the user's denial is stored and reaches the model", tools::approval;
    AnthropicStart: "an answer of Anthropic: the empty `custom` part at its beginning is not sent",
        tools::anthropic_start;
    Custom: "other `custom` parts of a provider are kept", tools::custom;
    ReasoningFile: "`reasoning-file` parts are kept", tools::reasoning_file;
}
