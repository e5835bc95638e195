//! Output options: JSON for programs; localised text, colours and tables that fit the terminal for people.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::environment::variable;
use super::{Failure, answer};
use crate::cli::words;
use crate::i18n::{Language, Message, Texts, message};

/// The output flags.
#[derive(Debug, Default, Args)]
pub(super) struct OutputFlags {
    /// Print the API's JSON.
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
    /// en or zh; by default from BELFRY_LANG, LC_ALL, LC_MESSAGES or LANG, on Windows from the user's settings.
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
            (None, None) => from_environment(),
        };
        Ok(OutputOptions {
            json: self.json,
            language,
            texts: [Texts::for_cli(language).map_err(Failure::Failed)?, Texts::for_pages(language).map_err(Failure::Failed)?],
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

/// The language of failures, which may come before the flags are read: `--lang`, else that of the environment.
pub(super) fn language() -> Language {
    let arguments: Vec<String> = std::env::args_os().filter_map(|argument| argument.into_string().ok()).collect();
    let given = arguments.iter().position(|argument| argument == "--lang").and_then(|place| arguments.get(place + 1));
    let given = given.map(String::as_str).or_else(|| arguments.iter().find_map(|argument| argument.strip_prefix("--lang=")));
    let named = given.map(str::to_owned).or_else(|| variable("BELFRY_LANG"));
    named.map_or_else(from_environment, |name| from_locale(Some(&name)))
}

fn from_environment() -> Language {
    from_locale(["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(variable).or_else(system_locale).as_deref())
}

/// Unix has the variables alone.
#[cfg(not(windows))]
fn system_locale() -> Option<String> {
    None
}

/// The user's locale, such as `zh-CN`; Windows sets no variables for it.
#[cfg(windows)]
fn system_locale() -> Option<String> {
    let mut name = [0_u16; 85]; // LOCALE_NAME_MAX_LENGTH
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the length is that of the buffer, which lives until the call has returned.
    let length = unsafe { windows_sys::Win32::Globalization::GetUserDefaultLocaleName(name.as_mut_ptr(), 85) };
    let length = usize::try_from(length).ok()?.checked_sub(1)?;
    String::from_utf16(name.get(..length)?).ok()
}

fn named(shown: &str, given: &str) -> Result<Language, Failure> {
    let unsupported = || Failure::Usage(words(&message!("cli.language", given).of(shown)));
    Language::from_locale(given).ok_or_else(unsupported)
}

/// The language of a locale such as `zh_CN.UTF-8`; English for every other.
fn from_locale(locale: Option<&str>) -> Language {
    locale.and_then(Language::from_locale).unwrap_or(Language::English)
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
        let [own, pages] = &self.texts;
        if own.find(key).is_some() { own.fill(key, values) } else { pages.fill(key, values) }
    }

    /// Puts a message into words.
    pub(super) fn translate(&self, message: &Message) -> String {
        message.text(self.language)
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
        let keys = |language| Texts::for_cli(language).expect("valid TOML").keys().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(keys(Language::English), keys(Language::Chinese));
    }

    #[test]
    fn timestamps_are_shown_to_the_second() {
        assert_eq!(timestamp(&json!("2026-11-21T08:00:00.123+08:00")), "2026-11-21 08:00:00 +08:00");
        assert_eq!(timestamp(&Value::Null), "–");
    }
}
