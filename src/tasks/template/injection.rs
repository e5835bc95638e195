//! Injection check: rejects templates that insert output of another run into code. A result or an error may contain anything, and
//! a shell or a database would execute it as part of the command or query.

use serde_json::Value;

use crate::domain::fault::Fault;
use crate::i18n::message;

/// The fields of `previous` that contain only IDs, statuses and numbers.
const SAFE_FIELDS: [&str; 4] = ["id", "task_id", "status", "duration_ms"];

/// The faults of the strings at the pointers `code`, which are run as code, that insert the result or error of another run.
pub fn check_code(params: &Value, code: &[&str], base: &str) -> Vec<Fault> {
    let named = code.iter().filter(|pointer| params.pointer(pointer).and_then(Value::as_str).is_some_and(uses_other_run));
    let message = |pointer: &str| message!("template.injection").of(pointer.rsplit('/').next().unwrap_or_default());
    named.map(|pointer| Fault::new(format!("{base}{pointer}"), message(pointer))).collect()
}

/// Whether a template inserts more of another run than the safe fields. Conditions insert nothing.
fn uses_other_run(text: &str) -> bool {
    expressions(text).any(|(expression, is_condition)| !is_condition && names_other_run(expression))
}

/// The expressions and statements of a template, and whether each is a condition.
fn expressions(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let begins = text.match_indices("{{").map(|(at, _)| (at, "}}")).chain(text.match_indices("{%").map(|(at, _)| (at, "%}")));
    begins.map(move |(at, end)| {
        let inner = &text[at + 2..];
        let inner = inner.split(end).next().unwrap_or(inner);
        let first = inner.trim_start_matches(['-', ' ', '\t', '\n', '\r']).split([' ', '\t', '\n', '\r', '(']).next();
        (inner, end == "%}" && matches!(first, Some("if" | "elif")))
    })
}

fn names_other_run(expression: &str) -> bool {
    const CONTEXT_VARIABLE: &str = "__tera_context";
    if expression.contains(CONTEXT_VARIABLE) {
        return true;
    }
    const WORD: &str = "previous";
    let part = |c: char| c.is_alphanumeric() || c == '_';
    expression.match_indices(WORD).any(|(at, _)| {
        let (before, after) = (&expression[..at], &expression[at + WORD.len()..]);
        let whole = !before.ends_with(part) && !after.starts_with(part);
        let field = after.strip_prefix('.').map(|rest| rest.split(|c| !part(c)).next().unwrap_or_default());
        whole && !field.is_some_and(|field| SAFE_FIELDS.contains(&field))
    })
}

#[cfg(test)]
mod tests {
    use super::uses_other_run;

    #[test]
    fn uses_other_run_finds_results_and_errors_of_other_runs() {
        for text in [
            "echo {{ previous.result.a }}",
            "echo {{previous[\"result\"]}}",
            "echo {{ previous }}",
            "{% set x = previous.error %}echo {{ x }}",
            "{%- for x in previous.result.rows -%}{{ x }}{% endfor %}",
            "{% if previous.status == 'failed' %}echo {{ previous.error | json }}{% endif %}",
            "{{ \"a\" ~ previous.error }}",
            "{{ __tera_context }}",
        ] {
            assert!(uses_other_run(text), "{text}");
        }
        for text in [
            "echo {{ previous.status }} of {{ previous.task_id }} in {{ previous.duration_ms }}",
            "{% if previous.result.count > 3 %}echo many{% endif %}",
            "echo previous.result {{ now }} {{ env.previous_one }} {{ my_previous }}",
        ] {
            assert!(!uses_other_run(text), "{text}");
        }
    }
}
