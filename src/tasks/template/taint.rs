//! Secrets in rendered parameters. A text into which a secret is only inserted is shown with the secret masked. A text that is made of
//! a secret in any other way (filtered, compared, looped over) is a secret itself: it is hidden as a whole, here and in the output.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::{is_template, names};
use crate::domain::mask::{MIN_SECRET_LENGTH, Mask, STARS};

/// A call of the function `secret`.
static CALL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bsecret\s*\(").ok());
/// An expression that is nothing but a secret: `{{ secret("name") }}`.
static INSERTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\{\{-?\s*secret\s*\(\s*(?:name\s*=\s*)?(?:"[^"]*"|'[^']*')\s*\)\s*-?\}\}"#).ok());

/// Rendered parameters without secrets, and the texts made of secrets.
#[derive(Debug, PartialEq)]
pub struct Shown {
    pub params: Value,
    /// To be masked in whatever the run records, in addition to the secrets themselves.
    pub derived: Vec<String>,
}

/// The inputs of a task whose runs may have secret ones.
#[derive(Debug, Default)]
pub struct InputNames<'n> {
    pub plain: Vec<&'n str>,
    pub secret: Vec<&'n str>,
}

impl InputNames<'_> {
    /// Whether an expression uses a secret input, or all variables together.
    fn is_secret_used(&self, expression: &str) -> bool {
        let used = || names::uses_beyond(expression, "input", &self.plain) || expression.contains("__tera_context");
        !self.secret.is_empty() && used()
    }

    /// Whether an expression is nothing but a secret input.
    fn is_insertion(&self, expression: &str) -> bool {
        let name = expression.trim_matches('-').trim().strip_prefix("input.");
        name.is_some_and(|name| self.secret.contains(&name))
    }
}

/// The rendered parameters for display. `templates` are the same parameters before the rendering, `mask` knows the secrets and the
/// values of the secret inputs.
///
/// # Errors
/// The JSON Pointer of a text made of a secret that is too short to be masked in the output.
pub fn show(templates: &Value, rendered: &Value, inputs: &InputNames<'_>, mask: &Mask) -> Result<Shown, String> {
    let mut derived = Vec::new();
    let params = show_value(templates, rendered, "", &mut |pointer, template, text| match kind(template, inputs) {
        Kind::Plain => Ok(mask.text(text).into_owned()),
        Kind::Inserted(count) => {
            let masked = mask.text(text);
            // A secret that is too short to be masked would be shown.
            Ok(if masked.matches(STARS).count() >= count { masked.into_owned() } else { STARS.to_owned() })
        }
        Kind::Derived if text.is_empty() => Ok(String::new()),
        Kind::Derived if text.len() < MIN_SECRET_LENGTH => Err(pointer.to_owned()),
        Kind::Derived => {
            derived.push(text.to_owned());
            Ok(STARS.to_owned())
        }
    })?;
    Ok(Shown { params, derived })
}

/// How a template uses secrets.
enum Kind {
    /// Not at all.
    Plain,
    /// It inserts this many.
    Inserted(usize),
    Derived,
}

fn kind(template: &str, inputs: &InputNames<'_>) -> Kind {
    let (Some(call), Some(insertion)) = (CALL.as_ref(), INSERTION.as_ref()) else { return Kind::Derived };
    let secret_inputs: Vec<&str> =
        names::expressions(template).map(|(expression, _)| expression).filter(|one| inputs.is_secret_used(one)).collect();
    if !is_template(template) || !call.is_match(template) && secret_inputs.is_empty() {
        return Kind::Plain;
    }
    let rest = insertion.replace_all(template, "");
    let others_derive = secret_inputs.iter().any(|expression| !inputs.is_insertion(expression));
    // Blocks could filter what is inserted inside of them.
    if call.is_match(&rest) || others_derive || template.contains("{%") {
        return Kind::Derived;
    }
    Kind::Inserted(insertion.find_iter(template).count() + secret_inputs.len())
}

type Show<'s> = dyn FnMut(&str, &str, &str) -> Result<String, String> + 's;

fn show_value(template: &Value, rendered: &Value, pointer: &str, show: &mut Show<'_>) -> Result<Value, String> {
    Ok(match (template, rendered) {
        (Value::String(template), Value::String(text)) => Value::String(show(pointer, template, text)?),
        (Value::Array(templates), Value::Array(items)) => {
            let pairs = templates.iter().zip(items).enumerate();
            let shown = pairs.map(|(place, (template, item))| show_value(template, item, &format!("{pointer}/{place}"), show));
            Value::Array(shown.collect::<Result<_, _>>()?)
        }
        (Value::Object(templates), Value::Object(members)) => {
            let mut shown = Map::new();
            for (name, member) in members {
                let template = templates.get(name).unwrap_or(&Value::Null);
                shown.insert(name.clone(), show_value(template, member, &format!("{pointer}/{name}"), show)?);
            }
            Value::Object(shown)
        }
        (_, plain) => plain.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(template: &str, rendered: &str) -> Result<(String, usize), String> {
        let mask = Mask::from_values(["hunter2"]);
        let inputs = InputNames { plain: vec!["city"], secret: vec!["token"] };
        let shown = show(&json!({"a": [template]}), &json!({"a": [rendered]}), &inputs, &mask)?;
        Ok((shown.params["a"][0].as_str().unwrap().to_owned(), shown.derived.len()))
    }

    #[test]
    fn inserted_secrets_are_masked_in_place() {
        for insertion in ["{{ secret(\"x\") }}", "{{secret('x')}}", "{{- secret ( name = \"x\" ) -}}"] {
            assert_eq!(
                shown(&format!("Bearer {insertion} {{{{ now }}}}"), "Bearer hunter2 2026"),
                Ok(("Bearer *** 2026".into(), 0))
            );
        }
        assert_eq!(shown("the secret is out", "the secret is out"), Ok(("the secret is out".into(), 0)));
        assert_eq!(shown("{{ secret('short') }}", "abc"), Ok(("***".into(), 0)), "too short to be found by its value");
    }

    #[test]
    fn texts_made_of_secrets_are_hidden_as_a_whole() {
        let derived = [
            ("{{ secret(\"x\") | reverse }}", "2retnuh"),
            ("{{ secret('x') ~ '-' }}", "hunter2-"),
            ("{% for c in secret('x') %}{{ c }} {% endfor %}", "h u n t e r 2 "),
            ("{% set y = secret('x') %}{{ y | upper }}", "HUNTER2"),
            ("{% filter reverse %}{{ secret('x') }}{% endfilter %}", "2retnuh"),
            ("{% if secret('x') == 'hunter2' %}right{% endif %}", "right"),
            ("{{ secret('x') }}{{ secret('x') | length }}", "hunter27"),
            ("{{ input.token | reverse }}", "2retnuh"),
            ("{{ input }}", "{token: hunter2}"),
            ("{{ input[\"token\"] }}", "hunter2"),
            ("{{ __tera_context }}", "hunter2"),
        ];
        for (template, rendered) in derived {
            assert_eq!(shown(template, rendered), Ok(("***".into(), 1)), "{template}");
        }
        assert_eq!(shown("Bearer {{ input.token }} {{ input.city }}", "Bearer hunter2 x"), Ok(("Bearer *** x".into(), 0)));
        assert_eq!(shown("{{ input.city }}", "x"), Ok(("x".into(), 0)));
        assert_eq!(shown("{{ secret('x') | truncate(length=1) }}", "h"), Err("/a/0".into()), "too short to be masked");
        assert_eq!(shown("{% if secret('x') == '' %}x{% endif %}", ""), Ok((String::new(), 0)));
    }
}
