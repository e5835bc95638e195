//! An assignment of a value to a setting, with its origin for error messages.

use std::fmt;

use super::error::SettingsError;
use super::setting::Setting;
use super::table;
use super::value::Value;
use super::{Flag, Settings};
use crate::i18n::message;

/// Where a setting was assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// File name, line from 1, section (empty for the top) and key as written.
    File { file: String, line: usize, section: String, key: String },
    /// The name of an environment variable; with `_FILE` if the value came from a file.
    Variable(String),
    /// A command-line flag as written.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { file, line, section, key } if section.is_empty() => write!(f, "{file}:{line}: {key}"),
            Origin::File { file, line, section, key } => write!(f, "{file}:{line}: [{section}] {key}"),
            Origin::Variable(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// A setting and the value assigned to it.
pub struct Assignment {
    pub setting: &'static Setting,
    /// The user's name of a queue or profile; empty for settings without one.
    pub name: String,
    pub value: Value,
    pub origin: Origin,
}

impl Assignment {
    /// Writes the value into `settings`.
    ///
    /// # Errors
    /// The value is not allowed; names the origin and what is allowed.
    pub fn apply(&self, settings: &mut Settings) -> Result<(), SettingsError> {
        let applied = (self.setting.apply)(settings, &self.name, &self.value);
        applied.map_err(|message| SettingsError(message.of(self.origin.to_string())))
    }
}

/// The assignment of a command-line flag.
///
/// # Errors
/// There is no such setting.
pub fn from_flag(flag: &Flag) -> Result<Assignment, SettingsError> {
    let (section, key) = flag.setting.rsplit_once('.').unwrap_or(("", &flag.setting));
    let value = Value::Untyped(flag.text.clone());
    match table::find(section, key) {
        Some((setting, name)) => Ok(Assignment { setting, name, value, origin: Origin::Flag(flag.shown.clone()) }),
        None => {
            let unknown = table::did_you_mean(message!("setting.unknown"), &flag.setting, table::all().map(Setting::path));
            Err(SettingsError(unknown.of(&flag.shown)))
        }
    }
}
