//! Templates of the pages: one Tera engine per language, with filters for texts, durations and asset URLs.

use std::collections::BTreeSet;

use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult};

use super::assets;
use super::faults::MessageTranslations;
use super::language::{Language, Texts};
use super::view::{PageLayout, View};

#[derive(RustEmbed)]
#[folder = "templates/"]
#[exclude = "email/*"]
struct Files;

#[derive(RustEmbed)]
#[folder = "locales/"]
struct Locales;

/// All templates in both languages.
pub struct Templates([LocaleBundle; 2]);

/// The templates, texts and message translations of one language.
struct LocaleBundle {
    tera: Tera,
    texts: Texts,
    translations: MessageTranslations,
}

impl Templates {
    /// Parses all templates and locale files.
    ///
    /// # Errors
    /// The parse error of a template or locale file. All of them are embedded, so the first start shows it.
    pub fn load() -> Result<Templates, String> {
        Ok(Templates([load_bundle(Language::English)?, load_bundle(Language::Chinese)?]))
    }

    pub fn texts(&self, language: Language) -> &Texts {
        &self.bundle(language).texts
    }

    /// Translations of the services' messages.
    pub fn translations(&self, language: Language) -> &MessageTranslations {
        &self.bundle(language).translations
    }

    /// Renders a page: the view's template within the page layout.
    pub fn page<V: View>(&self, language: Language, layout: &PageLayout, view: &V) -> TeraResult<String> {
        self.render(language, V::TEMPLATE, layout, view)
    }

    /// Renders any template with any context, for fragments.
    pub fn render(&self, language: Language, template: &str, layout: &PageLayout, view: &impl Serialize) -> TeraResult<String> {
        let mut context = Context::from_serialize(view)?;
        context.insert("layout", layout);
        self.bundle(language).tera.render(template, &context)
    }

    /// Names of all templates.
    pub fn names() -> BTreeSet<String> {
        Files::iter().map(|name| name.replace('\\', "/")).collect()
    }

    /// The source of a template.
    pub fn source(name: &str) -> Option<String> {
        Files::get(name).and_then(|file| String::from_utf8(file.data.into_owned()).ok())
    }

    fn bundle(&self, language: Language) -> &LocaleBundle {
        let [english, chinese] = &self.0;
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

/// Loads the texts of a language.
///
/// # Errors
/// The name of a missing file, or the parse error.
pub fn texts(language: Language) -> Result<Texts, String> {
    let name = format!("{}.toml", language.tag());
    Texts::parse(&locale(&name)?).map_err(|error| format!("locales/{name}: {error}"))
}

fn locale(name: &str) -> Result<String, String> {
    let file = Locales::get(name).ok_or_else(|| format!("locales/{name} is missing"))?;
    String::from_utf8(file.data.into_owned()).map_err(|error| format!("locales/{name}: {error}"))
}

fn load_bundle(language: Language) -> Result<LocaleBundle, String> {
    let texts = texts(language)?;
    let translations =
        MessageTranslations::parse(&locale("faults.toml")?, language).map_err(|error| format!("locales/faults.toml: {error}"))?;
    let mut tera = Tera::new();
    register_filters(&mut tera, language, texts.clone());
    let sources: Vec<_> = Templates::names().into_iter().filter_map(|name| Templates::source(&name).map(|s| (name, s))).collect();
    tera.add_raw_templates(sources).map_err(|error| error.to_string())?;
    Ok(LocaleBundle { tera, texts, translations })
}

/// `t`: the text of a key, with `{name}` replaced by arguments. `asset`: the URL of a file in `static/`.
/// `duration`: milliseconds as text. `thousands`: a number with thousands separators.
fn register_filters(tera: &mut Tera, language: Language, texts: Texts) {
    tera.register_filter("t", move |key: &str, given: Kwargs, _: &State| translate(&texts, key, &given));
    tera.register_filter("asset", |path: &str, _: Kwargs, _: &State| {
        assets::address(path).ok_or_else(|| tera::Error::message(format!("static asset not found: {path}")))
    });
    tera.register_filter("duration", move |ms: i64, _: Kwargs, _: &State| language.duration(ms));
    tera.register_filter("thousands", |number: i64, _: Kwargs, _: &State| thousands(number));
}

fn translate(texts: &Texts, key: &str, given: &Kwargs) -> TeraResult<String> {
    let text = texts.find(key).ok_or_else(|| tera::Error::message(format!("text not found: '{key}'")))?;
    Ok(given.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), &value.to_string())))
}

/// Formats `1234567` as `1 234 567`, with narrow no-break spaces.
fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
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
    fn thousands_are_separated() {
        assert_eq!(
            [0, 999, 1000, -1_234_567].map(thousands),
            ["0", "999", "1\u{202f}000", "-1\u{202f}234\u{202f}567"].map(String::from)
        );
    }
}
