//! One setting: its name, default, meaning, type and how its value is read.

use super::Settings;
use super::value::Value;
use crate::i18n::{Message, message};

/// One setting.
pub struct Setting {
    /// The TOML table; empty for the top level. `smtp.*` stands for any table below `[smtp]`.
    pub section: &'static str,
    /// `*` if the user chooses the keys.
    pub key: &'static str,
    /// As written in the file; empty if there is none or it depends on the machine.
    pub default: &'static str,
    pub help: &'static str,
    pub value_type: ValueType,
    /// Whether the value may also come from a file named by the variable with `_FILE`.
    pub secret: bool,
    pub(super) apply: Apply,
}

/// The type of a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    Text,
    Path,
    Integer,
    Boolean,
    /// One of the words in the help text.
    Choice,
    TextList,
    PathList,
    /// An IANA time zone.
    Zone,
    /// `host:port`.
    Address,
    /// A URL without a path.
    Url,
}

impl ValueType {
    /// The name of the type in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::Text => "string",
            ValueType::Path => "path",
            ValueType::Integer => "integer",
            ValueType::Boolean => "boolean",
            ValueType::Choice => "choice",
            ValueType::TextList => "list of strings",
            ValueType::PathList => "list of paths",
            ValueType::Zone => "time zone",
            ValueType::Address => "host:port",
            ValueType::Url => "URL",
        }
    }
}

/// Reads a value into the settings. The string is the user's name if the key or the end of the section is `*`.
pub(super) type Apply = fn(&mut Settings, &str, &Value) -> Result<(), Message>;

/// Declares a table of settings: `["section"] "key" Type "default" "help" => settings.place = value;`, after `secret` for a
/// secret. The names between the bars are those of the settings, the user's name and the value in the assignments.
macro_rules! settings {
    (@secret) => { false };
    (@secret secret) => { true };
    (
        $vis:vis $table:ident |$settings:ident, $name:ident, $value:ident|
        $([$section:expr] $($($secret:ident)? $key:literal $value_type:ident $default:literal $help:literal => $apply:expr;)+)+
    ) => {
        $vis const $table: &[$crate::config::setting::Setting] = &[$($(
            $crate::config::setting::Setting {
                section: $section,
                key: $key,
                default: $default,
                help: $help,
                value_type: $crate::config::setting::ValueType::$value_type,
                secret: $crate::config::setting::settings!(@secret $($secret)?),
                apply: |$settings, $name, $value| {
                    let _ = $name;
                    $apply;
                    Ok(())
                },
            },
        )+)+];
    };
}
pub(super) use settings;

impl Setting {
    /// `section.key`.
    pub fn path(&self) -> String {
        if self.section.is_empty() { self.key.to_owned() } else { format!("{}.{}", self.section, self.key) }
    }

    /// The environment variable, with `*` in place of the user's name.
    pub fn variable(&self) -> String {
        format!("BELFRY_{}", self.path().replace('.', "_").to_uppercase())
    }

    /// The user's name in a variable of this setting, empty if the setting has none; `None` if the variable is of another
    /// setting.
    pub(super) fn name_in_variable(&self, variable: &str) -> Option<String> {
        let own = self.variable();
        let Some((before, after)) = own.split_once('*') else { return (own == variable).then(String::new) };
        let name = variable.strip_prefix(before)?.strip_suffix(after)?;
        (!name.is_empty()).then(|| name.to_lowercase())
    }
}

/// Validates a name chosen by the user: only lower case, because names are part of environment variables.
pub(super) fn check_name(name: &str) -> Result<(), Message> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(message!("setting.name"));
    }
    Ok(())
}
