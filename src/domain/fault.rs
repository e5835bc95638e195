//! Validation faults, in a form that the JSON API and the pages both render.

use serde::{Serialize, Serializer};

use crate::i18n::Message;

/// The most faults of a list or an object that are reported. A body of a megabyte can hold a million faults, each of which takes more
/// memory than what is wrong.
pub const MAX_FAULTS: usize = 100;

/// One validation fault: where (JSON Pointer into the request body, `""` for the whole body) and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    pub pointer: String,
    /// In JSON: its English words.
    #[serde(serialize_with = "in_english")]
    pub message: Message,
}

impl Fault {
    pub fn new(pointer: impl Into<String>, message: Message) -> Self {
        Self { pointer: pointer.into(), message }
    }
}

fn in_english<S: Serializer>(message: &Message, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(message)
}

/// Escapes a name as a reference token of a JSON Pointer (RFC 6901).
pub fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.message.fmt(f)
    }
}
