//! A message that is sent again after others have followed it.

use message::Role;

use crate::attribute::{self, string};
use crate::error::BeginError;
use crate::run::AnsweredTurn;
use crate::{Store, StoreError, keys};

use super::PreparedBegin;

impl Store {
    /// Returns the answer to an older message of this id. `None`: there is no such message, or it
    /// has no answer.
    ///
    /// # Errors
    /// It had another content.
    pub(super) async fn older(
        &self,
        prepared: &PreparedBegin<'_>,
    ) -> Result<Option<AnsweredTurn>, BeginError> {
        let begin = prepared.begin;
        let role = Some(Role::User);
        let Some(found) = self
            .find_message(begin.user, begin.thread, begin.message, role, true)
            .await?
        else {
            return Ok(None);
        };
        let messages_pk = keys::messages(begin.user, begin.thread);
        let question = AnsweredTurn {
            messages_pk,
            answer_sk: found.sk.clone(),
            stream: begin.stream.clone(),
        };
        if self
            .answer_of(&question)
            .await?
            .is_some_and(|stored| *stored.parts != *begin.parts)
        {
            return Err(BeginError::DifferentMessage);
        }
        let Some((at_ms, _)) = keys::parts_of(&found.sk) else {
            return Ok(None);
        };
        let answer = self.first_answer(&question.messages_pk, at_ms).await?;
        Ok(answer.map(|answer_sk| AnsweredTurn {
            answer_sk,
            ..question
        }))
    }

    /// Returns the key of the answer of a question's time: a turn's question and answer have one
    /// time.
    async fn first_answer(
        &self,
        messages_pk: &str,
        at_ms: u64,
    ) -> Result<Option<String>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :answers)")
            .projection_expression("sk")
            .expression_attribute_values(":pk", string(messages_pk))
            .expression_attribute_values(":answers", string(keys::answers(at_ms)))
            .consistent_read(true)
            .limit(1)
            .send()
            .await
            .map_err(|error| StoreError::of("Query", error))?;
        Ok(answer
            .items
            .unwrap_or_default()
            .first()
            .map(|item| attribute::text(item, "sk")))
    }
}
