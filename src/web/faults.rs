//! Translation of validation and error messages. The services return English messages; `locales/faults.toml` maps known
//! message patterns to other languages.

use super::language::Language;
use crate::domain::fault::Fault;

/// Message patterns with their translations; each pattern is its fixed parts between placeholders.
#[derive(Debug, Default)]
pub struct MessageTranslations(Vec<(Vec<String>, String)>);

impl MessageTranslations {
    /// Parses the table of a language; without a table, messages stay in English.
    ///
    /// # Errors
    /// The parse error of the file.
    pub fn parse(toml: &str, language: Language) -> Result<MessageTranslations, String> {
        let table: toml::Table = toml.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let Some(translations) = table.get(language.tag()).and_then(toml::Value::as_table) else {
            return Ok(MessageTranslations::default());
        };
        let mut read: Vec<(Vec<String>, String)> = Vec::new();
        for (message, translation) in translations {
            let translation = translation.as_str().ok_or_else(|| format!("{message}: must be a string"))?;
            read.push((message.split("{}").map(str::to_owned).collect(), translation.to_owned()));
        }
        // The most specific pattern matches first.
        read.sort_by_key(|(parts, _)| std::cmp::Reverse(parts.iter().map(String::len).sum::<usize>()));
        Ok(MessageTranslations(read))
    }

    /// Translates the messages of faults.
    pub fn translate_all(&self, faults: &[Fault]) -> Vec<Fault> {
        faults.iter().map(|fault| Fault::new(fault.pointer.clone(), self.translate(&fault.message))).collect()
    }

    /// Translates a message; a field name before the first colon is kept. Unknown messages are returned unchanged.
    pub fn translate(&self, message: &str) -> String {
        if let Some(text) = self.translate_exact(message) {
            return text;
        }
        let named = message.split_once(": ").and_then(|(name, rest)| Some(format!("{name}: {}", self.translate_exact(rest)?)));
        named.unwrap_or_else(|| message.to_owned())
    }

    fn translate_exact(&self, message: &str) -> Option<String> {
        self.0.iter().find_map(|(parts, translation)| {
            let values = match_pattern(parts, message)?;
            let filled =
                values.iter().enumerate().fold(translation.clone(), |text, (n, value)| text.replace(&format!("{{{n}}}"), value));
            Some(filled)
        })
    }
}

/// Returns the values of the placeholders, or `None` if the message does not match the pattern.
fn match_pattern<'a>(parts: &[String], message: &'a str) -> Option<Vec<&'a str>> {
    let (first, rest) = parts.split_first()?;
    let mut left = message.strip_prefix(first.as_str())?;
    let mut found = Vec::new();
    for (index, part) in rest.iter().enumerate() {
        let last = index + 1 == rest.len();
        let (value, after) = match (last, part.is_empty()) {
            (true, true) => (left, ""),
            (true, false) => (left.strip_suffix(part.as_str())?, ""),
            (false, _) => left.split_once(part.as_str())?,
        };
        found.push(value);
        left = after;
    }
    left.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translations() -> MessageTranslations {
        let toml = "[zh-CN]\n\"{} is not between {} and {}\" = \"{0} 不在 {1} 到 {2} 之间\"\n\"is required\" = \"必填\"\n\
            \"must be {}, not {}\" = \"应为 {0}，而不是 {1}\"\n\"must be a text, not {}\" = \"应为文本，而不是 {0}\"";
        MessageTranslations::parse(toml, Language::Chinese).expect("valid TOML")
    }

    #[test]
    fn unknown_messages_are_unchanged() {
        let translations = translations();
        assert_eq!(translations.translate("hour: 25 is not between 0 and 23"), "hour: 25 不在 0 到 23 之间");
        assert_eq!(translations.translate("is required"), "必填");
        assert_eq!(translations.translate("url: must be a text, not 5"), "url: 应为文本，而不是 5");
        for other in ["is required!", "something else", "hour: 25", ""] {
            assert_eq!(translations.translate(other), other);
        }
    }

    #[test]
    fn messages_stay_english_without_a_table() {
        let english = MessageTranslations::parse("[zh-CN]\n\"a\" = \"b\"", Language::English).expect("valid TOML");
        assert_eq!(english.translate("a"), "a");
    }
}
