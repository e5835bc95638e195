//! The name of the program that a shell command runs, behind `cd`, tests, assignments and wrappers such as `flock` and `timeout`.

mod tables;

use std::collections::BTreeMap;

use self::tables::{CONTAINER_OPTIONS, INTERPRETERS, KEYWORDS, PREPARATIONS, SHELLS, WRAPPERS};
use super::words::{simple_commands, words};

/// Deepest nesting of commands inside commands.
const MAX_DEPTH: usize = 6;

/// Returns the name of the program that a command runs. `variables` are those of the crontab.
pub fn program_name(command: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    find(command, variables, 0)
}

fn find(command: &str, variables: &BTreeMap<String, String>, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut fallback = None;
    let mut variables = variables.clone();
    for simple in simple_commands(command) {
        let words = words(&simple);
        if words.iter().all(|word| is_assignment(word)) {
            let pairs = words.iter().filter_map(|word| word.split_once('='));
            variables.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        match of_words(&words, &variables, depth) {
            Some((name, true)) => return Some(name),
            Some((name, false)) if fallback.is_none() => fallback = Some(name),
            _ => {}
        }
    }
    fallback
}

/// Returns the name and whether it is that of the work itself, not of a preparation.
fn of_words(words: &[String], variables: &BTreeMap<String, String>, depth: usize) -> Option<(String, bool)> {
    let mut rest = words;
    while let [first, more @ ..] = rest
        && (is_assignment(first) || KEYWORDS.contains(&first.as_str()))
    {
        rest = more;
    }
    let (first, arguments) = rest.split_first()?;
    if matches!(first.as_str(), "for" | "case" | "function" | "select") {
        return None;
    }
    if let Some(inner) = first.strip_prefix("$(").and_then(|inner| inner.strip_suffix(')')) {
        // `$(which python3) x.py`
        let found = inner.split_whitespace().next_back()?.to_owned();
        return of_words(&[&[found], arguments].concat(), variables, depth + 1);
    }
    let program = base_name(&resolve(first, variables));
    if PREPARATIONS.contains(&program.as_str()) {
        return Some((program, false));
    }
    if depth < MAX_DEPTH
        && let Some(inner) = inside(&program, arguments, variables, depth)
    {
        return Some((inner, true));
    }
    // Code on the command line of an interpreter, such as a random delay, often only prepares another command.
    let is_work = interpreter(&program).is_none();
    program.chars().any(char::is_alphanumeric).then_some((program, is_work))
}

/// The options of an interpreter that take a word of their own; `None` for other programs.
fn interpreter(program: &str) -> Option<&'static [&'static str]> {
    let plain = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.iter().find(|(name, _)| *name == program || *name == plain).map(|(_, valued)| *valued)
}

/// Returns the name of what a shell, an interpreter, a container tool or a wrapper runs.
fn inside(program: &str, arguments: &[String], variables: &BTreeMap<String, String>, depth: usize) -> Option<String> {
    let nested = |words: &[String]| of_words(words, variables, depth + 1).map(|(name, _)| name);
    if let Some(script) = script_option(program, arguments) {
        return find(script, variables, depth + 1);
    }
    if SHELLS.contains(&program) {
        return operand(arguments, &["-o", "--rcfile", "--init-file"]).map(|word| base_name(&resolve(word, variables)));
    }
    if let Some(valued) = interpreter(program) {
        return interpreted(arguments, valued).map(|word| base_name(&resolve(word, variables)));
    }
    if matches!(program, "docker" | "podman" | "docker-compose" | "kubectl" | "nerdctl" | "lxc" | "oc") {
        return in_container(arguments).and_then(nested);
    }
    let wrapper = WRAPPERS.iter().find(|wrapper| wrapper.name == program)?;
    let rest = after_options(arguments, wrapper.valued);
    let rest = rest.get(wrapper.operands..)?;
    let rest = match rest {
        [first, more @ ..] if first == "--" => more,
        [first, more @ ..] if matches!(first.as_str(), "run" | "exec" | "r") && is_runner(program) => {
            after_options(more, wrapper.valued)
        }
        rest => rest,
    };
    nested(rest)
}

