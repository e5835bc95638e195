//! What is run: a line for a shell, or a program with its arguments; and what goes with it, read from parameters.

use std::collections::BTreeMap;

use encoding_rs::Encoding;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::cut;

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// A line for a shell.
    Shell(Shell, String),
    /// A program with its arguments.
    Program(String, Vec<String>),
}

/// The shells there are.
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
    /// Reads the parameter `command`: a text is for the shell, a list for none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(command: &Value, shell: Option<Shell>) -> Result<CommandLine, Fault> {
        let fault = |pointer: &str, message: &str| Err(Fault::new(pointer, message));
        match command {
            Value::String(line) if line.trim().is_empty() => fault("/command", "command: must not be empty"),
            Value::String(line) if line.contains('\0') => fault("/command", "command: must not hold NUL"),
            Value::String(line) => Ok(CommandLine::Shell(shell.unwrap_or(Shell::of_this_system()), line.clone())),
            Value::Array(_) if shell.is_some() => {
                fault("/shell", "shell: goes with a command in one text; a list is run without a shell")
            }
            Value::Array(words) => {
                let mut words: Vec<String> = words.iter().map(|word| word.as_str().unwrap_or_default().to_owned()).collect();
                if words.first().is_none_or(|program| program.trim().is_empty()) {
                    return fault("/command", "command: its first item must be a program");
                }
                if words.iter().any(|word| word.contains('\0')) {
                    return fault("/command", "command: must not hold NUL");
                }
                let program = words.remove(0);
                Ok(CommandLine::Program(program, words))
            }
            _ => fault("/command", "command: must be a text or a list"),
        }
    }

    /// The program that is started, as it is named.
    pub fn program(&self) -> &str {
        match self {
            CommandLine::Shell(shell, _) => shell.program(),
            CommandLine::Program(program, _) => program,
        }
    }
}

impl Shell {
    #[cfg(not(windows))]
    fn of_this_system() -> Self {
        Shell::Sh
    }

    #[cfg(windows)]
    fn of_this_system() -> Self {
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

/// Reads the parameter `encoding`; without one it is that of the system's own programs.
///
/// # Errors
/// That it is not known, with some that are.
pub fn encoding(label: Option<&str>) -> Result<&'static Encoding, Fault> {
    let Some(label) = label else { return Ok(default_encoding()) };
    let found = Encoding::for_label_no_replacement(label.as_bytes());
    found.ok_or_else(|| {
        let message =
            format!("encoding: '{}' is not known; known are utf-8, gbk, gb18030, big5, shift_jis and others", cut(label, 40));
        Fault::new("/encoding", message)
    })
}

/// What is wrong with the parameters `cwd` and `env`.
pub fn surroundings(cwd: Option<&str>, env: &BTreeMap<String, String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if cwd.is_some_and(|cwd| cwd.trim().is_empty() || cwd.contains('\0')) {
        faults.push(Fault::new("/cwd", "cwd: must name a folder"));
    }
    faults.extend(env.iter().filter_map(|(name, value)| env_fault(name, value)));
    faults
}

fn env_fault(name: &str, value: &str) -> Option<Fault> {
    let pointer = format!("/env/{}", pointer_step(name));
    if name.is_empty() || name.contains(['=', '\0']) {
        return Some(Fault::new(pointer, format!("env: '{}' cannot be the name of a variable", cut(name, 40))));
    }
    value.contains('\0').then(|| Fault::new(pointer, format!("env: {} must not hold NUL", cut(name, 40))))
}

/// What the system's own programs write: UTF-8.
#[cfg(not(windows))]
pub fn default_encoding() -> &'static Encoding {
    encoding_rs::UTF_8
}

/// What console programs write on this Windows: its OEM code page.
#[cfg(windows)]
pub fn default_encoding() -> &'static Encoding {
    #[expect(unsafe_code, reason = "reads a number; there is no safe wrapper")]
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
