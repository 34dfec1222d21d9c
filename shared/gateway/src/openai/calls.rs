//! Tool calls, assembled from their pieces.
//!
//! A piece should name its call by `index`. Servers leave the index out, number all calls 0, give a
//! new id with each piece or none at all. So a piece belongs to the call that all its fields fit,
//! and begins a call where it contradicts the known ones, as in the AI SDK's
//! `StreamingToolCallTracker`.

mod structure;

use std::collections::{BTreeMap, BTreeSet};

use json::JsonText;
use nanoid::nanoid;

use self::structure::Structure;
use super::chunk::CallPiece;
use super::thought_signature;
use message::StreamPart;

/// The maximum number of calls, more than any model makes at once. Every piece is compared with
/// every call.
const MAX_CALLS: usize = 1000;

/// The calls of one answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// The pieces that came before the name of their call, by index.
    nameless: BTreeMap<u64, Piece>,
    /// The indices of calls whose name is known.
    named: BTreeSet<u64>,
}

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    arguments: JsonText,
    structure: Structure,
    signature: Option<JsonText>,
    /// All ids by which pieces have named the call.
    ids: Vec<String>,
    indices: Vec<u64>,
}

#[derive(Debug, Default)]
struct Piece {
    index: Option<u64>,
    id: Option<String>,
    name: Option<String>,
    arguments: Option<JsonText>,
    signature: Option<JsonText>,
}

/// The call that a piece belongs to.
enum Target {
    Known(usize),
    New,
    /// One of several calls, undecidable which.
    Unclear,
}

impl Calls {
    /// Adds a piece. Returns false if it could not be used.
    pub(super) fn push(&mut self, piece: &CallPiece<'_>, parts: &mut Vec<StreamPart>) -> bool {
        let mut piece = Piece::of(piece);
        if let Some(index) = piece.index.filter(|index| !self.named.contains(index)) {
            let mut merged = self.nameless.remove(&index).unwrap_or_default();
            merged.absorb(piece);
            if merged.name.is_none() {
                let has_room = self.nameless.len() < MAX_CALLS;
                self.nameless.extend(has_room.then_some((index, merged)));
                return has_room;
            }
            self.named.insert(index);
            piece = merged;
        }
        match self.target(&piece) {
            Target::Known(at) => {
                self.calls[at].append(piece, parts);
                true
            }
            Target::New => self.begin(piece, parts),
            Target::Unclear => false,
        }
    }

    /// Appends the calls. Their inputs are complete only now: before, an input that looks complete
    /// might go on. Returns the number of calls that never got a name.
    pub(super) fn finish(&mut self, parts: &mut Vec<StreamPart>) -> u64 {
        let mut calls = std::mem::take(&mut self.calls);
        if calls.iter().all(|call| !call.indices.is_empty()) {
            calls.sort_by_key(|call| call.indices.first().copied());
        }
        for call in calls {
            parts.push(StreamPart::ToolInputEnd {
                id: call.id.clone(),
            });
            parts.push(call.into_part());
        }
        u64::try_from(std::mem::take(&mut self.nameless).len()).unwrap_or(u64::MAX)
    }

    fn begin(&mut self, piece: Piece, parts: &mut Vec<StreamPart>) -> bool {
        let Some(name) = piece.name.clone().filter(|_| self.calls.len() < MAX_CALLS) else {
            return false;
        };
        let is_free = |id: &String| self.calls.iter().all(|call| call.id != *id);
        let id = piece
            .id
            .clone()
            .filter(is_free)
            .unwrap_or_else(|| nanoid!());
        parts.push(StreamPart::ToolInputStart {
            id: id.clone(),
            tool_name: name.clone(),
            title: None,
            provider_executed: None,
            dynamic: None,
            provider_metadata: None,
        });
        let signature = piece.signature.clone();
        let arguments = piece
            .arguments
            .clone()
            .filter(|arguments| !arguments.is_empty());
        let mut call = Call {
            id,
            name,
            arguments: JsonText::default(),
            structure: Structure::default(),
            signature,
            ids: Vec::new(),
            indices: Vec::new(),
        };
        call.append(Piece { arguments, ..piece }, parts);
        self.calls.push(call);
        true
    }

