//! The mask of one run: all known secrets, and the texts that its parameters made of secrets.

use std::sync::{Arc, OnceLock};

use crate::domain::mask::Mask;
use crate::vault::Vault;

/// What is masked in everything that a run records.
pub(super) struct RunMask {
    vault: Arc<Vault>,
    /// Texts made of secrets; set once the parameters are rendered.
    derived: OnceLock<Vec<String>>,
}

impl RunMask {
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault, derived: OnceLock::new() }
    }

    /// Masks these texts too.
    pub fn add(&self, derived: Vec<String>) {
        let _ = self.derived.set(derived); // a run renders its parameters once
    }

    /// The current mask; secrets that were changed meanwhile are included.
    pub fn mask(&self) -> Arc<Mask> {
        let known = self.vault.mask();
        match self.derived.get() {
            Some(derived) if !derived.is_empty() => Arc::new(known.with_values(derived.iter().map(String::as_str))),
            _ => known,
        }
    }
}
