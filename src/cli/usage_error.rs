//! Usage errors: puts an invalid command line into the user's language. In English clap does it, with its colours.

use std::error::Error as _;
use std::io::Write;
use std::process::ExitCode;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::output_options::language;
use crate::i18n::{Language, Message, message};

/// Prints an error, or the help or version that was asked for. Returns the exit status.
pub(super) fn report(error: &Error) -> ExitCode {
    // Fails if there is nowhere left to print to.
    let _ = match explanation(error).filter(|_| language() != Language::English) {
        Some(text) => writeln!(std::io::stderr(), "{}", text.text(language())),
        None => error.print(),
    };
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// What is wrong, the usage, and where to read more; `None` for help, version and rare errors.
fn explanation(error: &Error) -> Option<Message> {
    let problem = problem(error)?;
    let usage = context(error, ContextKind::Usage);
    Some(match usage.trim().strip_prefix("Usage:") {
        Some(usage) => message!("usage.with_usage", problem, usage = usage.trim().to_owned()),
        None => message!("usage.with_help", problem),
    })
}

fn problem(error: &Error) -> Option<Message> {
    let argument = context(error, ContextKind::InvalidArg);
    let value = context(error, ContextKind::InvalidValue);
    Some(match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::NoEquals if value.is_empty() => message!("usage.no_value", argument),
        ErrorKind::InvalidValue => {
            message!("usage.invalid_value", argument, value, known = context(error, ContextKind::ValidValue))
        }
        ErrorKind::ValueValidation => {
            let reason = error.source().map(ToString::to_string).unwrap_or_default();
            message!("usage.refused_value", argument, value, reason)
        }
        ErrorKind::UnknownArgument => match context(error, ContextKind::SuggestedArg) {
            similar if similar.is_empty() => message!("usage.unknown_argument", argument),
            similar => message!("usage.similar_argument", argument, similar),
        },
        ErrorKind::InvalidSubcommand => {
            let command = context(error, ContextKind::InvalidSubcommand);
            match context(error, ContextKind::SuggestedSubcommand) {
                similar if similar.is_empty() => message!("usage.unknown_command", command),
                similar => message!("usage.similar_command", command, similar),
            }
        }
        ErrorKind::MissingSubcommand => {
            message!("usage.missing_command", known = context(error, ContextKind::ValidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => message!("usage.missing_argument", argument),
        ErrorKind::ArgumentConflict => {
            message!("usage.conflict", argument, other = context(error, ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues => message!("usage.too_many_values", argument, value),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => message!("usage.number_of_values", argument),
        ErrorKind::InvalidUtf8 => message!("usage.not_utf8"),
        _ => return None,
    })
}

fn context(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Cli;
    use super::*;

    fn chinese(arguments: &[&str]) -> String {
        let error = Cli::try_parse_from([&["belfry"], arguments].concat()).expect_err("is refused");
        explanation(&error).expect("is explained").text(Language::Chinese)
    }

    #[test]
    fn errors_name_the_argument_and_what_is_allowed() {
        for (arguments, expected) in [
            (&["task", "lst"][..], "没有子命令“lst”，是否要写“ls, list”？"),
            (&["serve", "--lisen", "x"][..], "没有参数“--lisen”，是否要写“--listen”？"),
            (&["task", "list", "--color", "blue"][..], "--color <WHEN> 不能为“blue”，可用：auto, always, never"),
            (&["import", "crontab", "--system", "--no-system", "f"][..], "参数“--system”不能与“--no-system”同时使用"),
            (&["import", "crontab"][..], "缺少参数：<FILE>"),
            (&["import", "crontab", "f", "--timeout", "0"][..], "--timeout <SECONDS> 的值“0”无效：0 is not in"),
            (&["serve", "--listen"][..], "参数“--listen <HOST:PORT>”缺少值"),
        ] {
            let text = chinese(arguments);
            assert!(text.starts_with(&format!("错误：{expected}")), "{arguments:?}: {text}");
            assert!(text.contains("--help"), "{text}");
        }
    }

    #[test]
    fn help_and_version_are_no_errors() {
        for argument in ["--help", "--version"] {
            let error = Cli::try_parse_from(["belfry", argument]).expect_err("is printed");
            assert!(explanation(&error).is_none());
        }
    }
}
