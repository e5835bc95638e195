//! What is read from the input, a file or the person at the terminal.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;

use super::Failure;
use super::look::Look;
use crate::config::reason;

/// A secret from a file or the input, without one line break at its end. `what` it is, for the question at a terminal.
///
/// # Errors
/// [`Failure::Usage`] where it cannot be read.
pub(super) fn read_value(what: &str, file: Option<PathBuf>) -> Result<String, Failure> {
    let text = match file {
        Some(path) => std::fs::read_to_string(&path)
            .map_err(|error| Failure::Usage(format!("--from-file: cannot read {}: {}", path.display(), reason(&error))))?,
        None => {
            let mut input = std::io::stdin();
            if input.is_terminal() {
                return ask_unseen(what);
            }
            let mut text = String::new();
            input.read_to_string(&mut text).map_err(|error| Failure::Usage(format!("the input cannot be read: {error}")))?;
            text
        }
    };
    let value = text.strip_suffix('\n').map_or(text.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest));
    Ok(value.to_owned())
}

/// Asks the person at the terminal for a secret, twice, without showing it.
fn ask_unseen(what: &str) -> Result<String, Failure> {
    let ask = |question: String| rpassword::prompt_password(question).map_err(|error| Failure::Usage(format!("{what}: {error}")));
    let first = ask(format!("Type the {what}: "))?;
    if ask(format!("Type the {what} again: "))? != first {
        return Err(Failure::Usage(format!("the two are not the same {what}; nothing was changed")));
    }
    Ok(first)
}

/// Asks the person at the terminal for a line.
///
/// # Errors
/// [`Failure::Failed`] where the terminal does not answer.
pub(super) fn ask(question: &str) -> Result<String, Failure> {
    let mut out = std::io::stderr();
    let _asked_all_the_same = write!(out, "{question} ").and_then(|()| out.flush());
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Failure::failed)?;
    Ok(line.trim().to_owned())
}

/// Asks the person at the terminal for a yes. Where nobody is there to ask, `--yes` must have been given.
///
/// # Errors
/// [`Failure::Usage`] without a terminal, [`Failure::Refused`] for a no.
pub(super) fn confirm(question: &str, yes: bool, look: &Look) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(look.fill("ask.no_terminal", &[("question", question)])));
    }
    match ask(&format!("{question} {}", look.text("ask.yes_or_no")))?.to_lowercase().as_str() {
        "y" | "yes" | "是" => Ok(()),
        _ => Err(Failure::Refused(look.text("ask.given_up"))),
    }
}
