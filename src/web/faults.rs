//! Faults in the reader's language. The services speak English; the messages they are known to give have a translation in
//! `locales/faults.toml`, found by their fixed words.

use super::language::Language;
use crate::domain::fault::Fault;

/// Messages with their translation: fixed words with gaps between them.
#[derive(Debug, Default)]
pub struct Phrases(Vec<(Vec<String>, String)>);

impl Phrases {
    /// Reads the table of a language; a language without one keeps the services' words.
    ///
    /// # Errors
    /// The message of a file that does not read.
    pub fn parse(toml: &str, language: Language) -> Result<Phrases, String> {
        let table: toml::Table = toml.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let Some(phrases) = table.get(language.tag()).and_then(toml::Value::as_table) else { return Ok(Phrases::default()) };
        let mut read: Vec<(Vec<String>, String)> = Vec::new();
        for (message, translation) in phrases {
            let translation = translation.as_str().ok_or_else(|| format!("{message}: must be a text"))?;
            read.push((message.split("{}").map(str::to_owned).collect(), translation.to_owned()));
        }
        // The more is fixed, the surer the match.
        read.sort_by_key(|(words, _)| std::cmp::Reverse(words.iter().map(String::len).sum::<usize>()));
        Ok(Phrases(read))
    }

    /// The faults, each message translated where it is known.
    pub fn of(&self, faults: &[Fault]) -> Vec<Fault> {
        faults.iter().map(|fault| Fault::new(fault.pointer.clone(), self.translate(&fault.message))).collect()
    }

    /// A message translated; the field's name before the first colon stays.
    pub fn translate(&self, message: &str) -> String {
        if let Some(text) = self.whole(message) {
            return text;
        }
        let named = message.split_once(": ").and_then(|(name, rest)| Some(format!("{name}: {}", self.whole(rest)?)));
        named.unwrap_or_else(|| message.to_owned())
    }

    fn whole(&self, message: &str) -> Option<String> {
        self.0.iter().find_map(|(words, translation)| {
            let gaps = gaps(words, message)?;
            let filled =
                gaps.iter().enumerate().fold(translation.clone(), |text, (n, gap)| text.replace(&format!("{{{n}}}"), gap));
            Some(filled)
        })
    }
}

/// What stands in the gaps between the fixed words, or `None` where the message is another.
fn gaps<'a>(words: &[String], message: &'a str) -> Option<Vec<&'a str>> {
    let (first, rest) = words.split_first()?;
    let mut left = message.strip_prefix(first.as_str())?;
    let mut found = Vec::new();
    for (place, word) in rest.iter().enumerate() {
        let last = place + 1 == rest.len();
        let (gap, after) = match (last, word.is_empty()) {
            (true, true) => (left, ""),
            (true, false) => (left.strip_suffix(word.as_str())?, ""),
            (false, _) => left.split_once(word.as_str())?,
        };
        found.push(gap);
        left = after;
    }
    left.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases() -> Phrases {
        let toml = "[zh-CN]\n\"{} is not between {} and {}\" = \"{0} 不在 {1} 到 {2} 之间\"\n\"is required\" = \"必填\"\n\
            \"must be {}, not {}\" = \"应为 {0}，而不是 {1}\"\n\"must be a text, not {}\" = \"应为文本，而不是 {0}\"";
        Phrases::parse(toml, Language::Chinese).expect("reads")
    }

    #[test]
    fn known_messages_are_translated_and_others_kept() {
        let phrases = phrases();
        assert_eq!(phrases.translate("hour: 25 is not between 0 and 23"), "hour: 25 不在 0 到 23 之间");
        assert_eq!(phrases.translate("is required"), "必填");
        assert_eq!(phrases.translate("url: must be a text, not 5"), "url: 应为文本，而不是 5");
        for other in ["is required!", "something else", "hour: 25", ""] {
            assert_eq!(phrases.translate(other), other);
        }
    }

    #[test]
    fn a_language_without_a_table_keeps_the_words() {
        let english = Phrases::parse("[zh-CN]\n\"a\" = \"b\"", Language::English).expect("reads");
        assert_eq!(english.translate("a"), "a");
    }
}
