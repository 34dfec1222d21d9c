//! Ending a turn whose process did not: from what its journal holds.
use message::AnswerMetadata;
use store::{OpenTurn, RecoveredAnswer, Status, Store, StoreError, TurnOutcome};
use ui_stream::{MessageAssembler, UiMessageChunk};

/// Interim.
pub async fn recover(store: &Store, open: &OpenTurn, now_ms: u64) -> Result<TurnOutcome, StoreError> {
    let journal = store.journal(open.user(), open.stream(), 0, true).await?;
    let mut assembler = MessageAssembler::default();
    for chunk in UiMessageChunk::decode_all(&journal.bytes).flatten() {
        assembler.push(&chunk);
    }
    assembler.settle_open_inputs();
    let parts = serde_json::to_string(assembler.parts()).expect("parts are always JSON");
    let status = if open.is_dead(now_ms) { Status::Interrupted } else { Status::Stopped };
    let metadata = AnswerMetadata { aborted: Some(status == Status::Stopped), ..AnswerMetadata::at_start(open.model(), open.began_at_ms()) };
    store.recover_turn(open, &RecoveredAnswer { parts: &parts, is_empty: assembler.is_empty(), metadata: &metadata, status }).await
}
