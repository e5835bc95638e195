//! The error of the settings.

use crate::i18n::Message;

/// An error in the settings, as one line for the user: its origin, the setting and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub Message);
