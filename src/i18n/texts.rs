//! The texts of `locales/` by dotted key: of the pages and of the command line.

use std::collections::BTreeMap;

use super::template::{self, Part};
use super::{Language, locales};

/// The texts of one language, by dotted key.
#[derive(Debug, Clone)]
pub struct Texts(BTreeMap<String, Entry>);

/// A text and its parsed parts, so that filling it parses nothing.
#[derive(Debug, Clone)]
struct Entry {
    text: String,
    parts: Vec<Part>,
}

impl Texts {
    /// Loads the texts of the pages.
    ///
    /// # Errors
    /// The name of a missing file, or its parse error.
    pub fn for_pages(language: Language) -> Result<Texts, String> {
        Texts::load(&format!("{}.toml", language.tag()))
    }

    /// Loads the texts of the command line.
    ///
    /// # Errors
    /// The name of a missing file, or its parse error.
    pub fn for_cli(language: Language) -> Result<Texts, String> {
        Texts::load(&format!("cli/{}.toml", language.tag()))
    }

    /// Loads a file of `locales/`.
    pub(super) fn load(name: &str) -> Result<Texts, String> {
        Texts::parse(&locales::read(name)?).map_err(|error| format!("locales/{name}: {error}"))
    }

    /// Parses a locale file: the names of nested tables are joined with dots.
    ///
    /// # Errors
    /// The message of a file that is not TOML or has values other than strings and tables.
    pub fn parse(toml: &str) -> Result<Texts, String> {
        let table: toml::Table = toml.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let mut texts = BTreeMap::new();
        flatten("", &table, &mut texts)?;
        Ok(Texts(texts))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn find(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|entry| entry.text.as_str())
    }

    /// Returns the text, or the key itself if it is missing; a test checks that all used keys exist.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.find(key).unwrap_or(key)
    }

    /// Returns the text with its placeholders filled by values.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let value = |name: &str| values.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
        self.0.get(key).map_or_else(|| key.to_owned(), |entry| template::fill(&entry.parts, value))
    }

    pub(super) fn into_entries(self) -> BTreeMap<String, String> {
        self.0.into_iter().map(|(key, entry)| (key, entry.text)).collect()
    }
}

fn flatten(base: &str, table: &toml::Table, texts: &mut BTreeMap<String, Entry>) -> Result<(), String> {
    for (name, value) in table {
        let key = if base.is_empty() { name.clone() } else { format!("{base}.{name}") };
        match value {
            toml::Value::String(text) => drop(texts.insert(key, Entry { text: text.clone(), parts: template::parse(text) })),
            toml::Value::Table(inner) => flatten(&key, inner, texts)?,
            _ => return Err(format!("{key}: must be a text or a table")),
        }
    }
    Ok(())
}
