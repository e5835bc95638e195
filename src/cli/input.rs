//! Values read from standard input, a file or the terminal.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use super::output_options::OutputOptions;
use super::{Failure, words};
use crate::config::reason;
use crate::i18n::{Message, message};

/// The fault of a file, or of standard input, that cannot be read.
pub(super) fn unreadable(name: &str, error: &std::io::Error) -> Message {
    message!("setting.unreadable", path = name, reason = reason(error))
}

/// The failure of a file that cannot be written.
pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(words(&message!("cli.unwritable", path = path.display().to_string(), reason = reason(error))))
}

/// A secret from a file or standard input, without one trailing line break. `what` names it in the prompt.
pub(super) fn read_value(what: &str, file: Option<PathBuf>) -> Result<String, Failure> {
    let text = match file {
        Some(path) => std::fs::read_to_string(&path)
            .map_err(|error| Failure::Usage(words(&unreadable(&path.display().to_string(), &error).of("--from-file"))))?,
        None => {
            let mut input = std::io::stdin();
            if input.is_terminal() {
                return ask_secret(what);
            }
            let mut text = String::new();
            let unreadable = |error: std::io::Error| Failure::Usage(words(&unreadable("standard input", &error)));
            input.read_to_string(&mut text).map_err(unreadable)?;
            text
        }
    };
    let value = text.strip_suffix('\n').map_or(text.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest));
    Ok(value.to_owned())
}

/// Prompts for a secret twice, without showing it.
fn ask_secret(what: &str) -> Result<String, Failure> {
    let ask = |question: String| rpassword::prompt_password(question).map_err(|error| Failure::Usage(format!("{what}: {error}")));
    let first = ask(words(&message!("cli.enter", what)))?;
    if ask(words(&message!("cli.enter_again", what)))? != first {
        return Err(Failure::Usage(words(&message!("cli.entries_differ", what))));
    }
    Ok(first)
}

/// Prompts for a line on the terminal.
pub(super) fn ask(question: &str) -> Result<String, Failure> {
    let mut out = std::io::stderr();
    let _ = write!(out, "{question} ").and_then(|()| out.flush()); // the answer is read even if the prompt is not shown
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Failure::failed)?;
    Ok(line.trim().to_owned())
}

/// Asks for a yes on the terminal. Without a terminal `--yes` is required.
pub(super) fn confirm(question: &str, yes: bool, output: &OutputOptions) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(output.fill("ask.no_terminal", &[("question", question)])));
    }
    match ask(&format!("{question} {}", output.text("ask.yes_or_no")))?.to_lowercase().as_str() {
        "y" | "yes" | "是" => Ok(()),
        _ => Err(Failure::Refused(output.text("ask.given_up"))),
    }
}
