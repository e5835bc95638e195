//! Paths used in a source: expands `use` trees, resolves `super`, and finds paths inside code.

use crate::source::Source;

/// A path as written, with its line (from 1).
pub struct PathUse {
    pub line: usize,
    /// From the root of the crate (`["domain", "task", "Task"]`), or from a library (`["sqlx", "query"]`).
    pub steps: Vec<String>,
    pub own: bool,
    /// The name that a `use` gives to the path; `None` for a path inside code.
    pub imported_as: Option<String>,
}

/// Returns all paths of two or more steps, and every path in `use`.
pub fn path_uses(source: &Source) -> Vec<PathUse> {
    let tokens = tokens(&source.code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts = is_name(&tokens[at].1) && tokens.get(at + 1).is_some_and(|next| next.1 == "::");
        let goes_on = at > 0 && tokens[at - 1].1 == "::";
        if starts && !goes_on {
            let is_import = at > 0 && tokens[at - 1].1 == "use";
            let mut paths = Vec::new();
            walk(&tokens, at, Vec::new(), &mut paths);
            let named = |(steps, name)| resolve(source, tokens[at].0, steps, is_import.then_some(name));
            found.extend(paths.into_iter().map(named));
        }
        at += 1;
    }
    found
}

type Token = (usize, String);

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = if name > 0 {
                name
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push((number + 1, rest[..length].to_owned()));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The steps of a path, and the name that it has after `as`, or else its last step.
type NamedPath = (Vec<String>, String);

/// Reads the path at `at` and every path of a group; returns the position after it.
fn walk(tokens: &[Token], mut at: usize, mut steps: Vec<String>, paths: &mut Vec<NamedPath>) -> usize {
    while let Some((_, token)) = tokens.get(at) {
        match token.as_str() {
            "{" => return group(tokens, at + 1, &steps, paths),
            name if is_name(name) => steps.push(name.to_owned()),
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|next| next.1 != "::") {
            break;
        }
        at += 1;
    }
    if steps.last().is_some_and(|step| step == "self") && steps.len() > 1 {
        steps.pop();
    }
    let mut name = steps.last().cloned().unwrap_or_default();
    if tokens.get(at).is_some_and(|next| next.1 == "as") {
        name = tokens.get(at + 1).map_or(name, |alias| alias.1.clone());
        at += 2;
    }
    paths.push((steps, name));
    at
}

fn group(tokens: &[Token], mut at: usize, steps: &[String], paths: &mut Vec<NamedPath>) -> usize {
    while let Some((_, token)) = tokens.get(at) {
        match token.as_str() {
            "}" => return at + 1,
            "," => at += 1,
            name if is_name(name) => at = walk(tokens, at, steps.to_vec(), paths),
            _ => at += 1,
        }
    }
    at
}

fn resolve(source: &Source, line: usize, mut steps: Vec<String>, imported_as: Option<String>) -> PathUse {
    let mut base = source.module();
    match steps.first().map(String::as_str) {
        Some("crate" | "belfry") => PathUse { line, steps: steps.split_off(1), own: true, imported_as },
        Some("self" | "super") => {
            while steps.first().is_some_and(|step| step == "super" || step == "self") {
                if steps.remove(0) == "super" {
                    base.pop();
                }
            }
            base.extend(steps);
            PathUse { line, steps: base, own: true, imported_as }
        }
        _ => PathUse { line, steps, own: false, imported_as },
    }
}
