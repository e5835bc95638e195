//! Parameters of `auto_test`.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use encoding_rs::Encoding;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::fault::Fault;
use crate::i18n::{Message, message};
use crate::tasks::process::command::{self, CommandLine, Shell};
use crate::tasks::unreadable;

/// The parsed parameters.
#[derive(Debug)]
pub(super) struct Params {
    pub command: CommandLine,
    pub cwd: Option<PathBuf>,
    pub env: BTreeMap<String, String>,
    pub encoding: Option<&'static Encoding>,
    pub format: Format,
    /// Path pattern of the report files, relative to `cwd`.
    pub report: Option<String>,
    /// Percentage, 0 to 100.
    pub min_pass_rate: Option<f64>,
    pub timeout: Option<Duration>,
}

/// The format of the test report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// JUnit XML files.
    Junit,
    /// TAP in the output.
    Tap,
}

/// The parameters as given.
#[derive(Debug, Deserialize)]
struct Raw {
    command: Value,
    cwd: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    encoding: Option<String>,
    shell: Option<Shell>,
    format: Option<Format>,
    report: Option<String>,
    min_pass_rate: Option<f64>,
    timeout_seconds: Option<f64>,
}

impl Params {
    /// Parses parameters that match the schema. The error lists the faults that the schema cannot express.
    pub fn read(params: &Value) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| unreadable(&error))?;
        let mut faults = command::check_environment(raw.cwd.as_deref(), &raw.env);
        let command = CommandLine::read(&raw.command, raw.shell).map_err(|fault| faults.push(fault)).ok();
        let encoding = command::encoding(raw.encoding.as_deref()).map_err(|fault| faults.push(fault)).ok();
        faults.extend(raw.report.as_deref().and_then(report_fault));
        let format = raw.format.unwrap_or(if raw.report.is_some() { Format::Junit } else { Format::Tap });
        match (format, &raw.report) {
            (Format::Junit, None) => faults.push(report_error(message!("tests.report_required"))),
            (Format::Tap, Some(_)) => faults.push(report_error(message!("tests.report_not_allowed"))),
            _ => {}
        }
        match (command, encoding) {
            (Some(command), Some(encoding)) if faults.is_empty() => Ok(Params {
                command,
                cwd: raw.cwd.map(PathBuf::from),
                env: raw.env,
                encoding,
                format,
                report: raw.report,
                min_pass_rate: raw.min_pass_rate,
                timeout: raw.timeout_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            }),
            _ => Err(faults),
        }
    }
}

fn report_fault(report: &str) -> Option<Fault> {
    let below = Path::new(report).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !below {
        return Some(report_error(message!("tests.report_path")));
    }
    let error = glob::Pattern::new(report).err()?;
    Some(report_error(message!("tests.report_pattern", error = error.msg)))
}

fn report_error(message: Message) -> Fault {
    Fault::new("/report", message.of("report"))
}

pub(super) fn schema() -> Value {
    let with = |mut schema: Value, en: &str, zh: &str| {
        schema["description"] = en.into();
        schema["x-description-zh"] = zh.into();
        schema
    };
    let command = json!({"anyOf": [
        {"type": "string", "minLength": 1, "maxLength": 100_000},
        {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"type": "string", "maxLength": 100_000}},
    ]});
    let env = json!({"type": "object", "additionalProperties": {"type": "string", "maxLength": 100_000}, "maxProperties": 200});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["command"],
        "properties": {
            "command": with(command,
                "The command that runs the tests. A text is run by the shell; a list is a program with its arguments, run without a \
                    shell.",
                "运行测试的命令。文本由 Shell 执行；列表表示程序及其参数，不经过 Shell。"),
            "cwd": with(json!({"type": "string", "minLength": 1, "maxLength": 20096}),
                "The working folder.", "执行时的工作目录。"),
            "env": with(env, "Environment variables in addition to the server's own.", "在服务器环境变量之外附加的变量。"),
            "report": with(json!({"type": "string", "minLength": 1, "maxLength": 20096}),
                "The JUnit XML files below the working folder, such as report.xml or target/**/TEST-*.xml. Only files written by this \
                    run are read.",
                "工作目录下的 JUnit XML 文件，例如 report.xml 或 target/**/TEST-*.xml。只读取本次运行写出的文件。"),
            "format": with(json!({"enum": ["junit", "tap"]}),
                "junit: JUnit XML files; tap: TAP in the output. Default: junit if report is given, otherwise tap.",
                "junit 表示 JUnit XML 文件，tap 表示从输出读取 TAP。指定了 report 时默认 junit，否则默认 tap。"),
            "min_pass_rate": with(json!({"type": "number", "minimum": 0, "maximum": 100}),
                "The run succeeds if at least this percentage of the tests passed. Default: all tests must pass.",
                "通过率（%）不低于此值即视为成功。不填则要求全部通过。"),
            "timeout_seconds": with(json!({"type": "number", "exclusiveMinimum": 0, "maximum": 604_800}),
                "Time limit of the tests, in seconds.", "测试的最长运行时间（秒）。"),
            "encoding": with(json!({"type": "string", "maxLength": 200}),
                "The character encoding of the output, such as utf-8 or gbk. Default: utf-8; on Windows the console's encoding.",
                "输出的字符编码，例如 utf-8 或 gbk。默认 utf-8，在 Windows 上为控制台编码。"),
            "shell": with(json!({"enum": ["sh", "bash", "cmd", "powershell"]}),
                "The shell for a command given as text. Default: sh; on Windows cmd.",
                "执行文本命令所用的 Shell。默认 sh，在 Windows 上为 cmd。"),
        },
    })
}
