//! The names that the expressions of a template use, found in its text.

use std::sync::LazyLock;

use regex::Regex;

/// The expressions and statements of a template, and whether each is a condition.
pub(super) fn expressions(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let begins = text.match_indices("{{").map(|(at, _)| (at, "}}")).chain(text.match_indices("{%").map(|(at, _)| (at, "%}")));
    begins.map(move |(at, end)| {
        let inner = &text[at + 2..];
        let inner = inner.split(end).next().unwrap_or(inner);
        let first = inner.trim_start_matches(['-', ' ', '\t', '\n', '\r']).split([' ', '\t', '\n', '\r', '(']).next();
        (inner, end == "%}" && matches!(first, Some("if" | "elif")))
    })
}

/// Whether an expression uses the variable `word` otherwise than by one of these members.
pub(super) fn uses_beyond(expression: &str, word: &str, members: &[&str]) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    expression.match_indices(word).any(|(at, _)| {
        let (before, after) = (&expression[..at], &expression[at + word.len()..]);
        let whole = !before.ends_with(part) && !after.starts_with(part);
        let field = after.strip_prefix('.').map(|rest| rest.split(|c| !part(c)).next().unwrap_or_default());
        whole && !field.is_some_and(|field| members.contains(&field))
    })
}

/// The members of the variable `word` that the expressions of a template name.
pub(super) fn members<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    static MEMBER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:^|[^.\w])(\w+)\s*\.\s*([A-Za-z_]\w*)").ok());
    let Some(regex) = MEMBER.as_ref() else { return Vec::new() };
    let found = expressions(text).flat_map(|(expression, _)| regex.captures_iter(expression));
    let named = found.filter_map(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str())));
    named.filter(|(variable, _)| *variable == word).map(|(_, member)| member).collect()
}

/// The names of the secrets that the expressions of a template name.
pub(super) fn secrets(text: &str) -> Vec<&str> {
    static SECRET: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?:^|\W)secret\s*\(\s*["'`]([A-Za-z0-9_.-]{1,64})["'`]"#).ok());
    let Some(regex) = SECRET.as_ref() else { return Vec::new() };
    let found = expressions(text).flat_map(|(expression, _)| regex.captures_iter(expression));
    found.filter_map(|found| Some(found.get(1)?.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_those_named_in_expressions() {
        let text =
            "secret(\"no\") {{ secret(\"a.b\") ~ secret( 'c' ) }} {% if secret(\"d\") %}{% endif %} {{ my_secret(\"no\") }}";
        assert_eq!(secrets(text), ["a.b", "c", "d"]);
    }

    #[test]
    fn members_are_those_of_the_variable_in_expressions() {
        let text = "input.not {{ input.a ~ my_input.b }} {% if input . c == x.input %}{{ previous.result.input }}{% endif %}";
        assert_eq!(members(text, "input"), ["a", "c"]);
    }
}
