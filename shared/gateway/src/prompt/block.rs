//! One step of an assistant message.

use super::model_message::{Content, ModelMessage};

/// The content of one step: text and calls of the model, and the results of its tools.
#[derive(Default)]
pub(super) struct Block<'a> {
    pub(super) content: Vec<Content<'a>>,
    pub(super) results: Vec<Content<'a>>,
}

impl<'a> Block<'a> {
    /// Appends the block's messages, if it has any content, and empties it.
    pub(super) fn close(&mut self, messages: &mut Vec<ModelMessage<'a>>) {
        if !self.content.is_empty() {
            messages.push(ModelMessage::Assistant(std::mem::take(&mut self.content)));
        }
        if !self.results.is_empty() {
            messages.push(ModelMessage::Tool(std::mem::take(&mut self.results)));
        }
    }
}
