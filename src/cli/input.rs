//! Values read from standard input, a file or the terminal.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;

use super::Failure;
use super::output_options::OutputOptions;
use crate::config::reason;

/// A secret from a file or standard input, without one trailing line break. `what` names it in the prompt.
pub(super) fn read_value(what: &str, file: Option<PathBuf>) -> Result<String, Failure> {
    let text = match file {
        Some(path) => std::fs::read_to_string(&path)
            .map_err(|error| Failure::Usage(format!("--from-file: cannot read {}: {}", path.display(), reason(&error))))?,
        None => {
            let mut input = std::io::stdin();
            if input.is_terminal() {
                return ask_secret(what);
            }
            let mut text = String::new();
            input.read_to_string(&mut text).map_err(|error| Failure::Usage(format!("cannot read standard input: {error}")))?;
            text
        }
    };
    let value = text.strip_suffix('\n').map_or(text.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest));
    Ok(value.to_owned())
}

/// Prompts for a secret twice, without showing it.
fn ask_secret(what: &str) -> Result<String, Failure> {
    let ask = |question: String| rpassword::prompt_password(question).map_err(|error| Failure::Usage(format!("{what}: {error}")));
    let first = ask(format!("Enter the {what}: "))?;
    if ask(format!("Enter the {what} again: "))? != first {
        return Err(Failure::Usage(format!("the two entries of the {what} differ; nothing was changed")));
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
