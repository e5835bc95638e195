//! Parameters of `send_cmd`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use encoding_rs::Encoding;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::fault::Fault;
use crate::tasks::process::command::{self, CommandLine, Shell};
use crate::tasks::unreadable;

/// The parsed parameters.
#[derive(Debug)]
pub(super) struct Params {
    pub command: CommandLine,
    pub cwd: Option<PathBuf>,
    pub env: BTreeMap<String, String>,
    /// Standard input, in the encoding of the output.
    pub stdin: Option<Vec<u8>>,
    pub success_codes: Vec<i32>,
    pub encoding: Option<&'static Encoding>,
    pub leave: bool,
}

/// The parameters before they are checked.
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
    #[serde(default)]
    leave: bool,
}

impl Params {
    /// Parses parameters that match the schema.
    ///
    /// # Errors
    /// Faults that the schema cannot express.
    pub fn read(params: &Value) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| unreadable(&error))?;
        let mut faults = Vec::new();
        let command = CommandLine::read(&raw.command, raw.shell).map_err(|fault| faults.push(fault)).ok();
        let encoding = command::encoding(raw.encoding.as_deref()).map_err(|fault| faults.push(fault)).ok();
        faults.extend(command::check_environment(raw.cwd.as_deref(), &raw.env));
        match (command, encoding) {
            (Some(command), Some(encoding)) if faults.is_empty() => Ok(Params {
                stdin: raw.stdin.map(|text| encoding.unwrap_or(command::default_encoding()).encode(&text).0.into_owned()),
                command,
                cwd: raw.cwd.map(PathBuf::from),
                env: raw.env,
                success_codes: raw.success_codes.unwrap_or_else(|| vec![0]),
                encoding,
                leave: raw.leave,
            }),
            _ => Err(faults),
        }
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
                "type": "string", "minLength": 1, "maxLength": 20096,
                "description": "The working directory.",
                "x-description-zh": "执行时的工作目录。",
            },
            "env": {
                "type": "object", "additionalProperties": {"type": "string", "maxLength": 100_000}, "maxProperties": 200,
                "description": "Environment variables, added to the server's own. BELFRY_EXECUTION_ID, BELFRY_TASK_ID, BELFRY_ATTEMPT and BELFRY_SCHEDULED_AT are always set.",
                "x-description-zh": "在服务器环境变量之外附加的变量。BELFRY_EXECUTION_ID、BELFRY_TASK_ID、BELFRY_ATTEMPT 和 BELFRY_SCHEDULED_AT 始终会设置。",
            },
            "stdin": {
                "type": "string", "maxLength": 1_000_000,
                "description": "The standard input of the command.",
                "x-description-zh": "写入命令标准输入的文本。",
            },
            "success_codes": {
                "type": "array", "minItems": 1, "maxItems": 256, "uniqueItems": true, "default": [0],
                "items": {"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX},
                "description": "The exit codes that count as success.",
                "x-description-zh": "视为成功的退出码。",
            },
            "encoding": {
                "type": "string", "maxLength": 200,
                "description": "The encoding of the output, such as utf-8, gbk or gb18030. By default it is detected: utf-8, gb18030, or on Windows the console's.",
                "x-description-zh": "输出的字符编码，例如 utf-8、gbk 或 gb18030。默认自动识别 utf-8 和 gb18030，在 Windows 上为控制台编码。",
            },
            "leave": {
                "type": "boolean", "default": false,
                "description": "Whether processes that the command leaves in the background go on after its end, such as daemons. Those in a session of their own (setsid) then also go on when the run is cancelled. By default all processes of a run end with it.",
                "x-description-zh": "命令结束后，其留在后台的进程（例如守护进程）是否继续运行。此时处于独立会话（setsid）中的进程在取消执行后也会继续运行。默认情况下，一次执行的所有进程都随其结束而终止。",
            },
            "shell": {
                "enum": ["sh", "bash", "cmd", "powershell"],
                "description": "The shell for a command given as text. By default sh, on Windows cmd.",
                "x-description-zh": "执行文本命令所用的 Shell。默认 sh，在 Windows 上为 cmd。",
            },
        },
    })
}
