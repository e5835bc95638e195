//! How answers look: for programs the API's JSON as it is, for people words of their language, colours where a terminal shows
//! them, and tables that fit its width.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::reach::variable;
use super::{Failure, answer};
use crate::web::faults::Phrases;
use crate::web::language::{Language, Texts};
use crate::web::templates;

const EN: &str = include_str!("../../locales/cli/en.toml");
const ZH: &str = include_str!("../../locales/cli/zh-CN.toml");
const FAULTS: &str = include_str!("../../locales/faults.toml");

/// The flags that say how to answer.
#[derive(Debug, Default, Args)]
pub(super) struct LookFlags {
    /// Answer with the API's JSON.
    #[arg(long, global = true, help_heading = "How to answer")]
    json: bool,
    /// en or zh; by default what BELFRY_LANG, LC_ALL, LC_MESSAGES or LANG say.
    #[arg(long, value_name = "LANGUAGE", global = true, help_heading = "How to answer")]
    lang: Option<String>,
    /// When to use colours; NO_COLOR in the environment means never.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true, help_heading = "How to answer")]
    color: When,
}

#[derive(Debug, Default, Clone, Copy, ValueEnum)]
enum When {
    #[default]
    Auto,
    Always,
    Never,
}

/// How this command answers.
pub(super) struct Look {
    json: bool,
    language: Language,
    /// Texts of the commands, and those that the pages have already.
    texts: [Texts; 2],
    phrases: Phrases,
    colours: bool,
    /// Columns of the terminal; `None` where the answer goes elsewhere.
    width: Option<usize>,
}

/// What a piece of an answer means, and so how it is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
    Warning,
    /// Going on now.
    Active,
    Faint,
    Strong,
}

impl LookFlags {
    /// # Errors
    /// [`Failure::Usage`] for a language there is not.
    pub(super) fn look(&self) -> Result<Look, Failure> {
        let language = match (&self.lang, variable("BELFRY_LANG")) {
            (Some(given), _) => named("--lang", given)?,
            (None, Some(given)) => named("BELFRY_LANG", &given)?,
            (None, None) => of_system(["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(variable).as_deref()),
        };
        let own = Texts::parse(if language == Language::English { EN } else { ZH }).map_err(Failure::Failed)?;
        Ok(Look {
            json: self.json,
            language,
            texts: [own, templates::texts(language).map_err(Failure::Failed)?],
            phrases: Phrases::parse(FAULTS, language).map_err(Failure::Failed)?,
            colours: self.colours(),
            width: terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0)),
        })
    }

    fn colours(&self) -> bool {
        match self.color {
            When::Always => true,
            When::Never => false,
            // Also makes a Windows console understand them.
            When::Auto => anstream::AutoStream::auto(std::io::stdout()).current_choice() != anstream::ColorChoice::Never,
        }
    }
}

fn named(shown: &str, given: &str) -> Result<Language, Failure> {
    let word = given.to_ascii_lowercase().replace('_', "-");
    match word.split(['-', '.']).next() {
        Some("en") => Ok(Language::English),
        Some("zh") => Ok(Language::Chinese),
        _ => Err(Failure::Usage(format!("{shown}: '{given}' is not a language that Belfry speaks; use en or zh"))),
    }
}

/// The language of a locale such as `zh_CN.UTF-8`; English where it is another.
fn of_system(locale: Option<&str>) -> Language {
    let chinese = locale.is_some_and(|locale| locale.to_ascii_lowercase().starts_with("zh"));
    if chinese { Language::Chinese } else { Language::English }
}

impl Look {
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    pub(super) fn language(&self) -> Language {
        self.language
    }

    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    /// A text of `locales/cli/`, or one of the pages'.
    pub(super) fn text(&self, key: &str) -> String {
        let [own, pages] = &self.texts;
        own.find(key).or_else(|| pages.find(key)).unwrap_or(key).to_owned()
    }

    /// A text with `{name}` replaced by what is given for it.
    pub(super) fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        values.iter().fold(self.text(key), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// A message of the services in the reader's language, where its translation is known.
    pub(super) fn translate(&self, message: &str) -> String {
        self.phrases.translate(message)
    }

    /// The word for an execution's status, and how it is shown.
    pub(super) fn status(&self, word: &str) -> (String, Tone) {
        let tone = match word {
            "succeeded" => Tone::Good,
            "failed" | "timed_out" | "interrupted" => Tone::Bad,
            "missed" | "skipped" => Tone::Warning,
            "queued" | "running" => Tone::Active,
            _ => Tone::Faint,
        };
        (self.text(&format!("status.{word}")), tone)
    }

    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warning => "33",
            Tone::Active => "36",
            Tone::Faint => "2",
            Tone::Strong => "1",
            Tone::Plain => "",
        };
        if !self.colours || code.is_empty() || text.is_empty() { text.to_owned() } else { format!("\x1b[{code}m{text}\x1b[0m") }
    }

    /// Answers with JSON for programs, or what `people` makes of it.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub(super) fn show(&self, value: &Value, people: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        if !self.json {
            return answer(&people(value));
        }
        let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
        answer(&format!("{text}\n"))
    }

    /// Answers one line to people, and nothing to programs.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub(super) fn say(&self, key: &str, values: &[(&str, &str)]) -> Result<(), Failure> {
        if self.json { Ok(()) } else { answer(&self.line(key, values)) }
    }

    /// A text as a line of its own.
    pub(super) fn line(&self, key: &str, values: &[(&str, &str)]) -> String {
        format!("{}\n", self.fill(key, values))
    }

    /// Says something beside the answer, on the error stream.
    pub(super) fn note(&self, text: &str) {
        use std::io::Write;
        let _nobody_reads = writeln!(std::io::stderr(), "{text}");
    }
}

/// An instant of an answer without its milliseconds, `2026-11-21 08:00:00 +08:00`; a dash where there is none.
pub(super) fn instant(value: &Value) -> String {
    let Some(text) = value.as_str() else { return "–".to_owned() };
    match (text.get(..10), text.get(11..19), text.get(23..)) {
        (Some(date), Some(time), Some(offset)) => format!("{date} {time} {offset}"),
        _ => text.to_owned(),
    }
}

/// A text of an answer; empty where there is none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_system_says_which_language() {
        for (locale, language) in [
            ("zh_CN.UTF-8", Language::Chinese),
            ("ZH", Language::Chinese),
            ("C", Language::English),
            ("en_GB", Language::English),
        ] {
            assert_eq!(of_system(Some(locale)), language, "{locale}");
        }
        assert_eq!(named("--lang", "zh-CN").ok(), Some(Language::Chinese));
        assert!(named("--lang", "de").is_err());
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        let keys = |toml: &str| Texts::parse(toml).expect("reads").keys().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(keys(EN), keys(ZH));
    }

    #[test]
    fn instants_are_shown_to_the_second() {
        assert_eq!(instant(&json!("2026-11-21T08:00:00.123+08:00")), "2026-11-21 08:00:00 +08:00");
        assert_eq!(instant(&Value::Null), "–");
    }
}
