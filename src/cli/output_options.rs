//! Output options: JSON for programs; localised text, colours and tables that fit the terminal for people.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::connection_args::variable;
use super::{Failure, answer};
use crate::web::faults::MessageTranslations;
use crate::web::language::{Language, Texts};
use crate::web::templates;

const EN: &str = include_str!("../../locales/cli/en.toml");
const ZH: &str = include_str!("../../locales/cli/zh-CN.toml");
const FAULTS: &str = include_str!("../../locales/faults.toml");

/// The output flags.
#[derive(Debug, Default, Args)]
pub(super) struct OutputFlags {
    /// Print the API's JSON.
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
    /// en or zh; by default from BELFRY_LANG, LC_ALL, LC_MESSAGES or LANG.
    #[arg(long, value_name = "LANGUAGE", global = true, help_heading = "Output")]
    lang: Option<String>,
    /// When to use colours; NO_COLOR in the environment disables them.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true, help_heading = "Output")]
    color: ColorChoice,
}

#[derive(Debug, Default, Clone, Copy, ValueEnum)]
enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// The output options of a command.
pub(super) struct OutputOptions {
    json: bool,
    language: Language,
    /// The texts of the command line, then those of the pages.
    texts: [Texts; 2],
    phrases: MessageTranslations,
    colours: bool,
    /// Columns of the terminal; `None` if the output is not a terminal.
    width: Option<usize>,
}

/// The meaning of a piece of text, which selects its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
    Warning,
    /// In progress.
    Active,
    Faint,
    Strong,
}

impl OutputFlags {
    /// Resolves the flags and the environment; [`Failure::Usage`] for an unsupported language.
    pub(super) fn output(&self) -> Result<OutputOptions, Failure> {
        let language = match (&self.lang, variable("BELFRY_LANG")) {
            (Some(given), _) => named("--lang", given)?,
            (None, Some(given)) => named("BELFRY_LANG", &given)?,
            (None, None) => from_locale(["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(variable).as_deref()),
        };
        let own = Texts::parse(if language == Language::English { EN } else { ZH }).map_err(Failure::Failed)?;
        Ok(OutputOptions {
            json: self.json,
            language,
            texts: [own, templates::texts(language).map_err(Failure::Failed)?],
            phrases: MessageTranslations::parse(FAULTS, language).map_err(Failure::Failed)?,
            colours: self.colours(),
            width: terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0)),
        })
    }

    fn colours(&self) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            // Also enables colours in a Windows console.
            ColorChoice::Auto => anstream::AutoStream::auto(std::io::stdout()).current_choice() != anstream::ColorChoice::Never,
        }
    }
}

fn named(shown: &str, given: &str) -> Result<Language, Failure> {
    let word = given.to_ascii_lowercase().replace('_', "-");
    match word.split(['-', '.']).next() {
        Some("en") => Ok(Language::English),
        Some("zh") => Ok(Language::Chinese),
        _ => Err(Failure::Usage(format!("{shown}: '{given}' is not a supported language; use en or zh"))),
    }
}

/// The language of a locale such as `zh_CN.UTF-8`; English for every other.
fn from_locale(locale: Option<&str>) -> Language {
    let chinese = locale.is_some_and(|locale| locale.to_ascii_lowercase().starts_with("zh"));
    if chinese { Language::Chinese } else { Language::English }
}

impl OutputOptions {
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    pub(super) fn language(&self) -> Language {
        self.language
    }

    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    /// A text of `locales/cli/`, or of the pages.
    pub(super) fn text(&self, key: &str) -> String {
        let [own, pages] = &self.texts;
        own.find(key).or_else(|| pages.find(key)).unwrap_or(key).to_owned()
    }

    /// A text with each `{name}` replaced by its value.
    pub(super) fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        values.iter().fold(self.text(key), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// Translates a message of the services where a translation exists.
    pub(super) fn translate(&self, message: &str) -> String {
        self.phrases.translate(message)
    }

    /// The text for an execution's status, and its tone.
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

    /// Prints JSON for programs, or the result of `people`.
    pub(super) fn show(&self, value: &Value, people: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        if !self.json {
            return answer(&people(value));
        }
        let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
        answer(&format!("{text}\n"))
    }

    /// Prints one line for people, and nothing with `--json`.
    pub(super) fn print_text(&self, key: &str, values: &[(&str, &str)]) -> Result<(), Failure> {
        if self.json { Ok(()) } else { answer(&self.line(key, values)) }
    }

    /// A text with a line break.
    pub(super) fn line(&self, key: &str, values: &[(&str, &str)]) -> String {
        format!("{}\n", self.fill(key, values))
    }

    /// Prints a note on standard error.
    pub(super) fn note(&self, text: &str) {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "{text}"); // nowhere else to report it
    }
}

/// A time without its milliseconds, `2026-11-21 08:00:00 +08:00`; a dash for null.
pub(super) fn timestamp(value: &Value) -> String {
    let Some(text) = value.as_str() else { return "–".to_owned() };
    match (text.get(..10), text.get(11..19), text.get(23..)) {
        (Some(date), Some(time), Some(offset)) => format!("{date} {time} {offset}"),
        _ => text.to_owned(),
    }
}

/// A string value; empty for anything else.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn language_follows_the_locale() {
        for (locale, language) in [
            ("zh_CN.UTF-8", Language::Chinese),
            ("ZH", Language::Chinese),
            ("C", Language::English),
            ("en_GB", Language::English),
        ] {
            assert_eq!(from_locale(Some(locale)), language, "{locale}");
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
    fn timestamps_are_shown_to_the_second() {
        assert_eq!(timestamp(&json!("2026-11-21T08:00:00.123+08:00")), "2026-11-21 08:00:00 +08:00");
        assert_eq!(timestamp(&Value::Null), "–");
    }
}
