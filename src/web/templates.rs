//! Templates of the pages: one Tera engine per language. What no request changes is folded in when they are loaded.

use std::collections::BTreeSet;

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult};

use super::view::{PageLayout, View};
use crate::embedded;
use crate::i18n::{Language, Texts, thousands};

mod fold;

const FOLDER: &str = "templates";

/// All templates in both languages.
pub struct Templates([LocaleBundle; 2]);

/// The templates and texts of one language.
struct LocaleBundle {
    tera: Tera,
    texts: Texts,
}

impl Templates {
    /// Parses all templates and locale files. `base` is the path below which the pages are served, empty for the root.
    ///
    /// # Errors
    /// The parse error of a template or locale file. All of them are embedded, so the first start shows it.
    pub fn load(base: &str) -> Result<Templates, String> {
        Ok(Templates([load_bundle(Language::English, base)?, load_bundle(Language::Chinese, base)?]))
    }

    pub fn texts(&self, language: Language) -> &Texts {
        &self.bundle(language).texts
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

    /// Renders a fragment that shows nothing of the layout.
    pub fn fragment(&self, language: Language, template: &str, view: &impl Serialize) -> TeraResult<String> {
        self.bundle(language).tera.render(template, &Context::from_serialize(view)?)
    }

    /// Names of all templates.
    pub fn names() -> BTreeSet<String> {
        embedded::names(FOLDER).into_iter().collect()
    }

    /// The source of a template.
    pub fn source(name: &str) -> Option<String> {
        embedded::read_text(FOLDER, name)
    }

    fn bundle(&self, language: Language) -> &LocaleBundle {
        let [english, chinese] = &self.0;
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

fn load_bundle(language: Language, base: &str) -> Result<LocaleBundle, String> {
    let texts = Texts::for_pages(language)?;
    let mut tera = Tera::new();
    register_filters(&mut tera, language, texts.clone());
    let mut sources = Vec::new();
    for name in Templates::names() {
        let source = Templates::source(&name).ok_or_else(|| format!("{name}: not UTF-8"))?;
        sources.push((name.clone(), fold::fold(&source, &texts, base).map_err(|fault| format!("{name}: {fault}"))?));
    }
    tera.add_raw_templates(sources).map_err(|error| error.to_string())?;
    Ok(LocaleBundle { tera, texts })
}

/// `t`: the text of a key, with `{name}` replaced by arguments. `duration`: milliseconds as text. `thousands`: a number with
/// thousands separators.
fn register_filters(tera: &mut Tera, language: Language, texts: Texts) {
    tera.register_filter("t", move |key: &str, given: Kwargs, _: &State| translate(&texts, key, &given));
    tera.register_filter("duration", move |ms: i64, _: Kwargs, _: &State| language.duration(ms));
    tera.register_filter("thousands", |number: i64, _: Kwargs, _: &State| thousands(number));
}

fn translate(texts: &Texts, key: &str, given: &Kwargs) -> TeraResult<String> {
    if texts.find(key).is_none() {
        return Err(tera::Error::message(format!("text not found: '{key}'")));
    }
    let given: Vec<(String, String)> = given.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let values: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Ok(texts.fill(key, &values))
}
