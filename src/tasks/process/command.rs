//! Commands: a shell command line, or a program with its arguments; parses the parameters of task types that run one.

use std::collections::BTreeMap;

use encoding_rs::Encoding;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// A command line for a shell.
    Shell(Shell, String),
    /// A program with its arguments.
    Program(String, Vec<String>),
}

/// The supported shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shell {
    Sh,
    Bash,
    Cmd,
    #[serde(rename = "powershell")]
    Pwsh,
}

impl CommandLine {
    /// Parses the parameter `command`: a text is run by a shell, a list without one.
    pub fn read(command: &Value, shell: Option<Shell>) -> Result<CommandLine, Fault> {
        let fault = |name: &str, message: Message| Err(Fault::new(format!("/{name}"), message.of(name)));
        match command {
            Value::String(line) if line.trim().is_empty() => fault("command", message!("value.empty")),
            Value::String(line) if line.contains('\0') => fault("command", message!("value.nul")),
            Value::String(line) => {
                let shell = shell.unwrap_or(Shell::system_default());
                Ok(CommandLine::Shell(shell, shell.script(line)))
            }
            Value::Array(_) if shell.is_some() => fault("shell", message!("command.shell_with_list")),
            Value::Array(words) => {
                let mut words: Vec<String> = words.iter().map(|word| word.as_str().unwrap_or_default().to_owned()).collect();
                if words.first().is_none_or(|program| program.trim().is_empty()) {
                    return fault("command", message!("command.no_program"));
                }
                if words.iter().any(|word| word.contains('\0')) {
                    return fault("command", message!("value.nul"));
                }
                let program = words.remove(0);
                Ok(CommandLine::Program(program, words))
            }
            _ => fault("command", message!("command.text_or_list")),
        }
    }

    /// The program to start, as named in the parameters.
    pub fn program(&self) -> &str {
        match self {
            CommandLine::Shell(shell, _) => shell.program(),
            CommandLine::Program(program, _) => program,
        }
    }
}

impl Shell {
    #[cfg(not(windows))]
    fn system_default() -> Self {
        Shell::Sh
    }

    #[cfg(windows)]
    fn system_default() -> Self {
        Shell::Cmd
    }

    /// A script with the line ends of the shell: for sh and bash a carriage return would belong to the command before it.
    fn script(self, text: &str) -> String {
        match self {
            Shell::Sh | Shell::Bash => text.replace("\r\n", "\n"),
            Shell::Cmd | Shell::Pwsh => text.to_owned(),
        }
    }

    pub fn program(self) -> &'static str {
        match self {
            Shell::Sh => "sh",
            Shell::Bash => "bash",
            Shell::Cmd => "cmd",
            Shell::Pwsh if cfg!(windows) => "powershell",
            Shell::Pwsh => "pwsh",
        }
    }
}

/// Parses the parameter `encoding`; `None` if it is not given.
pub fn encoding(label: Option<&str>) -> Result<Option<&'static Encoding>, Fault> {
    let Some(label) = label else { return Ok(None) };
    let found = Encoding::for_label_no_replacement(label.as_bytes());
    let unknown = || Fault::new("/encoding", message!("command.encoding", encoding = truncate(label, 40)).of("encoding"));
    found.map(Some).ok_or_else(unknown)
}

/// The faults of the parameters `cwd` and `env`.
pub fn check_environment(cwd: Option<&str>, env: &BTreeMap<String, String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if cwd.is_some_and(|cwd| cwd.trim().is_empty() || cwd.contains('\0')) {
        faults.push(Fault::new("/cwd", message!("command.cwd").of("cwd")));
    }
    faults.extend(env.iter().filter_map(|(name, value)| env_fault(name, value)));
    faults
}

fn env_fault(name: &str, value: &str) -> Option<Fault> {
    let pointer = format!("/env/{}", pointer_step(name));
    if name.is_empty() || name.contains(['=', '\0']) {
        return Some(Fault::new(pointer, message!("command.env_name", name = truncate(name, 40)).of("env")));
    }
    value.contains('\0').then(|| Fault::new(pointer, message!("command.env_nul", name = truncate(name, 40)).of("env")))
}

/// The encoding of the output of programs: UTF-8.
#[cfg(not(windows))]
pub fn default_encoding() -> &'static Encoding {
    encoding_rs::UTF_8
}

/// The encoding of the output of console programs.
#[cfg(windows)]
pub fn default_encoding() -> &'static Encoding {
    super::code_page::encoding()
}
