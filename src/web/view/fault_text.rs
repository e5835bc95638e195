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

    pub fn from_fault(fault: &Fault, language: Language) -> FaultText {
        FaultText::new(fault.pointer.clone(), fault.message.text(language))
    }
}
