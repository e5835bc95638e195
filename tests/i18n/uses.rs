//! The uses of message codes in the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A `message!(…)` in a source.
pub struct Use {
    /// Path and line.
    pub place: String,
    pub code: String,
    pub arguments: Vec<String>,
}

/// All uses of the macro `message!`.
pub fn all() -> Vec<Use> {
    // The module of messages shows uses in its comments and tests.
    let others = sources().into_iter().filter(|(path, _)| !path.contains("i18n"));
    let found: Vec<Use> = others.flat_map(|(path, text)| uses_in(&path, &text)).collect();
    assert!(found.len() > 100, "too few messages found");
    found
}

/// All string literals that look like a code.
pub fn literals() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in sources() {
        let is_code = |text: &&str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b));
        found.extend(text.split('"').filter(is_code).map(str::to_owned));
    }
    found
}

fn uses_in(path: &str, text: &str) -> Vec<Use> {
    let mut found = Vec::new();
    for (at, start) in text.match_indices("message!(") {
        let inner = &text[at + start.len()..];
        let parts = split_arguments(inner);
        let Some(code) = parts.first().and_then(|part| part.strip_prefix('"')?.strip_suffix('"')) else { continue };
        let line = text[..at].matches('\n').count() + 1;
        let name = |part: &String| part.split('=').next().unwrap_or_default().trim().to_owned();
        let arguments = parts[1..].iter().filter(|part| !part.is_empty()).map(name).collect();
        found.push(Use { place: format!("{path}:{line}"), code: code.to_owned(), arguments });
    }
    found
}

/// Splits at the commas of the outermost level, up to the closing parenthesis.
fn split_arguments(text: &str) -> Vec<String> {
    let (mut parts, mut current, mut depth, mut in_string) = (Vec::new(), String::new(), 0_usize, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_string => {
                current.push(c);
                current.extend(chars.next());
                continue;
            }
            '"' => in_string = !in_string,
            _ if in_string => {}
            ')' if depth == 0 => break,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut current).trim().to_owned());
                continue;
            }
            _ => {}
        }
        current.push(c);
    }
    parts.push(current.trim().to_owned());
    parts
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    let shown = |file: &Path| file.strip_prefix(root).unwrap_or(file).display().to_string();
    let read = |file: PathBuf| (shown(&file), std::fs::read_to_string(&file).expect("cannot read a source file"));
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("cannot list a folder") {
        let path = entry.expect("cannot read a folder entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}
