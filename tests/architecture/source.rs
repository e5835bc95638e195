//! Source files, and their code without comments, strings and tests.

use std::path::{Path, PathBuf};

/// A file below `src/`.
pub struct Source {
    /// Path below `src/`, with forward slashes.
    pub path: String,
    pub lines: usize,
    /// The code with comments, strings and test modules replaced by blanks; line numbers are kept.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), lines: text.lines().count(), code: without_tests(without_comments_and_strings(text)) }
    }

    /// Reads every source of the crate.
    pub fn all() -> Vec<Source> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        collect(&root, &mut files);
        assert!(files.len() > 20, "too few sources found in {}", root.display());
        files.iter().map(|file| Source::read(&root, file)).collect()
    }

    fn read(root: &Path, file: &Path) -> Source {
        let path = file.strip_prefix(root).expect("the file is below src").to_string_lossy().replace('\\', "/");
        Source::new(&path, &std::fs::read_to_string(file).expect("cannot read a source file"))
    }

    /// The top-level module: `domain`, `app`, `main`.
    pub fn module_name(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// The module path: `["domain", "trigger"]` for `domain/trigger/mod.rs`.
    pub fn module(&self) -> Vec<String> {
        let mut steps: Vec<String> = self.path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if matches!(steps.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            steps.pop();
        }
        steps
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("cannot list a folder")
        .map(|entry| entry.expect("cannot read a folder entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test {
            files.push(path);
        }
    }
}

/// Replaces comments, strings and characters by blanks.
fn without_comments_and_strings(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skip_end(&chars, at);
        let skipped = &chars[at..end];
        out.extend(skipped.iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
        if skipped.is_empty() {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// Returns the end of the comment, string or character that starts at `at`; `at` itself if none does.
fn skip_end(chars: &[char], at: usize) -> usize {
    let next = |n: usize| chars.get(at + n).copied();
    match (chars[at], next(1)) {
        ('/', Some('/')) => find(chars, at, |rest| rest[0] == '\n'),
        ('/', Some('*')) => block_end(chars, at),
        ('"', _) => string_end(chars, at + 1),
        ('r', Some('"' | '#')) if !follows_name(chars, at) => raw_end(chars, at),
        ('\'', Some('\\')) => find(chars, at + 3, |rest| rest[0] == '\'') + 1,
        ('\'', Some(_)) if next(2) == Some('\'') => at + 3,
        _ => at,
    }
}

fn find(chars: &[char], from: usize, stop: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|i| stop(&chars[*i..])).unwrap_or(chars.len())
}

fn follows_name(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|i| chars[i]);
    before.is_some_and(|c| (c.is_alphanumeric() && c != 'b') || c == '_')
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn raw_end(chars: &[char], at: usize) -> usize {
    let marks = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + marks) != Some(&'"') {
        return at; // r#name
    }
    let closes = |rest: &[char]| rest[0] == '"' && rest.len() > marks && rest[1..=marks].iter().all(|c| *c == '#');
    (find(chars, at + 2 + marks, closes) + 1 + marks).min(chars.len())
}

fn block_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut at) = (0, at);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

/// Replaces items with `#[cfg(test)]` by blanks.
fn without_tests(mut code: String) -> String {
    while let Some(start) = code.find("#[cfg(test)]") {
        let end = start + item_end(&code[start..]);
        let blank: String = code[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(start..end, &blank);
    }
    code
}

fn item_end(item: &str) -> usize {
    let mut depth = 0;
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}
