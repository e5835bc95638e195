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
            Value::String(line) => Ok(CommandLine::Shell(shell.unwrap_or(Shell::system_default()), line.clone())),
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

/// Parses the parameter `encoding`; by default [`default_encoding`].
pub fn encoding(label: Option<&str>) -> Result<&'static Encoding, Fault> {
    let Some(label) = label else { return Ok(default_encoding()) };
    let found = Encoding::for_label_no_replacement(label.as_bytes());
    found.ok_or_else(|| Fault::new("/encoding", message!("command.encoding", encoding = truncate(label, 40)).of("encoding")))
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

/// The encoding of the output of console programs: the OEM code page of Windows.
#[cfg(windows)]
pub fn default_encoding() -> &'static Encoding {
    #[expect(unsafe_code, reason = "reads a number; no safe wrapper exists")]
    // SAFETY: the call takes nothing and cannot fail.
    let code_page = unsafe { windows_sys::Win32::Globalization::GetOEMCP() };
    match code_page {
        874 => encoding_rs::WINDOWS_874,
        866 => encoding_rs::IBM866,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        54936 => encoding_rs::GB18030,
        437 | 850 | 858 | 1252 => encoding_rs::WINDOWS_1252,
        _ => encoding_rs::UTF_8,
    }
}
