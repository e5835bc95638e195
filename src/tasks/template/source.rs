//! Template source: checks the bounds of a template before it is parsed, and inserts the calls that spend its budget.
//!
//! Loops and variables are the only ways in which a template can do more work than its length suggests, so every loop and
//! every `set` is followed by a call; constructs that would escape this (components, captures, comprehensions) are refused.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex::Regex;

use super::budget::{KEEP, STEP};
use super::scan::{Tag, TagKind, scan};
use crate::i18n::{Message, message};

/// The longest template, in bytes.
const BYTES_MAX: usize = 256 << 10;
/// The most expressions and statements of a template.
const TAGS_MAX: usize = 1_000;
/// How deep `if` and `for` may be nested.
const DEPTH_MAX: usize = 16;
/// The most `elif` branches of one `if`; the parser recurses once for each.
const BRANCHES_MAX: usize = 50;
/// The most names in one expression or statement; it bounds the values that one expression can hold.
const NAMES_MAX: usize = 48;
/// The most operators `~` in one expression, whose value is as long as all its parts together.
const JOINS_MAX: usize = 16;
/// The statements that a template may use.
const STATEMENTS: [&str; 10] = ["if", "elif", "else", "endif", "for", "endfor", "break", "continue", "set", "set_global"];

/// The template as it is parsed: within its bounds, with calls that spend the budget, and with `secret("name")` written as
/// `secret(name="name")`, because Tera's functions take named arguments only.
///
/// # Errors
/// The bound that the template exceeds, or the construct that is not available.
pub(super) fn prepare(text: &str) -> Result<String, Message> {
    if text.len() > BYTES_MAX {
        return Err(message!("template.source_too_long", max = BYTES_MAX));
    }
    let tags = scan(text)?;
    if tags.len() > TAGS_MAX {
        return Err(message!("template.too_many_tags", max = TAGS_MAX));
    }
    check_nesting(text, &tags)?;
    tags.iter().try_for_each(|tag| check_tag(text, tag))?;
    Ok(with_budget(text, &tags))
}

fn check_tag(text: &str, tag: &Tag<'_>) -> Result<(), Message> {
    // Counting lines takes as long as the text is.
    let line = || line_of(text, tag.start);
    if tag.names > NAMES_MAX {
        return Err(message!("template.too_many_names", line = line(), max = NAMES_MAX));
    }
    if tag.joins > JOINS_MAX {
        return Err(message!("template.too_many_joins", line = line(), max = JOINS_MAX));
    }
    if tag.comprehension {
        return Err(message!("template.comprehension", line = line()));
    }
    if tag.kind == TagKind::Output {
        return Ok(());
    }
    if !STATEMENTS.contains(&tag.word()) {
        let name = crate::domain::input::truncate(tag.word(), 40);
        return Err(message!("template.statement", line = line(), name, known = STATEMENTS.join(", ")));
    }
    match tag.sets() && !tag.assigns {
        true => Err(message!("template.capture", line = line())),
        false => Ok(()),
    }
}

