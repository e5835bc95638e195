//! An SMS provider and how to sign in to it: `[sms.<name>]`.

/// An SMS provider and how to sign in to it: `[sms.<name>]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sms {}

impl Sms {
    /// What is missing or does not go together.
    ///
    /// # Errors
    /// A message that names the key and what would be right; no secret is in it.
    pub fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
