//! Responses with gates and pauses, and responses that never end. Built from `responses`.

use std::time::Duration;

use crate::gateway::responses::{self, PIECES, delta, opening_parts, parts, send_steps, stream};
use crate::gateway::{Gate, Step};

/// Returns the text of the first half of the default answer.
pub fn first_half() -> String {
    PIECES[..2].concat()
}

/// The number of UI chunks of the first half: `start`, `start-step`, `text-start` and two deltas.
pub const FIRST_HALF_CHUNKS: usize = 5;

/// Returns the default answer, with its second half after the gate.
pub fn answer_in_halves(gate: &Gate) -> Vec<Step> {
    let mut first = parts(&PIECES);
    let second = first.split_off(opening_parts().len() + 2);
    let mut steps = stream(&first, Step::Wait(gate.clone()));
    steps.extend(send_steps(&second));
    steps.push(Step::End);
    steps
}

/// Returns the default answer, entirely after the gate, including its head.
pub fn answer_after(gate: &Gate) -> Vec<Step> {
    [vec![Step::Wait(gate.clone())], responses::good()].concat()
}

/// Returns the first half of the default answer, without an end.
pub fn half_answer() -> Vec<Step> {
    stream(
        &[
            opening_parts(),
            PIECES[..2].iter().map(|piece| delta(piece)).collect(),
        ]
        .concat(),
        Step::Hold,
    )
}

/// Returns a successful answer of these pieces, with a pause before each part.
pub fn answer_slowly(pieces: &[&str], pause: Duration) -> Vec<Step> {
    let mut steps = vec![responses::head()];
    for part in parts(pieces) {
        steps.extend([Step::Pause(pause), Step::Send(responses::frame(&part))]);
    }
    steps.push(Step::End);
    steps
}