    fn target(&self, piece: &Piece) -> Target {
        let begins =
            piece.name.is_some() && piece.arguments.as_ref().is_some_and(structure::begins);
        let has_name = |call: &Call| piece.name.as_ref().is_none_or(|name| call.name == *name);
        let has_index = |call: &Call| {
            piece
                .index
                .is_some_and(|index| call.indices.contains(&index))
        };
        let has_id = |call: &Call| piece.id.as_ref().is_some_and(|id| call.ids.contains(id));
        let index_is_known = self.calls.iter().any(has_index);

        if self.calls.iter().any(has_id) {
            if piece.index.is_none() {
                return self.pick(begins, |call| has_id(call) && has_name(call));
            }
            return match self.pick(begins, |call| {
                has_id(call) && has_index(call) && has_name(call)
            }) {
                // Some servers give parallel calls one id.
                Target::New if piece.name.is_some() => Target::New,
                Target::New if index_is_known => Target::Unclear,
                Target::New => self.pick(false, has_id),
                found => found,
            };
        }
        match (&piece.id, &piece.name) {
            (Some(_), _) if begins => Target::New,
            // A new id without arguments is a new call, or the same call under another id.
            (Some(_), name) => self.pick(name.is_some() && piece.is_blank(), |call| {
                has_index(call) && has_name(call)
            }),
            (None, _) if index_is_known => {
                self.pick(begins, |call| has_index(call) && has_name(call))
            }
            (None, Some(_)) => Target::New,
            (None, None) => self.pick(false, |_| true),
        }
    }

    /// Returns the one call that `fits`. Of several, or if the piece `begins` an input, the one
    /// whose input is not complete.
    fn pick(&self, begins: bool, fits: impl Fn(&Call) -> bool) -> Target {
        let mut fitting = self.calls.iter().enumerate().filter(|(_, call)| fits(call));
        let Some((first, _)) = fitting.next() else {
            return Target::New;
        };
        if !begins && fitting.next().is_none() {
            return Target::Known(first);
        }
        let goes_on = |(_, call): &(usize, &Call)| fits(call) && !call.structure.is_complete();
        let mut unfinished = self.calls.iter().enumerate().filter(goes_on);
        match (unfinished.next(), unfinished.next()) {
            (Some((at, _)), None) => Target::Known(at),
            (None, _) if begins => Target::New,
            _ => Target::Unclear,
        }
    }
}

impl Call {
    fn append(&mut self, piece: Piece, parts: &mut Vec<StreamPart>) {
        self.ids
            .extend(piece.id.filter(|id| !self.ids.contains(id)));
        self.indices
            .extend(piece.index.filter(|index| !self.indices.contains(index)));
        if let Some(delta) = piece.arguments {
            self.structure.append(&delta);
            self.arguments.push(&delta);
            parts.push(StreamPart::ToolInputDelta {
                id: self.id.clone(),
                delta,
            });
        }
    }

    fn into_part(self) -> StreamPart {
        let metadata = self.signature.map(thought_signature::to_metadata);
        StreamPart::ToolCall {
            tool_call_id: self.id,
            tool_name: self.name,
            input: self.arguments,
            provider_executed: None,
            dynamic: None,
            provider_metadata: metadata,
        }
    }
}

impl Piece {
    fn of(piece: &CallPiece<'_>) -> Self {
        Self {
            index: piece.index(),
            id: piece.id(),
            name: piece.name(),
            arguments: piece.arguments(),
            signature: piece.thought_signature(),
        }
    }

    fn absorb(&mut self, later: Self) {
        self.index = later.index;
        self.name = later.name;
        self.id = self.id.take().or(later.id);
        self.signature = self.signature.take().or(later.signature);
        match (&mut self.arguments, later.arguments) {
            (Some(arguments), Some(more)) => arguments.push(&more),
            (None, more) => self.arguments = more,
            (Some(_), None) => {}
        }
    }

    fn is_blank(&self) -> bool {
        self.arguments
            .as_ref()
            .is_none_or(|arguments| arguments.to_text().trim().is_empty())
    }
}
