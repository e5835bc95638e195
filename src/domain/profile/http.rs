//! An HTTP service and how to sign in to it: `[http.<name>]`.

/// An HTTP service and how to sign in to it: `[http.<name>]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Http {}

impl Http {
    /// What is missing or does not go together.
    ///
    /// # Errors
    /// A message that names the key and what would be right; no secret is in it.
    pub fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
