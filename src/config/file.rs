//! Reader of `belfry.toml`, with the line of each key.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::assignment::{Assignment, Origin};
use super::error::SettingsError;
use super::table;
use super::value::Value;
use crate::i18n::{Message, message};

const DEFAULT_FILE: &str = "belfry.toml";

/// The assignments of the file, in their order. A file named explicitly (`--config`) must exist; the default one is optional.
///
/// # Errors
/// The first error in the file.
pub fn read(named: Option<(&str, PathBuf)>) -> Result<Vec<Assignment>, SettingsError> {
    let (from, path) = match &named {
        Some((from, path)) => (Some(*from), path.as_path()),
        None => (None, Path::new(DEFAULT_FILE)),
    };
    match (std::fs::read(path), from) {
        (Ok(bytes), _) => parse(&path.display().to_string(), bytes),
        (Err(error), None) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        (Err(error), from) => {
            let unreadable = message!("setting.unreadable", path = path.display().to_string(), reason = super::reason(&error));
            Err(SettingsError(match from {
                Some(from) => unreadable.of(from),
                None => unreadable,
            }))
        }
    }
}

fn parse(file: &str, bytes: Vec<u8>) -> Result<Vec<Assignment>, SettingsError> {
    let text = String::from_utf8(bytes).map_err(|e| {
        let line = 1 + e.as_bytes().iter().take(e.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
        SettingsError(message!("value.not_utf8").of(format!("{file}:{line}")))
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let reader = Reader { file, text };
    let table = DeTable::parse(text).map_err(|e| {
        let at = e.span().map_or(0, |span| span.start);
        SettingsError(Message::verbatim(e.message().replace('\n', ", ")).of(format!("{file}:{}", reader.line(at))))
    })?;
    let mut found = Vec::new();
    reader.section("", table.get_ref(), &mut found)?;
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, assignment)| assignment).collect()
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

/// The byte offset of each key with its assignment or error; sorted by offset, so that the first error of the file is reported.
type Found = Vec<(usize, Result<Assignment, SettingsError>)>;

impl Reader<'_> {
    fn section(&self, section: &str, table: &DeTable<'_>, found: &mut Found) -> Result<(), SettingsError> {
        for (key, value) in table {
            let inner = if section.is_empty() { key.get_ref().to_string() } else { format!("{section}.{}", key.get_ref()) };
            match value.get_ref() {
                DeValue::Table(table) if is_section(&inner) => self.section(&inner, table, found)?,
                _ => found.push((key.span().start, self.entry(section, key, value.get_ref()))),
            }
        }
        Ok(())
    }

    fn entry(
        &self,
        section: &str,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &DeValue<'_>,
    ) -> Result<Assignment, SettingsError> {
        let (line, name) = (self.line(key.span().start), key.get_ref().as_ref());
        let origin = Origin::File { file: self.file.to_owned(), line, section: section.to_owned(), key: name.to_owned() };
        if let (DeValue::Table(_), "") = (value, section) {
            let unknown = table::did_you_mean(message!("setting.unknown_section"), name, sections().map(str::to_owned));
            return Err(SettingsError(unknown.of(format!("{}:{line}: [{name}]", self.file))));
        }
        match table::find(section, name) {
            Some((setting, name)) => Ok(Assignment { setting, name, value: plain(value), origin }),
            None if is_section(format!("{section}.{name}").trim_start_matches('.')) => {
                Err(SettingsError(message!("setting.is_section").of(origin.to_string())))
            }
            None => {
                let here = |pattern: &str| pattern == section || table::name_in_section(pattern, section).is_some();
                let keys = table::all().filter(|s| here(s.section) && s.key != "*").map(|s| s.key.to_owned());
                Err(SettingsError(table::did_you_mean(message!("setting.unknown_key"), name, keys).of(origin.to_string())))
            }
        }
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }
}

fn sections() -> impl Iterator<Item = &'static str> {
    table::all().map(|setting| setting.section.trim_end_matches(".*")).filter(|section| !section.is_empty())
}

fn is_section(path: &str) -> bool {
    sections().any(|section| section == path)
        || table::all().any(|setting| table::name_in_section(setting.section, path).is_some())
}

fn texts(list: &[Spanned<DeValue<'_>>]) -> Option<Vec<String>> {
    list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other(message!("setting.number_out_of_range")),
        },
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Float(_) => Value::Other(message!("setting.float")),
        DeValue::Datetime(_) => Value::Other(message!("setting.date")),
        DeValue::Array(list) => texts(list).map_or_else(|| Value::Other(message!("setting.mixed_list")), Value::List),
        DeValue::Table(_) => Value::Other(message!("setting.table")),
    }
}
