//! A value as written, and its conversion to the types of settings. Error messages contain the value and what is allowed; the
//! caller adds the origin.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::Secret;
use crate::domain::input::truncate;
use crate::domain::trigger::zone_advice;
use crate::i18n::{Message, message};

/// Maximum length of a value in messages, in characters, so that a long value does not hide the message.
const SHOWN_MAX: usize = 60;

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A TOML string.
    Text(String),
    /// A TOML integer.
    Integer(i64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML list of strings.
    List(Vec<String>),
    /// The text of an environment variable or a flag, which has no type.
    Untyped(String),
    /// A type that no setting accepts; holds its description.
    Other(Message),
}

type Read<T> = Result<T, Message>;

impl Value {
    /// A non-empty string.
    pub fn text(&self) -> Read<String> {
        match self {
            Value::Text(text) | Value::Untyped(text) if !text.trim().is_empty() => Ok(text.clone()),
            _ => Err(message!("setting.not_text", value = self.shown())),
        }
    }

    /// A secret; its value is not part of error messages.
    pub fn secret(&self) -> Read<Secret> {
        self.text().map(Secret::new).map_err(|_| message!("setting.not_text", value = message!("setting.the_value")))
    }

    /// A list of strings; in a variable or a flag, separated by commas.
    pub fn texts(&self) -> Read<Vec<String>> {
        let list = match self {
            Value::List(list) => list.clone(),
            Value::Untyped(text) => text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
            _ => return Err(message!("setting.not_list", value = self.shown())),
        };
        match list.iter().any(|text| text.trim().is_empty()) {
            true => Err(message!("setting.empty_item")),
            false => Ok(list),
        }
    }

    /// A list of folders with absolute paths.
    pub fn folders(&self) -> Read<Vec<PathBuf>> {
        let folders: Vec<PathBuf> = self.texts()?.into_iter().map(PathBuf::from).collect();
        match folders.iter().find(|folder| !folder.is_absolute()) {
            Some(folder) => Err(not_absolute(folder)),
            None => Ok(folders),
        }
    }

    /// A folder with an absolute path.
    pub fn folder(&self) -> Read<PathBuf> {
        let folder = PathBuf::from(self.text()?);
        if folder.is_absolute() { Ok(folder) } else { Err(not_absolute(&folder)) }
    }

    /// One of the given choices.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Read<T> {
        let text = match self {
            Value::Text(text) | Value::Untyped(text) => text.as_str(),
            _ => "",
        };
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            message!("value.not_one_of", value = self.shown(), known = words.join(", "))
        })
    }

    /// An integer within a range.
    pub fn number<N: TryFrom<i64>>(&self, range: RangeInclusive<i64>) -> Read<N> {
        let number = match self {
            Value::Integer(number) => Some(*number),
            Value::Untyped(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|n| range.contains(n)).and_then(|n| N::try_from(n).ok());
        number.ok_or_else(|| message!("setting.not_integer", value = self.shown(), min = *range.start(), max = *range.end()))
    }

    pub fn boolean(&self) -> Read<bool> {
        match self {
            Value::Boolean(value) => Ok(*value),
            Value::Untyped(text) if text == "true" => Ok(true),
            Value::Untyped(text) if text == "false" => Ok(false),
            _ => Err(message!("setting.not_boolean", value = self.shown())),
        }
    }

    /// An IANA time zone.
    pub fn zone(&self) -> Read<Tz> {
        let text = self.text()?;
        text.parse().map_err(|_| match zone_advice(&text) {
            Some(advice) => message!("setting.zone_to_write", value = self.shown(), advice),
            None => message!("setting.not_zone", value = self.shown()),
        })
    }

    /// `host:port`.
    pub fn address(&self) -> Read<String> {
        let text = self.text()?;
        let fits = text.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok());
        if fits { Ok(text) } else { Err(message!("setting.not_address", value = self.shown())) }
    }

    /// `http://host[:port]` or `https://host[:port]`, without a path.
    pub fn origin(&self) -> Read<String> {
        let text = self.text()?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse::<u16>().is_ok()),
            None => (authority, true),
        };
        match port && is_host(host) && !host.contains(['/', '?', '#', '@']) {
            true => Ok(text.strip_suffix('/').unwrap_or(&text).to_owned()),
            false => Err(message!("setting.not_origin", value = self.shown())),
        }
    }

    /// A path with a leading slash; empty for `/`. A trailing slash is dropped.
    pub fn base_path(&self) -> Read<String> {
        let text = self.text()?;
        let path = text.trim_end_matches('/');
        let plain = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
            !part.is_empty() && part.chars().all(known) && !part.chars().all(|c| c == '.')
        };
        match path.is_empty() || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(plain)) {
            true => Ok(path.to_owned()),
            false => Err(message!("setting.not_base_path", value = self.shown())),
        }
    }

    fn shown(&self) -> Message {
        match self {
            Value::Text(text) | Value::Untyped(text) => Message::verbatim(format!("'{}'", truncate(text, SHOWN_MAX))),
            Value::Integer(number) => Message::verbatim(number.to_string()),
            Value::Boolean(value) => Message::verbatim(value.to_string()),
            Value::List(_) => message!("kind.list"),
            Value::Other(kind) => kind.clone(),
        }
    }
}

/// Whether this is a host name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains(':') && !host.contains(char::is_whitespace),
    }
}

fn not_absolute(folder: &Path) -> Message {
    message!("setting.not_absolute", path = folder.display().to_string())
}
