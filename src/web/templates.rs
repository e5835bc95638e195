//! The templates, parsed once: one engine for each language, so that texts, durations and addresses are filters.

use std::collections::BTreeSet;

use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult};

use super::assets;
use super::faults::Phrases;
use super::language::{Language, Texts};
use super::view::{Shell, View};

#[derive(RustEmbed)]
#[folder = "templates/"]
#[exclude = "email/*"]
struct Files;

#[derive(RustEmbed)]
#[folder = "locales/"]
struct Locales;

/// All templates in both languages.
pub struct Templates([Speech; 2]);

/// All that belongs to one language.
struct Speech {
    tera: Tera,
    texts: Texts,
    phrases: Phrases,
}

impl Templates {
    /// Parses everything.
    ///
    /// # Errors
    /// The message of a template or language file that does not read: a fault of the program that the first start shows.
    pub fn load() -> Result<Templates, String> {
        Ok(Templates([speech(Language::English)?, speech(Language::Chinese)?]))
    }

    pub fn texts(&self, language: Language) -> &Texts {
        &self.of(language).texts
    }

    /// What the services say of wrong input, in a language.
    pub fn phrases(&self, language: Language) -> &Phrases {
        &self.of(language).phrases
    }

    /// A whole page: the view's template within the house's frame.
    ///
    /// # Errors
    /// What the template wanted and did not find.
    pub fn page<V: View>(&self, language: Language, shell: &Shell, view: &V) -> TeraResult<String> {
        self.render(language, V::TEMPLATE, shell, view)
    }

    /// Any template with any context: for fragments that a page's template shares.
    ///
    /// # Errors
    /// What the template wanted and did not find.
    pub fn render(&self, language: Language, template: &str, shell: &Shell, view: &impl Serialize) -> TeraResult<String> {
        let mut context = Context::from_serialize(view)?;
        context.insert("shell", shell);
        self.of(language).tera.render(template, &context)
    }

    /// The names of all templates.
    pub fn names() -> BTreeSet<String> {
        Files::iter().map(|name| name.replace('\\', "/")).collect()
    }

    /// The source of a template.
    pub fn source(name: &str) -> Option<String> {
        Files::get(name).and_then(|file| String::from_utf8(file.data.into_owned()).ok())
    }

    fn of(&self, language: Language) -> &Speech {
        let [english, chinese] = &self.0;
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

/// Reads the texts of a language.
///
/// # Errors
/// The message of a file that is missing or does not read.
pub fn texts(language: Language) -> Result<Texts, String> {
    let name = format!("{}.toml", language.tag());
    Texts::parse(&locale(&name)?).map_err(|error| format!("locales/{name}: {error}"))
}

fn locale(name: &str) -> Result<String, String> {
    let file = Locales::get(name).ok_or_else(|| format!("locales/{name} is missing"))?;
    String::from_utf8(file.data.into_owned()).map_err(|error| format!("locales/{name}: {error}"))
}

fn speech(language: Language) -> Result<Speech, String> {
    let texts = texts(language)?;
    let phrases = Phrases::parse(&locale("faults.toml")?, language).map_err(|error| format!("locales/faults.toml: {error}"))?;
    let mut tera = Tera::new();
    register_filters(&mut tera, language, texts.clone());
    let sources: Vec<_> = Templates::names().into_iter().filter_map(|name| Templates::source(&name).map(|s| (name, s))).collect();
    tera.add_raw_templates(sources).map_err(|error| error.to_string())?;
    Ok(Speech { tera, texts, phrases })
}

/// `t`: the text of a key, with `{name}` replaced by arguments. `asset`: the address of a file below `static/`.
/// `duration`: milliseconds in words. `thousands`: a number with its thousands apart.
fn register_filters(tera: &mut Tera, language: Language, texts: Texts) {
    tera.register_filter("t", move |key: &str, given: Kwargs, _: &State| translate(&texts, key, &given));
    tera.register_filter("asset", |path: &str, _: Kwargs, _: &State| {
        assets::address(path).ok_or_else(|| tera::Error::message(format!("there is no static/{path}")))
    });
    tera.register_filter("duration", move |ms: i64, _: Kwargs, _: &State| language.duration(ms));
    tera.register_filter("thousands", |number: i64, _: Kwargs, _: &State| thousands(number));
}

fn translate(texts: &Texts, key: &str, given: &Kwargs) -> TeraResult<String> {
    let text = texts.find(key).ok_or_else(|| tera::Error::message(format!("there is no text '{key}'")))?;
    Ok(given.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), &value.to_string())))
}

/// `1234567` as `1 234 567`, with spaces that do not break.
fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1000, -1_234_567].map(thousands),
            ["0", "999", "1\u{202f}000", "-1\u{202f}234\u{202f}567"].map(String::from)
        );
    }
}
