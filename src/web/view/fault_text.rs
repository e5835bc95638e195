//! Faults in the reader's language.

use serde::Serialize;

use crate::domain::fault::Fault;
use crate::i18n::Language;

/// A validation fault with its words.
#[derive(Debug, Clone, Serialize)]
pub struct FaultText {
    pub pointer: String,
    pub message: String,
}

impl FaultText {
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> FaultText {
        FaultText { pointer: pointer.into(), message: message.into() }
    }

    /// The message after the place that it is about, for faults that no field shows.
    pub fn with_pointer(&self) -> String {
        match self.pointer.as_str() {
            "" | "/params" => self.message.clone(),
            pointer => format!("{pointer}: {}", self.message),
        }
    }

    pub fn from_fault(fault: &Fault, language: Language) -> FaultText {
        FaultText::new(fault.pointer.clone(), fault.message.text(language))
    }
}
