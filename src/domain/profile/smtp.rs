//! A mail server and how to sign in to it: `[smtp.<name>]`.

/// A mail server and how to sign in to it: `[smtp.<name>]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Smtp {}

impl Smtp {
    /// What is missing or does not go together.
    ///
    /// # Errors
    /// A message that names the key and what would be right; no secret is in it.
    pub fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
