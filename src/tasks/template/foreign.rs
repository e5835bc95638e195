//! What comes from other runs and is filled into code. A result or an error may hold anything, whoever wrote the task that gave
//! it; in a command or a query it would be read as part of that.

use serde_json::Value;

use crate::domain::fault::Fault;

/// Fields of `previous` that hold nothing but plain words and numbers.
const PLAIN: [&str; 4] = ["id", "task_id", "status", "duration_ms"];

/// Faults of the texts at these pointers, which are run as code, where another run's result or error is filled in.
pub fn in_code(params: &Value, code: &[&str], base: &str) -> Vec<Fault> {
    let named = code.iter().filter(|pointer| params.pointer(pointer).and_then(Value::as_str).is_some_and(brings));
    let message = |pointer: &str| {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        format!(
            "{name}: what another run gave must not become part of it; hand it in as a value of its own (env, stdin, a list of arguments, params)"
        )
    };
    named.map(|pointer| Fault::new(format!("{base}{pointer}"), message(pointer))).collect()
}

/// Whether an expression names more of another run than plain words. A condition on it fills nothing in.
fn brings(text: &str) -> bool {
    expressions(text).any(|(expression, is_condition)| !is_condition && names(expression))
}

/// What stands between the marks of expressions and statements.
fn expressions(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let begins = text.match_indices("{{").map(|(at, _)| (at, "}}")).chain(text.match_indices("{%").map(|(at, _)| (at, "%}")));
    begins.map(move |(at, end)| {
        let inner = &text[at + 2..];
        let inner = inner.split(end).next().unwrap_or(inner);
        let first = inner.trim_start_matches(['-', ' ', '\t', '\n', '\r']).split([' ', '\t', '\n', '\r', '(']).next();
        (inner, end == "%}" && matches!(first, Some("if" | "elif")))
    })
}

fn names(expression: &str) -> bool {
    const ALL_THERE_IS: &str = "__tera_context";
    if expression.contains(ALL_THERE_IS) {
        return true;
    }
    const WORD: &str = "previous";
    let part = |c: char| c.is_alphanumeric() || c == '_';
    expression.match_indices(WORD).any(|(at, _)| {
        let (before, after) = (&expression[..at], &expression[at + WORD.len()..]);
        let whole = !before.ends_with(part) && !after.starts_with(part);
        let field = after.strip_prefix('.').map(|rest| rest.split(|c| !part(c)).next().unwrap_or_default());
        whole && !field.is_some_and(|field| PLAIN.contains(&field))
    })
}

#[cfg(test)]
mod tests {
    use super::brings;

    #[test]
    fn results_and_errors_of_others_are_found_however_they_are_written() {
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
            assert!(brings(text), "{text}");
        }
        for text in [
            "echo {{ previous.status }} of {{ previous.task_id }} in {{ previous.duration_ms }}",
            "{% if previous.result.count > 3 %}echo many{% endif %}",
            "echo previous.result {{ now }} {{ env.previous_one }} {{ my_previous }}",
        ] {
            assert!(!brings(text), "{text}");
        }
    }
}
