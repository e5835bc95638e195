//! A database that tasks may use: `[datasource.<name>]`.

/// A database that tasks may use: `[datasource.<name>]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Datasource {}

impl Datasource {
    /// What is missing or does not go together.
    ///
    /// # Errors
    /// A message that names the key and what would be right; no secret is in it.
    pub fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
