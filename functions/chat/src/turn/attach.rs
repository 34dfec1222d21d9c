//! The readers of a running turn, which runs in this process or in another one.

use message::UiPart;
use store::OpenTurn;

use crate::invocation::Invocation;
use crate::state::AppState;
use crate::stream::buffer::{StreamBuffer, stream_buffer};
use crate::stream::follow::Follower;

/// Returns the stream buffer of a running turn: its own, or a copy that follows its journal.
/// `None`: it runs in another process, and there are no journals.
pub(crate) fn attach(
    state: &AppState,
    open: &OpenTurn,
    known_parts: Vec<UiPart>,
    invocation: &Invocation,
) -> Option<StreamBuffer> {
    if let Some(buffer) = state.live.buffer_of(open.stream()) {
        // The task of another invocation writes it, but Lambda freezes this one unless it has a
        // task too.
        let reader = buffer.clone();
        invocation.spawn(async move { reader.wait_for_end().await });
        return Some(buffer);
    }
    if !state.has_journals() {
        return None;
    }
    let (writer, buffer) = stream_buffer();
    let follower = Follower {
        store: state.store.clone(),
        open: open.clone(),
        known_parts,
        until: invocation.cutoff(),
        shutdown: invocation.shutdown.clone(),
    };
    invocation.spawn(async move { follower.run(writer).await });
    Some(buffer)
}
