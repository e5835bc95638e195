//! One setting as it was given: which, what, and where, so that a fault can be pointed at.

use std::fmt;

use super::table::{self, Setting};
use super::value::Value;
use super::{Flag, Settings};

/// What is wrong with the settings, in one line for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// File name, line from 1, section (empty for the top) and key as written.
    File {
        file: String,
        line: usize,
        section: String,
        key: String,
    },
    /// A variable; with `_FILE` where the value came from a file.
    Variable(String),
    Flag(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { file, line, section, key } if section.is_empty() => write!(f, "{file}:{line}: {key}"),
            Place::File { file, line, section, key } => write!(f, "{file}:{line}: [{section}] {key}"),
            Place::Variable(name) | Place::Flag(name) => f.write_str(name),
        }
    }
}

/// A setting with the value it was given.
pub struct Given {
    pub setting: &'static Setting,
    /// The name of a queue or profile, where the user chooses it.
    pub name: String,
    pub value: Value,
    pub place: Place,
}

impl Given {
    /// Puts the value in its place.
    ///
    /// # Errors
    /// What the value should have been.
    pub fn apply(&self, settings: &mut Settings) -> Result<(), SettingsError> {
        let applied = (self.setting.apply)(settings, &self.name, &self.value);
        applied.map_err(|message| SettingsError(format!("{}: {message}", self.place)))
    }
}

/// A setting given on the command line.
///
/// # Errors
/// Where there is no such setting.
pub fn from_flag(flag: &Flag) -> Result<Given, SettingsError> {
    let (section, key) = flag.setting.rsplit_once('.').unwrap_or(("", &flag.setting));
    let value = Value::Untyped(flag.text.clone());
    match table::find(section, key) {
        Some((setting, name)) => Ok(Given { setting, name, value, place: Place::Flag(flag.shown.clone()) }),
        None => {
            let hint = table::did_you_mean(&flag.setting, table::all().map(Setting::path));
            Err(SettingsError(format!("{}: unknown setting{hint}", flag.shown)))
        }
    }
}