fn is_runner(program: &str) -> bool {
    matches!(program, "pipenv" | "poetry" | "uv" | "bundle" | "conda" | "npm" | "yarn")
}

/// Returns the script of `bash -c SCRIPT`, `su -c SCRIPT` and `flock FILE -c SCRIPT`.
fn script_option<'w>(program: &str, arguments: &'w [String]) -> Option<&'w str> {
    if !SHELLS.contains(&program) && !matches!(program, "su" | "runuser" | "flock" | "script") {
        return None;
    }
    let is_script = |word: &String| {
        word == "--command" || (word.starts_with('-') && !word.starts_with("--") && word.ends_with('c') && word.len() <= 6)
    };
    let place = arguments.iter().position(is_script)?;
    arguments.get(place + 1).map(String::as_str)
}

/// Returns the script or module of an interpreter.
fn interpreted<'w>(arguments: &'w [String], valued: &[&str]) -> Option<&'w str> {
    for (place, word) in arguments.iter().enumerate() {
        // A module, an archive or a file follows.
        if matches!(word.as_str(), "-m" | "-jar" | "-f" | "-File" | "-file") {
            return arguments.get(place + 1).map(String::as_str);
        }
        if matches!(word.as_str(), "-c" | "-e" | "-r" | "-Command") && !valued.contains(&word.as_str()) {
            return None;
        }
        if !word.starts_with('-') {
            break;
        }
    }
    operand(arguments, valued).filter(|word| *word != "run")
}

/// Returns the command run in a container; for a new container its command, or else its image.
fn in_container(arguments: &[String]) -> Option<&[String]> {
    let place = arguments.iter().position(|word| matches!(word.as_str(), "exec" | "run"))?;
    let rest = after_options(&arguments[place + 1..], CONTAINER_OPTIONS);
    let (_target, command) = rest.split_first()?;
    let command = after_options(command, CONTAINER_OPTIONS);
    Some(match command {
        [] => &rest[..1],
        [first, more @ ..] if first == "--" => more,
        command => command,
    })
}

/// Skips options, with their values, and assignments.
fn after_options<'w>(words: &'w [String], valued: &[&str]) -> &'w [String] {
    let mut rest = words;
    while let [first, more @ ..] = rest {
        if first == "--" {
            return more;
        }
        if valued.contains(&first.as_str()) || ends_with_valued(first, valued) {
            rest = more.get(1..).unwrap_or_default();
        } else if (first.starts_with('-') && first.len() > 1) || is_assignment(first) {
            rest = more;
        } else if first == "-" {
            // `su - user`
            rest = more.get(1..).unwrap_or_default();
        } else {
            break;
        }
    }
    rest
}

/// Whether the last of several letters is an option that takes a word, as in `sudo -iu deploy`; not if the first one does, whose value
/// follows it.
fn ends_with_valued(word: &str, valued: &[&str]) -> bool {
    let letters =
        word.strip_prefix('-').filter(|letters| letters.len() > 1 && letters.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let takes_word = |letter: char| valued.contains(&format!("-{letter}").as_str());
    letters.is_some_and(|letters| letters.ends_with(takes_word) && !letters.starts_with(takes_word))
}

fn operand<'w>(words: &'w [String], valued: &[&str]) -> Option<&'w str> {
    after_options(words, valued).first().map(String::as_str)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Replaces a leading variable by its value in the crontab.
fn resolve(word: &str, variables: &BTreeMap<String, String>) -> String {
    let Some(rest) = word.strip_prefix('$') else { return word.to_owned() };
    let (name, rest) = match rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
        Some((name, rest)) => (name, rest),
        None => rest.split_at(rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())),
    };
    let name = name.split([':', '-', '%', '#']).next().unwrap_or(name);
    match variables.get(name).filter(|value| !value.starts_with('$')) {
        Some(value) => format!("{}{rest}", value.split_whitespace().next().unwrap_or_default()),
        None => format!("{name}{rest}"),
    }
}

fn base_name(word: &str) -> String {
    let word = word.trim_end_matches('/');
    word.rsplit(['/', '\\']).next().unwrap_or(word).trim_end_matches(".exe").to_owned()
}

#[cfg(test)]
mod tests;
