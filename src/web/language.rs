//! Languages and themes: the texts of `locales/` and the formatting of durations.

use std::collections::BTreeMap;

use crate::domain::trigger::Lang as RuleLang;
use crate::tasks::Text;

/// A language the pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

/// Color theme of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its BCP 47 tag, which is also the name of its file in `locales/`.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    pub fn parse(tag: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// Returns the language preferred by `Accept-Language` (RFC 9110); English if it names neither.
    pub fn negotiate(accept: &str) -> Language {
        let ranked = accept.split(',').filter_map(|part| {
            let (tag, quality) = part.split_once(";q=").map_or((part, 1.0), |(tag, q)| (tag, q.trim().parse().unwrap_or(0.0)));
            let language = match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
                "zh" => Language::Chinese,
                "en" => Language::English,
                _ => return None,
            };
            (quality > 0.0).then_some((language, quality))
        });
        let first = ranked.fold(None, |best: Option<(Language, f64)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        });
        first.map_or(Language::English, |(language, _)| language)
    }

    /// The language of trigger descriptions.
    pub fn rule_language(self) -> RuleLang {
        match self {
            Language::English => RuleLang::En,
            Language::Chinese => RuleLang::Zh,
        }
    }

    /// Picks this language of a task type's text.
    pub fn pick(self, text: &Text) -> &str {
        match self {
            Language::English => &text.en,
            Language::Chinese => &text.zh,
        }
    }

    /// Formats milliseconds as a duration: `120 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`, `3 d 4 h`.
    pub fn duration(self, ms: i64) -> String {
        let units = match self {
            Language::English => ["ms", "s", "min", "h", "d"],
            Language::Chinese => ["毫秒", "秒", "分", "小时", "天"],
        };
        let pair = |big: i64, unit: usize, small: i64| match small {
            0 => format!("{big} {}", units[unit]),
            _ => format!("{big} {} {small} {}", units[unit], units[unit - 1]),
        };
        let seconds = ms / 1000;
        match ms {
            ..1_000 => format!("{} {}", ms.max(0), units[0]),
            1_000..60_000 => format!("{}.{} {}", seconds, ms % 1000 / 100, units[1]),
            60_000..3_600_000 => pair(seconds / 60, 2, seconds % 60),
            3_600_000..86_400_000 => pair(seconds / 3600, 3, seconds % 3600 / 60),
            _ => pair(seconds / 86_400, 4, seconds % 86_400 / 3600),
        }
    }
}

impl Theme {
    pub fn parse(name: &str) -> Option<Theme> {
        [Theme::System, Theme::Light, Theme::Dark].into_iter().find(|theme| theme.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// The texts of one language, by dotted key.
#[derive(Debug, Clone)]
pub struct Texts(BTreeMap<String, String>);

impl Texts {
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
        self.0.get(key).map(String::as_str)
    }

    /// Returns the text, or the key itself if it is missing; a test checks that all used keys exist.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.find(key).unwrap_or(key)
    }

    /// Returns the text with `{name}` placeholders replaced by values.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        values.iter().fold(self.get(key).to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
}

fn flatten(base: &str, table: &toml::Table, texts: &mut BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in table {
        let key = if base.is_empty() { name.clone() } else { format!("{base}.{name}") };
        match value {
            toml::Value::String(text) => drop(texts.insert(key, text.clone())),
            toml::Value::Table(inner) => flatten(&key, inner, texts)?,
            _ => return Err(format!("{key}: must be a text or a table")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_negotiated_from_accept_language() {
        for (accept, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-US,en;q=0.9,zh;q=0.8", Language::English),
            ("fr,zh;q=0.1", Language::Chinese),
            ("zh;q=0,en;q=0.1", Language::English),
            ("zh;q=x", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::negotiate(accept), language, "{accept}");
        }
    }

    #[test]
    fn durations_in_both_languages() {
        let english: Vec<_> =
            [0, 120, 1_234, 59_999, 184_000, 7_500_000, 273_600_000].map(|ms| Language::English.duration(ms)).into();
        assert_eq!(english, ["0 ms", "120 ms", "1.2 s", "59.9 s", "3 min 4 s", "2 h 5 min", "3 d 4 h"]);
        assert_eq!(Language::Chinese.duration(184_000), "3 分 4 秒");
        assert_eq!(Language::Chinese.duration(3_600_000), "1 小时");
    }
}
