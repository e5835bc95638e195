//! What `send_cmd` takes.

use std::collections::BTreeMap;

use encoding_rs::Encoding;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::fault::Fault;
use crate::domain::input::cut;

/// The parameters, read.
#[derive(Debug)]
pub(super) struct Params {
    pub command: CommandLine,
    pub cwd: Option<String>,
    pub env: BTreeMap<String, String>,
    pub stdin: Option<String>,
    pub success_codes: Vec<i32>,
    pub encoding: &'static Encoding,
}

/// What is run.
#[derive(Debug)]
pub(super) enum CommandLine {
    /// A line for a shell.
    Shell(Shell, String),
    /// A program with its arguments.
    Program(String, Vec<String>),
}

/// The shells there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Shell {
    Sh,
    Bash,
    Cmd,
    #[serde(rename = "powershell")]
    Pwsh,
}

/// As given.
#[derive(Debug, Deserialize)]
struct Raw {
    command: Value,
    #[serde(default)]
    cwd: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    stdin: Option<String>,
    #[serde(default)]
    success_codes: Option<Vec<i32>>,
    #[serde(default)]
    encoding: Option<String>,
    #[serde(default)]
    shell: Option<Shell>,
}

impl Params {
    /// Reads parameters that fit the schema.
    ///
    /// # Errors
    /// What the schema cannot say.
    pub fn read(params: &Value) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| vec![Fault::new("", error.to_string())])?;
        let mut faults = Vec::new();
        let command = command(&raw).map_err(|fault| faults.push(fault)).ok();
        let encoding = encoding(raw.encoding.as_deref()).map_err(|fault| faults.push(fault)).ok();
        if raw.cwd.as_deref().is_some_and(|cwd| cwd.trim().is_empty() || cwd.contains('\0')) {
            faults.push(Fault::new("/cwd", "cwd: must name a folder"));
        }
        faults.extend(raw.env.iter().filter_map(|(name, value)| env_fault(name, value)));
        match (command, encoding) {
            (Some(command), Some(encoding)) if faults.is_empty() => Ok(Params {
                command,
                cwd: raw.cwd,
                env: raw.env,
                stdin: raw.stdin,
                success_codes: raw.success_codes.unwrap_or_else(|| vec![0]),
                encoding,
            }),
            _ => Err(faults),
        }
    }

    /// What the command reads, in the encoding that it writes in.
    pub fn stdin_bytes(&self) -> Option<Vec<u8>> {
        self.stdin.as_deref().map(|text| self.encoding.encode(text).0.into_owned())
    }
}

fn command(raw: &Raw) -> Result<CommandLine, Fault> {
    let fault = |pointer: &str, message: &str| Err(Fault::new(pointer, message));
    match &raw.command {
        Value::String(line) if line.trim().is_empty() => fault("/command", "command: must not be empty"),
        Value::String(line) if line.contains('\0') => fault("/command", "command: must not hold NUL"),
        Value::String(line) => Ok(CommandLine::Shell(raw.shell.unwrap_or(Shell::of_this_system()), line.clone())),
        Value::Array(_) if raw.shell.is_some() => {
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

fn encoding(label: Option<&str>) -> Result<&'static Encoding, Fault> {
    let Some(label) = label else { return Ok(default_encoding()) };
    let found = Encoding::for_label_no_replacement(label.as_bytes());
    found.ok_or_else(|| {
        let message =
            format!("encoding: '{}' is not known; known are utf-8, gbk, gb18030, big5, shift_jis and others", cut(label, 40));
        Fault::new("/encoding", message)
    })
}

fn env_fault(name: &str, value: &str) -> Option<Fault> {
    let pointer = format!("/env/{}", name.replace('~', "~0").replace('/', "~1"));
    if name.is_empty() || name.contains(['=', '\0']) {
        return Some(Fault::new(pointer, format!("env: '{}' cannot be the name of a variable", cut(name, 40))));
    }
    value.contains('\0').then(|| Fault::new(pointer, format!("env: {} must not hold NUL", cut(name, 40))))
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
}

#[cfg(not(windows))]
fn default_encoding() -> &'static Encoding {
    encoding_rs::UTF_8
}

/// What console programs write on this Windows: its OEM code page.
#[cfg(windows)]
fn default_encoding() -> &'static Encoding {
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

pub(super) fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["command"],
        "properties": {
            "command": {
                "anyOf": [
                    {"type": "string", "minLength": 1, "maxLength": 100_000},
                    {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"type": "string", "maxLength": 100_000}},
                ],
                "description": "A text is run by the shell; a list is a program with its arguments, run without one.",
                "x-description-zh": "文本由 Shell 执行；列表表示程序及其参数，不经过 Shell。",
            },
            "cwd": {
                "type": "string", "minLength": 1, "maxLength": 4096,
                "description": "The folder to run in.",
                "x-description-zh": "执行时的工作目录。",
            },
            "env": {
                "type": "object", "additionalProperties": {"type": "string", "maxLength": 100_000}, "maxProperties": 200,
                "description": "Environment variables, added to the server's own. BELFRY_EXECUTION_ID, BELFRY_TASK_ID, BELFRY_ATTEMPT and BELFRY_SCHEDULED_AT are set always.",
                "x-description-zh": "在服务器环境变量之外附加的变量。BELFRY_EXECUTION_ID、BELFRY_TASK_ID、BELFRY_ATTEMPT 和 BELFRY_SCHEDULED_AT 始终会设置。",
            },
            "stdin": {
                "type": "string", "maxLength": 1_000_000,
                "description": "Given to the command to read.",
                "x-description-zh": "写入命令标准输入的文本。",
            },
            "success_codes": {
                "type": "array", "minItems": 1, "maxItems": 256, "uniqueItems": true, "default": [0],
                "items": {"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX},
                "description": "The exit codes that mean success.",
                "x-description-zh": "视为成功的退出码。",
            },
            "encoding": {
                "type": "string", "maxLength": 40,
                "description": "The encoding of the output, such as utf-8, gbk or gb18030. By default utf-8, on Windows the console's.",
                "x-description-zh": "输出的字符编码，例如 utf-8、gbk 或 gb18030。默认 utf-8，在 Windows 上为控制台编码。",
            },
            "shell": {
                "enum": ["sh", "bash", "cmd", "powershell"],
                "description": "The shell for a command in one text. By default sh, on Windows cmd.",
                "x-description-zh": "执行文本命令所用的 Shell。默认 sh，在 Windows 上为 cmd。",
            },
        },
    })
}
