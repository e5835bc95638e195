//! The catalogs: the templates of all messages, by language and code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::template::{self, Part};
use super::{Language, Texts, locales};

/// The templates of one language by code.
#[derive(Debug, Default)]
pub struct Catalog(BTreeMap<String, Vec<Part>>);

impl Catalog {
    /// Loads the files of `locales/messages/` of a language.
    ///
    /// # Errors
    /// The parse error of a file, or a code that two files define.
    pub fn load(language: Language) -> Result<Catalog, String> {
        let mut templates = BTreeMap::new();
        for name in locales::names("messages/", &format!(".{}.toml", language.tag())) {
            for (code, text) in Texts::load(&name)?.into_entries() {
                if templates.insert(code.clone(), template::parse(&text)).is_some() {
                    return Err(format!("locales/{name}: {code} is defined in another file too"));
                }
            }
        }
        Ok(Catalog(templates))
    }

    pub(super) fn template(&self, code: &str) -> Option<&[Part]> {
        self.0.get(code).map(Vec::as_slice)
    }

    /// All codes.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The names of the arguments that a code's template uses; `None` for an unknown code.
    pub fn arguments(&self, code: &str) -> Option<BTreeSet<&str>> {
        self.template(code).map(|parts| parts.iter().filter_map(argument).collect())
    }
}

fn argument(part: &Part) -> Option<&str> {
    match part {
        Part::Text(_) => None,
        Part::Arg(arg) | Part::Plural { arg, .. } => Some(arg),
    }
}

/// The catalog of a language, loaded at its first use. A file that cannot be parsed leaves it empty, so that messages show
/// their codes; a test loads every file.
pub fn catalog(language: Language) -> &'static Catalog {
    static CATALOGS: LazyLock<[Catalog; 2]> =
        LazyLock::new(|| Language::ALL.map(|language| Catalog::load(language).unwrap_or_default()));
    let [english, chinese] = &*CATALOGS;
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_catalog_loads() {
        for language in Language::ALL {
            Catalog::load(language).expect("the files of the catalog are valid");
        }
    }
}
