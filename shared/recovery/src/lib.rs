//! Ending a turn whose own process did not: with what its journal holds of the answer.
//!
//! Knows how a message comes out of a journal, and what such an answer is called. Knows nothing of
//! requests, and leaves to the store which process ends a turn first. The next request on a thread
//! may do this, any number at once.

mod answer;
mod running;

use message::UiPart;
use store::{OpenTurn, RecoveredAnswer, Store, StoreError, TurnOutcome};

use self::answer::Answer;

pub use running::running_turn;

/// Ends a turn that has died or was superseded: puts its known content as its answer, unless it has
/// put one itself, and marks it as over. Says how it ended. May be repeated, also at the same time.
///
/// A turn that died is `interrupted`. One that was superseded, or was asked to stop, is `stopped`,
/// even if it died of it.
///
/// # Errors
/// The table could not be reached. A journal or an earlier answer that is damaged is logged and
/// does without.
pub async fn recover(
    store: &Store,
    turn: &OpenTurn,
    now_ms: u64,
) -> Result<TurnOutcome, StoreError> {
    let given = continued_parts(store, turn).await?;
    let journal = journaled(store, turn).await?;
    let answer = Answer::of(turn, &given, &journal, now_ms);
    let recovered = RecoveredAnswer {
        parts: &answer.parts,
        is_empty: answer.is_empty,
        metadata: &answer.metadata,
        status: answer.status,
        now_ms,
    };
    store.recover_turn(turn, &recovered).await
}

/// Returns the parts of the answer that the turn goes on from, if it does.
async fn continued_parts(store: &Store, turn: &OpenTurn) -> Result<Vec<UiPart>, StoreError> {
    let Some(continued) = turn.continued() else {
        return Ok(Vec::new());
    };
    let answer = store.answer_of(&continued).await;
    let Some(answer) = unless_damaged(turn, "answer that a turn continues", answer)?.flatten()
    else {
        return Ok(Vec::new());
    };
    Ok(UiPart::parse_stored(&answer.parts).unwrap_or_else(|error| {
        damaged(turn, "answer that a turn continues", &error);
        Vec::new()
    }))
}

/// Returns the known bytes of the turn's stream.
async fn journaled(store: &Store, turn: &OpenTurn) -> Result<Vec<u8>, StoreError> {
    let journal = store.journal(&turn.journal(), 0, true).await;
    Ok(unless_damaged(turn, "journal", journal)?
        .unwrap_or_default()
        .bytes)
}

/// Returns `None` for a damaged item, and logs it. Damage does not pass, and the thread must not
/// wait for it.
fn unless_damaged<T>(
    turn: &OpenTurn,
    what: &str,
    result: Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error @ StoreError::Corrupt { .. }) => {
            damaged(turn, what, &error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn damaged(turn: &OpenTurn, what: &str, error: &dyn std::error::Error) {
    let cause = error.source().map(ToString::to_string);
    let stream_id = turn.stream().as_str();
    tracing::error!(
        stream_id,
        error = error.to_string(),
        cause,
        "skipped a damaged {what}"
    );
}
