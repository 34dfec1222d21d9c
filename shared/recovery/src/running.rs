//! The turn that runs in a thread, once the turns that have died are recovered.

use std::error::Error;

use store::{CurrentTurn, OpenTurn, Store, StoreError};

use crate::recover;

/// Returns the running turn of a thread, after recovering the turns that no process will end: the
/// current one if its lease has expired, and the one that it took over from, whatever its lease.
///
/// A turn that cannot be recovered at all is logged and skipped: the rest of the thread must stay
/// usable.
///
/// # Errors
/// DynamoDB failed in a way that may pass.
pub async fn running_turn(
    store: &Store,
    current: CurrentTurn,
    now_ms: u64,
) -> Result<Option<OpenTurn>, StoreError> {
    let (dead, running) = match current.open {
        Some(open) if open.is_dead(now_ms) => (Some(open), None),
        open => (None, open),
    };
    for turn in dead.iter().chain(&current.unfinished_previous) {
        match recover(store, turn, now_ms).await {
            Ok(_) => {}
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => tracing::error!(
                stream_id = turn.stream().as_str(),
                error = with_causes(&error),
                "failed to recover a turn"
            ),
        }
    }
    Ok(running)
}

fn with_causes(error: &StoreError) -> String {
    let causes = std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| {
        error.source()
    });
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}