/// Checks how deep the blocks are nested and how many branches they have. Whether they are closed is the parser's business.
fn check_nesting(text: &str, tags: &[Tag<'_>]) -> Result<(), Message> {
    let mut branches: Vec<usize> = Vec::new();
    for tag in tags.iter().filter(|tag| tag.kind == TagKind::Statement) {
        match tag.word() {
            "if" | "for" => branches.push(0),
            "endif" | "endfor" => drop(branches.pop()),
            "elif" => branches.last_mut().into_iter().for_each(|count| *count += 1),
            _ => {}
        }
        let line = || line_of(text, tag.start);
        if branches.len() > DEPTH_MAX {
            return Err(message!("template.too_deep", line = line(), max = DEPTH_MAX));
        }
        if branches.last().is_some_and(|count| *count > BRANCHES_MAX) {
            return Err(message!("template.too_many_branches", line = line(), max = BRANCHES_MAX));
        }
    }
    Ok(())
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Inserts a call before every expression and statement that does work, and after every `for` and `set`. No line breaks are
/// added, so that the lines of errors stay those of the author.
fn with_budget(text: &str, tags: &[Tag<'_>]) -> String {
    let mut prepared = String::with_capacity(text.len() + tags.len() * 48);
    let mut copied = 0;
    for tag in tags {
        prepared.push_str(&text[copied..tag.start]);
        if tag.kind == TagKind::Output || matches!(tag.word(), "if" | "for" | "set" | "set_global") {
            prepared.push_str(&call(&format!("{STEP}()"), tag.trims_before));
        }
        prepared.push_str(&named_arguments(&text[tag.start..tag.end]));
        if tag.word() == "for" && tag.kind == TagKind::Statement {
            prepared.push_str(&call(&format!("{STEP}()"), tag.trims_after));
        }
        if tag.sets() {
            prepared.push_str(&call(&format!("{KEEP}(value={})", tag.target()), tag.trims_after));
        }
        copied = tag.end;
    }
    prepared.push_str(&text[copied..]);
    prepared
}

/// A call that renders to nothing and trims white space as the tag beside it does.
fn call(expression: &str, trims: bool) -> String {
    if trims { format!("{{{{- {expression} -}}}}") } else { format!("{{{{ {expression} }}}}") }
}

fn named_arguments(tag: &str) -> Cow<'_, str> {
    static SECRET: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = SECRET.get_or_init(|| Regex::new(r#"\bsecret\(\s*("[^"]*"|'[^']*')\s*\)"#).ok());
    match pattern {
        Some(pattern) => pattern.replace_all(tag, "secret(name=$1)"),
        None => Cow::Borrowed(tag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        prepare(text).unwrap_err().code().to_owned()
    }

    #[test]
    fn templates_beyond_their_bounds_are_refused() {
        let cases = [
            ("x".repeat(BYTES_MAX + 1), "template.source_too_long"),
            ("{{ now }}".repeat(TAGS_MAX + 1), "template.too_many_tags"),
            (format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(BRANCHES_MAX + 1)), "template.too_many_branches"),
            ("{% if a %}".repeat(DEPTH_MAX + 1), "template.too_deep"),
            (format!("{{{{ a{} }}}}", " + a".repeat(NAMES_MAX)), "template.too_many_names"),
            (format!("{{{{ a{} }}}}", " ~ a".repeat(JOINS_MAX + 1)), "template.too_many_joins"),
        ];
        for (text, code) in cases {
            assert_eq!(refused(&text), code);
        }
    }

    #[test]
    fn constructs_that_escape_the_budget_are_refused() {
        let cases = [
            ("{% set a %}{{ now }}{% endset %}", "template.capture"),
            ("{% set a | upper %}{{ now }}{% endset %}", "template.capture"),
            ("{% filter upper %}a{% endfilter %}", "template.statement"),
            ("{% component a() %}b{% endcomponent %}", "template.statement"),
            ("{% <a> %}b{% </a> %}", "template.statement"),
            ("{% include 'x' %}", "template.statement"),
            ("{{ [x for x in range(end=9)] }}", "template.comprehension"),
            ("{% set a = [x\nfor x in b] %}", "template.comprehension"),
            ("{% for x in [y for y in z] %}{% endfor %}", "template.comprehension"),
            ("{{ \"a }}", "template.unclosed"),
            ("{% if a", "template.unclosed"),
        ];
        for (text, code) in cases {
            assert_eq!(refused(text), code, "{text}");
        }
    }

    #[test]
    fn calls_are_inserted_where_work_is_done() {
        let cases = [
            ("plain { } %", "plain { } %".to_owned()),
            ("a {{ now }}", format!("a {{{{ {STEP}() }}}}{{{{ now }}}}")),
            ("a {{- now }}", format!("a {{{{- {STEP}() -}}}}{{{{- now }}}}")),
            (
                "{% for x in y -%} z{% endfor %}",
                format!("{{{{ {STEP}() }}}}{{% for x in y -%}}{{{{- {STEP}() -}}}} z{{% endfor %}}"),
            ),
            ("{% set a = '%}' %}", format!("{{{{ {STEP}() }}}}{{% set a = '%}}' %}}{{{{ {KEEP}(value=a) }}}}")),
            ("{# {{ a #}{% raw %}{{ b }}{% endraw %}", "{# {{ a #}{% raw %}{{ b }}{% endraw %}".to_owned()),
            ("{{ secret('a') }} secret('a')", format!("{{{{ {STEP}() }}}}{{{{ secret(name='a') }}}} secret('a')")),
        ];
        for (text, expected) in cases {
            assert_eq!(prepare(text), Ok(expected), "{text}");
        }
    }
}
