//! The schema of the parameters of `query_log`.

use serde_json::{Value, json};

use super::params::{DEFAULT_LIMIT, LIMIT_MAX, TEXT_MAX};

/// The schema; `with_mail` adds the parameters for alarms by mail.
pub(super) fn schema(with_mail: bool) -> Value {
    let with = |mut schema: Value, en: &str, zh: &str| {
        schema["description"] = en.into();
        schema["x-description-zh"] = zh.into();
        schema
    };
    let text = |max: u32| json!({"type": "string", "minLength": 1, "maxLength": max});
    let mut properties = json!({
        "source": with(json!({"enum": ["executions", "file"], "default": "executions"}),
            "The log to search: executions (the execution log) or file.", "查询来源：执行记录（executions）或日志文件（file）。"),
        "task_id": with(text(TEXT_MAX), "Only executions of this task.", "只查询该任务的执行记录。"),
        "task_type": with(text(TEXT_MAX), "Only executions of this task type.", "只查询该任务类型的执行记录。"),
        "status": with(json!({"anyOf": [text(TEXT_MAX), {"type": "array", "minItems": 1, "maxItems": 20, "items": text(TEXT_MAX)}]}),
            "Only executions with this status, or one of these.", "只查询该状态（或其中之一）的执行记录。"),
        "since": with(text(TEXT_MAX),
            "Only the last period, such as 30m, 1h or 7d, by the time executions were queued or the time at the beginning of lines. \
                Lines whose time is unknown are counted apart.",
            "距现在多长时间以内，例如 30m、1h、7d。执行记录按入队时间计算，日志行按行首时间计算，时间不明的行单独计数。"),
        "from": with(text(TEXT_MAX), "Start time, inclusive.", "起始时间（含）。"),
        "to": with(text(TEXT_MAX), "End time, exclusive.", "截止时间（不含）。"),
        "pattern": with(text(2000),
            "A regular expression that matches lines of the file, or the error or output of executions.",
            "正则表达式：匹配日志行，或匹配执行记录的错误信息与输出。"),
        "path": with(text(4096),
            "The log file; its rotated files (.1, .2.gz, .zst, -20260101, .2026-01-01, app-1.log, …) are searched too. Default: \
                scheduler.log, Belfry's own log.",
            "日志文件，包括其轮转文件（.1、.2.gz、.zst、-20260101、.2026-01-01、app-1.log 等）。默认为 Belfry 自身的 scheduler.log。"),
        "timezone": with(text(TEXT_MAX),
            "The IANA time zone of times without an offset in the lines, such as Asia/Shanghai. Default: the server's.",
            "日志行中不带时差的时间所在的 IANA 时区，例如 Asia/Shanghai。默认为服务器时区。"),
        "time_format": with(text(TEXT_MAX),
            "The form of the time at the beginning of lines, in strftime codes such as %d.%m.%Y %H:%M:%S, with a date and a time; without a \
                year it is the latest that fits. Default: the usual forms are recognised.",
            "行首时间的格式，用 strftime 代码表示，例如 %d.%m.%Y %H:%M:%S，须含日期和时刻；不含年份时取最近的年份。默认自动识别常见格式。"),
        "encoding": with(text(TEXT_MAX),
            "The character encoding of the file, such as gb18030, utf-16le or latin1. Default: by its byte order mark, otherwise utf-8.",
            "文件的字符编码，例如 gb18030、utf-16le 或 latin1。默认按字节顺序标记判断，否则为 utf-8。"),
        "limit": with(json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": DEFAULT_LIMIT}),
            "Maximum number of matches in the result, newest first; all matches are counted.", "结果中最多列出的条数（最新的优先），计数不受影响。"),
        "fail_if": with(text(TEXT_MAX),
            "The alarm condition: count, failed or rate (percent), then >, >=, <, <= or ==, then a number, as in count > 0. If it \
                holds, the run fails, or sends mail if email_to is given.",
            "满足条件时报警：count、failed 或 rate（百分比），加上 >、>=、<、<= 或 ==，再加数字，例如 count > 0。报警时运行失败；填写了 email_to 时改为发送邮件。"),
    });
    if with_mail {
        properties["email_to"] = with(
            json!({"type": "array", "minItems": 1, "maxItems": 100, "items": text(320)}),
            "Recipients of the result by mail: sent if fail_if holds, or always without fail_if.",
            "结果邮件的收件人：fail_if 成立时发送；未设置 fail_if 时每次都发送。",
        );
        let mut profile = text(TEXT_MAX);
        profile["x-field"] = "smtp".into();
        properties["smtp"] =
            with(profile, "The profile [smtp.<name>] that sends the mail.", "发送邮件所用的配置，即设置中的 [smtp.<名称>]。");
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}
