//! Templates of single texts, with variables that the caller gives: no secrets, no files, no other templates. The bounds are those of
//! parameters.

use std::sync::Arc;

use serde_json::{Map, Value};
use tera::Context;

use super::budget::Budget;
use super::values::Variable;
use super::{is_template, parse, plain_engine, render_text, thread};
use crate::i18n::{Message, message};

/// Checks a text.
///
/// # Errors
/// What is wrong, with its line: the syntax, a variable that is none of these, or the size.
pub fn check(text: &str, variables: &[&str]) -> Result<(), Message> {
    if !is_template(text) {
        return Ok(());
    }
    let checked = thread::blocking(|| {
        let mut engine = plain_engine(&Arc::new(Budget::new()));
        parse(&mut engine, text, variables).map(drop)
    });
    checked.unwrap_or_else(|error| Err(message!("template.error", error = error.to_string())))
}

/// Renders texts within one budget, on a thread of their own.
///
/// # Errors
/// Why the first text that cannot be rendered cannot be.
pub async fn render(texts: Vec<String>, variables: Map<String, Value>) -> Result<Vec<String>, Message> {
    let rendered = thread::spawn(move |budget| {
        let engine = plain_engine(budget);
        let mut context = Context::new();
        for (name, value) in &variables {
            context.insert(name.clone(), &Variable(value));
        }
        texts.iter().map(|text| render_text(&engine, text, &context, budget)).collect()
    });
    rendered.await.unwrap_or_else(|error| Err(message!("template.error", error = error.to_string())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: [&str; 2] = ["title", "fields"];

    #[test]
    fn check_names_what_is_wrong() {
        assert_eq!(check("plain", &KNOWN), Ok(()));
        assert_eq!(check("{{ title | upper }}{% for f in fields %}{{ f.label }}{% endfor %}", &KNOWN), Ok(()));
        for (text, word) in [("{{ titel }}", "titel"), ("a\n{{ title", "line 2"), ("{{ secret(name='x') }}", "secret")] {
            let refused = check(text, &KNOWN).unwrap_err().to_string();
            assert!(refused.contains(word), "{text}: {refused}");
        }
    }

    #[tokio::test]
    async fn texts_are_rendered_within_bounds() {
        let Value::Object(variables) = json!({"title": "<b>", "fields": [{"label": "a"}]}) else { unreachable!() };
        let texts = ["{{ title }}", "{{ fields[0].label }}"].map(str::to_owned).to_vec();
        assert_eq!(render(texts, variables.clone()).await, Ok(vec!["<b>".to_owned(), "a".to_owned()]));
        for endless in
            ["{% for a in range(end=100000) %}{% for b in range(end=100000) %}x{% endfor %}{% endfor %}", "{{ title.x.y }}"]
        {
            assert!(render(vec![endless.to_owned()], variables.clone()).await.is_err(), "{endless}");
        }
    }
}
