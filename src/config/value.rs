//! A value as it was written, and how each kind of setting reads it. Messages say what was given and what is allowed; the
//! place is put in front by the caller.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use chrono_tz::Tz;

use super::Secret;

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
    /// Text of a variable or a flag, which has no type of its own.
    Untyped(String),
    /// What no setting takes; names it.
    Other(&'static str),
}

type Read<T> = Result<T, String>;

impl Value {
    /// A text that is not empty.
    pub fn text(&self) -> Read<String> {
        match self {
            Value::Text(text) | Value::Untyped(text) if !text.trim().is_empty() => Ok(text.clone()),
            _ => Err(format!("{} is not a text with something in it", self.shown())),
        }
    }

    /// A text that must not be shown, not even where it is wrong.
    pub fn secret(&self) -> Read<Secret> {
        self.text().map(Secret::new).map_err(|_| "the value is not a text with something in it".to_owned())
    }

    /// A list of texts; in a variable or a flag, parted by commas.
    pub fn texts(&self) -> Read<Vec<String>> {
        let list = match self {
            Value::List(list) => list.clone(),
            Value::Untyped(text) => text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
            _ => return Err(format!("{} is not a list of texts, such as [\"a\", \"b\"]", self.shown())),
        };
        match list.iter().any(|text| text.trim().is_empty()) {
            true => Err("a text in the list is empty".to_owned()),
            false => Ok(list),
        }
    }

    /// A list of folders, each by its whole path.
    pub fn folders(&self) -> Read<Vec<PathBuf>> {
        let folders: Vec<PathBuf> = self.texts()?.into_iter().map(PathBuf::from).collect();
        match folders.iter().find(|folder| !folder.is_absolute()) {
            Some(folder) => Err(format!("'{}' is not a whole path", folder.display())),
            None => Ok(folders),
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Read<T> {
        let given = match self {
            Value::Text(text) | Value::Untyped(text) => text.as_str(),
            _ => "",
        };
        let found = choices.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            format!("{} is not one of: {}", self.shown(), words.join(", "))
        })
    }

    /// A whole number within a range.
    pub fn number<N: TryFrom<i64>>(&self, range: RangeInclusive<i64>) -> Read<N> {
        let number = match self {
            Value::Integer(number) => Some(*number),
            Value::Untyped(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|n| range.contains(n)).and_then(|n| N::try_from(n).ok());
        number.ok_or_else(|| format!("{} is not a whole number from {} to {}", self.shown(), range.start(), range.end()))
    }

    pub fn boolean(&self) -> Read<bool> {
        match self {
            Value::Boolean(value) => Ok(*value),
            Value::Untyped(text) if text == "true" => Ok(true),
            Value::Untyped(text) if text == "false" => Ok(false),
            _ => Err(format!("{} is not true or false", self.shown())),
        }
    }

    /// An IANA time zone.
    pub fn zone(&self) -> Read<Tz> {
        let text = self.text()?;
        text.parse().map_err(|_| format!("'{text}' is not a time zone; use an IANA name such as Asia/Shanghai or UTC"))
    }

    /// `host:port`.
    pub fn address(&self) -> Read<String> {
        let text = self.text()?;
        let fits = text.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok());
        if fits { Ok(text) } else { Err(format!("'{text}' is not an address; use host:port, such as 127.0.0.1:8398")) }
    }

    /// `http://host[:port]` or `https://host[:port]`, without a path.
    pub fn origin(&self) -> Read<String> {
        let text = self.text()?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let place = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match place.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse::<u16>().is_ok()),
            None => (place, true),
        };
        match port && is_host(host) && !host.contains(['/', '?', '#', '@']) {
            true => Ok(text.strip_suffix('/').unwrap_or(&text).to_owned()),
            false => Err(format!("{} is not an address such as https://belfry.example.com, without a path", self.shown())),
        }
    }

    fn shown(&self) -> String {
        match self {
            Value::Text(text) | Value::Untyped(text) => format!("'{}'", cut(text)),
            Value::Integer(number) => number.to_string(),
            Value::Boolean(value) => value.to_string(),
            Value::List(_) => "a list".to_owned(),
            Value::Other(kind) => (*kind).to_owned(),
        }
    }
}

/// A name, an IPv4 address or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains(':') && !host.contains(char::is_whitespace),
    }
}

/// Long values would hide the message.
fn cut(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}
