//! The mask of one run: all known secrets, its secret inputs, and the texts that its parameters made of secrets.

use std::sync::{Arc, OnceLock};

use crate::domain::mask::Mask;
use crate::vault::Vault;

/// What is masked in everything that a run records.
pub(super) struct RunMask {
    vault: Arc<Vault>,
    /// The values of its secret inputs; set once they are read.
    inputs: OnceLock<Vec<String>>,
    /// Texts made of secrets; set once the parameters are rendered.
    derived: OnceLock<Vec<String>>,
}

impl RunMask {
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault, inputs: OnceLock::new(), derived: OnceLock::new() }
    }

    /// Masks the values of secret inputs too.
    pub fn add_inputs(&self, values: Vec<String>) {
        let _ = self.inputs.set(values); // a run reads its inputs once
    }

    /// Masks these texts too.
    pub fn add(&self, derived: Vec<String>) {
        let _ = self.derived.set(derived); // a run renders its parameters once
    }

    /// The current mask; secrets that were changed meanwhile are included.
    pub fn mask(&self) -> Arc<Mask> {
        let known = self.vault.mask();
        let own: Vec<&str> =
            [&self.inputs, &self.derived].into_iter().filter_map(OnceLock::get).flatten().map(String::as_str).collect();
        if own.is_empty() { known } else { Arc::new(known.with_values(own)) }
    }
}
