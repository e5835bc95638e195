//! Constant folding: texts, asset URLs, icons and the base path are put into the templates when they are loaded.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use crate::i18n::Texts;
use crate::web::assets;

/// A text without arguments: `{{ "nav.tasks" | t }}`.
static TEXT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"\{\{ "([^"]+)" \| t \}\}"#).ok());
/// The URL of a file: `{{ "app.css" | asset }}`.
static ASSET: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"\{\{ "([^"]+)" \| asset \}\}"#).ok());
/// An icon: `{{ <icon name="play" /> }}`.
static ICON: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"\{\{ <icon name="([a-z-]+)" /> \}\}"#).ok());
/// An attribute whose value is a path on this server, written out or from a value.
static PATH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\s(?:href|action|src|hx-get|hx-post|data-(?:href|source|editor))="(?:/|\{\{)"#).ok());

const SPRITE: &str = "vendor/tabler-icons-3.51.0/sprite.svg";

/// Returns a template with everything put in that does not depend on a request. `base` is the base path, empty without one.
///
/// # Errors
/// A text or file that does not exist, with its name.
pub fn fold(source: &str, texts: &Texts, base: &str) -> Result<String, String> {
    let icon = |name: &str| {
        let sprite = assets::address(SPRITE).ok_or_else(|| missing("static asset", SPRITE))?;
        Ok(format!(r##"<svg class="icon" aria-hidden="true" focusable="false"><use href="{sprite}#{name}"></use></svg>"##))
    };
    let asset = |name: &str| assets::address(name).ok_or_else(|| missing("static asset", name));
    let text = |key: &str| match texts.find(key) {
        // The engine would take braces of the text for its own.
        Some(text) if ["{{", "{%", "{#"].iter().any(|brace| text.contains(brace)) => Ok(format!("{{{{ \"{key}\" | t }}}}")),
        Some(_) => Ok(escaped(&texts.fill(key, &[]))),
        None => Err(missing("text", key)),
    };
    let folded = replaced(source, &ICON, icon)?;
    let folded = replaced(&folded, &ASSET, asset)?;
    let folded = replaced(&folded, &TEXT, text)?;
    let folded = folded.replace("{{ script_texts }}", &script_texts(texts));
    Ok(with_base(&folded, base).replace("{{ base_path }}", base))
}

/// The texts of the page's script as JSON, for an attribute in single quotes.
fn script_texts(texts: &Texts) -> String {
    let own = texts.keys().filter_map(|key| Some((key.strip_prefix("script.")?.to_owned(), Value::from(texts.get(key)))));
    Value::Object(own.collect()).to_string().replace('&', "&amp;").replace('\'', "&#39;").replace('<', "&lt;")
}

fn missing(what: &str, name: &str) -> String {
    format!("{what} not found: '{name}'")
}

/// Replaces every match of a pattern by what `value` returns for its group.
fn replaced(source: &str, pattern: &Option<Regex>, value: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let pattern = pattern.as_ref().ok_or("a pattern of the templates is invalid")?;
    let mut fault = None;
    let folded = pattern.replace_all(source, |found: &Captures| {
        value(&found[1]).unwrap_or_else(|reason| {
            fault.get_or_insert(reason);
            String::new()
        })
    });
    fault.map_or_else(|| Ok(folded.into_owned()), Err)
}

/// Puts the base path before every path in an attribute.
fn with_base(source: &str, base: &str) -> String {
    match PATH.as_ref() {
        Some(pattern) if !base.is_empty() => {
            let add = |found: &Captures| {
                let whole = &found[0];
                let at = whole.rfind('"').map_or(whole.len(), |at| at + 1);
                format!("{}{base}{}", &whole[..at], &whole[at..])
            };
            pattern.replace_all(source, add).into_owned()
        }
        _ => source.to_owned(),
    }
}

/// Escapes a text as the template engine does.
fn escaped(text: &str) -> String {
    let mut buffer = Vec::with_capacity(text.len());
    match tera::escape_html(text, &mut buffer) {
        Ok(()) => String::from_utf8_lossy(&buffer).into_owned(),
        Err(_) => String::new(), // writing to a vector cannot fail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(source: &str, base: &str) -> Result<String, String> {
        let texts = Texts::parse("[a]\nb = \"Tom & {n}\"\nbraces = \"{{ x }}\"").expect("a locale file");
        fold(source, &texts, base)
    }

    #[test]
    fn texts_are_folded_in_and_escaped() {
        assert_eq!(
            folded(r#"<p title="{{ "a.b" | t }}">{{ "a.b" | t(n=1) }}"#, ""),
            Ok(r#"<p title="Tom &amp; {n}">{{ "a.b" | t(n=1) }}"#.into())
        );
        assert_eq!(folded(r#"{{ "a.braces" | t }}"#, ""), Ok(r#"{{ "a.braces" | t }}"#.into()));
        assert_eq!(folded(r#"{{ "a.c" | t }}"#, ""), Err("text not found: 'a.c'".into()));
        assert_eq!(folded(r#"{{ "none.css" | asset }}"#, ""), Err("static asset not found: 'none.css'".into()));
    }

    #[test]
    fn base_path_is_put_before_paths() {
        let source =
            r##"<a href="/tasks" hx-get="{{ x }}"><a href="#main"><tr data-href="{{ y }}" data-id="{{ z }}">{{ base_path }}"##;
        let expected =
            r##"<a href="/b/tasks" hx-get="/b{{ x }}"><a href="#main"><tr data-href="/b{{ y }}" data-id="{{ z }}">/b"##;
        assert_eq!(folded(source, "/b"), Ok(expected.into()));
        assert_eq!(folded(source, ""), Ok(source.replace("{{ base_path }}", "")));
    }

    #[test]
    fn icons_and_assets_get_their_urls() {
        let icon = folded(r#"{{ <icon name="play" /> }}"#, "/b").expect("an icon");
        assert!(
            icon.contains(r#"<use href="/b/static/vendor/tabler-icons-3.51.0/sprite.svg?v="#) && icon.contains("#play\""),
            "{icon}"
        );
        assert!(folded(r#"<link href="{{ "app.css" | asset }}">"#, "/b").expect("a link").contains("\"/b/static/app.css?v="));
    }
}
