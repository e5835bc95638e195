//! Injection check: rejects templates that insert output of another run, or a text given to the run, into code. It may contain
//! anything, and a shell or a database would execute it as part of the command or query.

use serde_json::Value;

use super::names;
use crate::domain::fault::Fault;
use crate::i18n::message;

/// The fields of `previous` that contain only IDs, statuses and numbers.
const SAFE_FIELDS: [&str; 4] = ["id", "task_id", "status", "duration_ms"];

/// The faults of the strings at the pointers `code`, which are run as code, that insert the result or error of another run, or
/// a text that was given to the run: all of `hook`, and inputs other than the `harmless` ones.
pub fn check_code(params: &Value, code: &[&str], harmless: &[&str], base: &str) -> Vec<Fault> {
    let fault = |pointer: &&str| {
        let text = params.pointer(pointer).and_then(Value::as_str)?;
        let message = match () {
            () if uses_other_run(text) => message!("template.injection"),
            () if uses_given_text(text, harmless) => message!("template.input_injection"),
            () => return None,
        };
        Some(Fault::new(format!("{base}{pointer}"), message.of(pointer.rsplit('/').next().unwrap_or_default())))
    };
    code.iter().filter_map(fault).collect()
}

/// Whether a template inserts more of another run than the safe fields. Conditions insert nothing.
fn uses_other_run(text: &str) -> bool {
    const CONTEXT_VARIABLE: &str = "__tera_context";
    let names =
        |expression: &str| expression.contains(CONTEXT_VARIABLE) || names::uses_beyond(expression, "previous", &SAFE_FIELDS);
    names::expressions(text).any(|(expression, is_condition)| !is_condition && names(expression))
}

/// Whether a template inserts the call of a hook, or an input that is not harmless.
fn uses_given_text(text: &str, harmless: &[&str]) -> bool {
    let names = |expression| names::uses_beyond(expression, "hook", &[]) || names::uses_beyond(expression, "input", harmless);
    names::expressions(text).any(|(expression, is_condition)| !is_condition && names(expression))
}

#[cfg(test)]
mod tests {
    use super::{uses_given_text, uses_other_run};

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

    #[test]
    fn uses_given_text_finds_hooks_and_inputs_with_free_text() {
        for text in [
            "echo {{ hook.body }}",
            "echo {{ hook.json.ref }}",
            "echo {{ input.city }}",
            "echo {{ input[\"city\"] }}",
            "{% for x in input %}{{ x }}{% endfor %}",
            "{% set x = input.city %}{{ x }}",
        ] {
            assert!(uses_given_text(text, &["day"]), "{text}");
        }
        for text in ["echo {{ input.day }}", "{% if input.city == 'x' %}echo{% endif %}", "echo input hook {{ my_input }}"] {
            assert!(!uses_given_text(text, &["day"]), "{text}");
        }
    }
}
