//! The environment of one function in one test: its table, its gateway, its users, its variables.

use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use message::{Role, ThreadId, UserId};
use serde_json::Value;
use store::{History, Status, StoredMessage};

use crate::database::{Engine, TABLE};
use crate::gateway::{Gateway, responses};
use crate::process::Variables;
use crate::session::{self, ONE_DAY, ORIGIN, SignedIn};

/// The value for `AI_GATEWAY_API_KEY`. A canary: it must appear in no log and in no answer.
pub const API_KEY: &str = "canary-gateway-key-0c3b1a77";

/// The services that a function uses.
pub struct World {
    /// The function's DynamoDB.
    pub engine: Engine,
    /// The function's model gateway.
    pub gateway: Gateway,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    /// Starts an empty table and a gateway that always gives the default answer.
    pub async fn new() -> Result<Self> {
        Ok(Self {
            engine: Engine::start().await?,
            gateway: Gateway::start(responses::good()).await?,
        })
    }

    /// Returns the environment variables for a function in this world.
    pub fn variables(&self) -> Variables {
        let pairs = [
            ("TABLE_NAME", TABLE),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.engine.url()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
            ("AI_GATEWAY_API_KEY", API_KEY),
            ("AI_GATEWAY_BASE_URL", &self.gateway.base_url()),
            ("BETTER_AUTH_SECRET", session::SECRET),
            ("BETTER_AUTH_URL", "http://localhost:3000"),
            ("ALLOWED_ORIGINS", ORIGIN),
            ("RUST_BACKTRACE", "1"),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// Returns the environment variables with these changes.
    pub fn variables_with(&self, changes: &[(&str, &str)]) -> Variables {
        let mut variables = self.variables();
        variables.extend(
            changes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        variables
    }

    /// Signs a user in.
    pub async fn sign_in(&self, user: &str) -> Result<SignedIn> {
        let session = SignedIn::new(user);
        self.store_session(&session, SystemTime::now() + ONE_DAY)
            .await?;
        Ok(session)
    }

    /// Stores the row of a session that ends at `end`. The row itself expires in one day.
    pub async fn store_session(&self, session: &SignedIn, end: SystemTime) -> Result<()> {
        let expires = session::epoch_ms(SystemTime::now() + ONE_DAY) / 1000;
        Ok(self
            .engine
            .store()
            .put_session(session.key(), &session.value(end), expires)
            .await?)
    }

    /// Returns all items, without those that still change after an answer: journals and daily quota
    /// items.
    pub fn conversation_items(&self) -> Result<Vec<Value>> {
        let mut items = self.engine.items()?;
        let still_changes = |item: &Value| {
            let has_prefix = |name: &str, prefix: &str| {
                item[name]["S"]
                    .as_str()
                    .is_some_and(|key| key.starts_with(prefix))
            };
            has_prefix("pk", "C#") || has_prefix("sk", "Q#")
        };
        items.retain(|item| !still_changes(item));
        Ok(items)
    }

    /// Returns the messages of a thread, oldest first.
    pub async fn stored_messages(
        &self,
        who: &SignedIn,
        thread: &str,
    ) -> Result<Vec<StoredMessage>> {
        let (user, thread) = (UserId::parse(&who.user)?, ThreadId::parse(thread)?);
        let history = History {
            limit: 100,
            max_bytes: None,
            before: None,
            consistent: true,
        };
        let mut messages = self
            .engine
            .store()
            .messages(&user, &thread, &history)
            .await?;
        messages.reverse();
        Ok(messages)
    }

    /// Returns a thread's own item.
    pub async fn thread(&self, who: &SignedIn, thread: &str) -> Result<Option<store::Thread>> {
        Ok(self
            .engine
            .store()
            .thread(&UserId::parse(&who.user)?, &ThreadId::parse(thread)?)
            .await?)
    }

    /// Returns the answer of a thread that contains one question and one answer.
    pub async fn only_answer(&self, who: &SignedIn, thread: &str) -> Result<StoredMessage> {
        let mut stored = self.stored_messages(who, thread).await?;
        let roles: Vec<_> = stored.iter().map(|message| message.role).collect();
        ensure!(
            roles == [Role::User, Role::Assistant],
            "{thread} holds {roles:?}"
        );
        stored.pop().context("two messages")
    }

    /// Fails unless the complete default answer is stored.
    pub async fn ensure_complete_answer(&self, who: &SignedIn, thread: &str) -> Result<()> {
        let answer = self.only_answer(who, thread).await?;
        ensure!(
            text_of(&answer)? == responses::full_text(),
            "{thread}: {}",
            answer.parts
        );
        ensure!(
            answer.status == Some(Status::Completed),
            "{thread}: {:?}",
            answer.status
        );
        let usage = (answer.input_tokens, answer.output_tokens);
        ensure!(
            usage
                == (
                    Some(responses::INPUT_TOKENS),
                    Some(responses::OUTPUT_TOKENS)
                ),
            "{thread}: {usage:?}"
        );
        ensure!(
            metadata(&answer, "finishReason") == "stop",
            "{thread}: {:?}",
            answer.metadata
        );
        ensure!(
            metadata(&answer, "aborted") == false,
            "{thread}: {:?}",
            answer.metadata
        );
        ensure!(
            metadata(&answer, "latencyMs").is_u64(),
            "{thread}: {:?}",
            answer.metadata
        );
        ensure!(
            answer.model.as_deref() == Some(DEFAULT_MODEL),
            "{thread}: {:?}",
            answer.model
        );
        Ok(())
    }
}

/// The model that answers when a request names none.
pub const DEFAULT_MODEL: &str = "anthropic/claude-sonnet-4-20250514";

/// Returns a field of a stored message's metadata; `null` if it is absent.
pub fn metadata(message: &StoredMessage, field: &str) -> Value {
    serde_json::to_value(&message.metadata)
        .map(|metadata| metadata[field].clone())
        .unwrap_or_default()
}

/// Returns the text of a stored message.
pub fn text_of(message: &StoredMessage) -> Result<String> {
    let parts: Vec<Value> = serde_json::from_str(&message.parts)?;
    Ok(parts
        .iter()
        .filter(|part| part["type"] == "text")
        .filter_map(|part| part["text"].as_str())
        .collect())
}
