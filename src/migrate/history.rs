//! Parser of run histories (`task_history.json`): a list of objects, or an object with such a list, with keys in English or Chinese.
//! Every fault has a pointer to its place.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::execution::Status;
use crate::domain::fault::{Fault, MAX_FAULTS, pointer_step};
use crate::domain::input::{display_value, truncate};
use crate::domain::trigger::parse_timestamp;
use crate::i18n::{Message, message};
use crate::storage::history_import::HistoricalRun;

/// The task type of runs that do not give one.
pub const UNKNOWN_TYPE: &str = "imported";
/// Maximum duration of a run: 366 days, in milliseconds.
const MAX_DURATION_MS: i64 = 366 * 86_400_000;
/// Maximum length of an error text, in characters; the rest is cut off.
const MAX_ERROR_CHARS: usize = 10_000;

const ID_KEYS: &[&str] = &["task_id", "job_id", "taskId", "jobId", "task", "任务ID", "任务id", "任务编号", "任务", "id"];
const NAME_KEYS: &[&str] = &["task_name", "taskName", "job_name", "name", "任务名称", "任务名", "名称"];
const TYPE_KEYS: &[&str] = &["task_type", "taskType", "type", "任务类型", "类型"];
const START_KEYS: &[&str] = &[
    "started_at",
    "start_time",
    "startTime",
    "start",
    "run_time",
    "execute_time",
    "execution_time",
    "executed_at",
    "run_at",
    "timestamp",
    "time",
    "开始时间",
    "执行时间",
    "运行时间",
    "时间",
];
const END_KEYS: &[&str] = &["finished_at", "end_time", "endTime", "end", "finish_time", "结束时间", "完成时间"];
const DURATION_KEYS: &[&str] =
    &["duration", "duration_seconds", "elapsed", "elapsed_time", "cost", "耗时", "持续时间", "执行时长", "时长"];
const DURATION_MS_KEYS: &[&str] = &["duration_ms", "elapsed_ms", "耗时毫秒"];
const STATUS_KEYS: &[&str] = &["status", "state", "success", "状态", "执行状态", "执行结果", "是否成功"];
const RESULT_KEYS: &[&str] = &["result", "output", "message", "response", "结果", "输出", "返回结果", "消息"];
const ERROR_KEYS: &[&str] =
    &["error", "error_message", "errorMessage", "exception", "traceback", "错误", "错误信息", "异常", "异常信息"];
const LIST_KEYS: &[&str] =
    &["history", "task_history", "executions", "records", "runs", "items", "data", "历史", "历史记录", "执行记录", "记录"];

const STATUS_NAMES: &[(&str, Status)] = &[
    ("success", Status::Succeeded),
    ("succeeded", Status::Succeeded),
    ("successful", Status::Succeeded),
    ("ok", Status::Succeeded),
    ("done", Status::Succeeded),
    ("completed", Status::Succeeded),
    ("finished", Status::Succeeded),
    ("true", Status::Succeeded),
    ("成功", Status::Succeeded),
    ("执行成功", Status::Succeeded),
    ("完成", Status::Succeeded),
    ("已完成", Status::Succeeded),
    ("是", Status::Succeeded),
    ("fail", Status::Failed),
    ("failed", Status::Failed),
    ("failure", Status::Failed),
    ("error", Status::Failed),
    ("false", Status::Failed),
    ("失败", Status::Failed),
    ("执行失败", Status::Failed),
    ("错误", Status::Failed),
    ("异常", Status::Failed),
    ("否", Status::Failed),
    ("timeout", Status::TimedOut),
    ("timed_out", Status::TimedOut),
    ("超时", Status::TimedOut),
    ("cancelled", Status::Cancelled),
    ("canceled", Status::Cancelled),
    ("取消", Status::Cancelled),
    ("已取消", Status::Cancelled),
    ("interrupted", Status::Interrupted),
    ("中断", Status::Interrupted),
    ("missed", Status::Missed),
    ("错过", Status::Missed),
    ("skipped", Status::Skipped),
    ("跳过", Status::Skipped),
];

/// Parses a history. Times without an offset are local to `zone`.
///
/// # Errors
/// Up to 100 faults, each with its pointer.
pub fn read(value: &Value, zone: Tz) -> Result<Vec<HistoricalRun>, Vec<Fault>> {
    let (mut runs, mut faults) = (Vec::new(), Vec::new());
    for (place, record, task) in records(value)? {
        match parse_record(record, task, zone) {
            Ok(run) => runs.push(run),
            Err((name, what)) => {
                faults.push(Fault::new(format!("{place}/{}", pointer_step(name)), what.of(name)));
                if faults.len() >= MAX_FAULTS {
                    break;
                }
            }
        }
    }
    if faults.is_empty() { Ok(runs) } else { Err(faults) }
}

/// A pointer, the record, and the task's id if the records are grouped by task id.
type Record<'v> = (String, &'v Value, Option<&'v str>);

fn records(value: &Value) -> Result<Vec<Record<'_>>, Vec<Fault>> {
    let listed =
        |base: &str, items: &'_ [Value]| -> Vec<String> { (0..items.len()).map(|place| format!("{base}/{place}")).collect() };
    match value {
        Value::Array(items) => Ok(listed("", items).into_iter().zip(items).map(|(place, item)| (place, item, None)).collect()),
        Value::Object(map) => {
            if let Some((name, Value::Array(items))) = LIST_KEYS.iter().find_map(|name| map.get_key_value(*name)) {
                let places = listed(&format!("/{}", pointer_step(name)), items);
                return Ok(places.into_iter().zip(items).map(|(place, item)| (place, item, None)).collect());
            }
            let mut all = Vec::new();
            for (id, items) in map {
                let Value::Array(items) = items else {
                    let message = message!("history.not_list", value = display_value(items)).of(truncate(id, 40));
                    return Err(vec![Fault::new(format!("/{}", pointer_step(id)), message)]);
                };
                let places = listed(&format!("/{}", pointer_step(id)), items);
                all.extend(places.into_iter().zip(items).map(|(place, item)| (place, item, Some(id.as_str()))));
            }
            Ok(all)
        }
        other => Err(vec![Fault::new("", message!("history.not_runs", value = display_value(other)))]),
    }
}

/// The key and what is wrong with its value.
type FieldError = (&'static str, Message);

fn parse_record(record: &Value, task: Option<&str>, zone: Tz) -> Result<HistoricalRun, FieldError> {
    let Value::Object(map) = record else { return Err(("", message!("value.not_object_but", value = display_value(record)))) };
    let id = text(map, ID_KEYS).or(task.map(str::to_owned)).or_else(|| text(map, NAME_KEYS));
    let started_at = match find(map, START_KEYS) {
        Some((name, value)) => instant(value, zone).map_err(|what| (name, what))?,
        None => return Err(("started_at", message!("value.required"))),
    };
    let error = text(map, ERROR_KEYS).map(|error| truncate(&error.replace('\0', ""), MAX_ERROR_CHARS));
    let duration_ms = duration(map, started_at, zone)?;
    Ok(HistoricalRun {
        task_id: id.map(|id| super::to_id(&id)).ok_or_else(|| ("task_id", message!("value.required")))?,
        task_type: text(map, TYPE_KEYS).map_or_else(|| UNKNOWN_TYPE.to_owned(), |name| super::to_id(&name)),
        status: status(map, error.is_some())?,
        started_at,
        duration_ms,
        error,
        result: find(map, RESULT_KEYS).map(|(_, value)| value.clone()),
    })
}

/// Returns the first of these keys that has a value, and the value.
fn find<'m>(map: &'m Map<String, Value>, names: &[&'static str]) -> Option<(&'static str, &'m Value)> {
    names.iter().find_map(|name| map.get(*name).filter(|value| !value.is_null() && *value != "").map(|value| (*name, value)))
}

/// Returns a text; other values are converted.
fn text(map: &Map<String, Value>, names: &[&'static str]) -> Option<String> {
    match find(map, names)?.1 {
        Value::String(text) => Some(text.clone()),
        Value::Bool(false) => None,
        other => Some(other.to_string()),
    }
}

/// Parses a time, or seconds or milliseconds since 1970.
fn instant(value: &Value, zone: Tz) -> Result<DateTime<Utc>, Message> {
    let read = match value {
        Value::String(text) => parse_timestamp(text.trim(), zone)?,
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| number.is_finite() && *number >= 0.0).unwrap_or(-1.0);
            let millis = if number > 1e11 { number } else { number * 1000.0 };
            DateTime::from_timestamp_millis(millis as i64)
                .filter(|_| number >= 0.0)
                .ok_or_else(|| message!("history.not_a_time"))?
        }
        other => return Err(message!("history.not_a_time_but", value = display_value(other))),
    };
    let known = DateTime::from_timestamp(0, 0)..DateTime::from_timestamp(253_402_300_800, 0);
    if known.contains(&Some(read)) {
        Ok(read)
    } else {
        Err(message!("value.out_of_range", value = display_value(value), min = 1970, max = 9999))
    }
}

fn duration(map: &Map<String, Value>, started: DateTime<Utc>, zone: Tz) -> Result<i64, FieldError> {
    let (name, millis) = if let Some((name, value)) = find(map, DURATION_MS_KEYS) {
        (name, value.as_f64().ok_or_else(|| (name, message!("history.not_milliseconds", value = display_value(value))))?)
    } else if let Some((name, value)) = find(map, DURATION_KEYS) {
        (name, seconds(value).ok_or_else(|| (name, message!("history.not_seconds", value = display_value(value))))? * 1000.0)
    } else if let Some((name, value)) = find(map, END_KEYS) {
        (name, (instant(value, zone).map_err(|what| (name, what))? - started).num_milliseconds() as f64)
    } else {
        return Ok(0);
    };
    let millis = millis.round();
    if millis >= 0.0 && millis <= MAX_DURATION_MS as f64 {
        Ok(millis as i64)
    } else {
        Err((name, message!("history.too_long", days = 366)))
    }
}

/// Parses a duration in seconds: `1.5`, `"1.5"`, `"1.5s"`, `"20ms"`, `"2.3秒"`, `"0:01:30.5"`.
fn seconds(value: &Value) -> Option<f64> {
    let text = match value {
        Value::Number(number) => return number.as_f64(),
        Value::String(text) => text.trim().to_lowercase(),
        _ => return None,
    };
    const UNITS: [(&str, f64); 9] = [
        ("毫秒", 0.001),
        ("ms", 0.001),
        ("seconds", 1.0),
        ("秒", 1.0),
        ("sec", 1.0),
        ("分钟", 60.0),
        ("min", 60.0),
        ("s", 1.0),
        ("", 1.0),
    ];
    if text.contains(':') {
        return text
            .split(':')
            .try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok().filter(|part| *part >= 0.0)?));
    }
    UNITS.iter().find_map(|(unit, factor)| text.strip_suffix(unit)?.trim().parse::<f64>().ok().map(|number| number * factor))
}

fn status(map: &Map<String, Value>, has_error: bool) -> Result<Status, FieldError> {
    let Some((name, value)) = find(map, STATUS_KEYS) else {
        return if has_error { Ok(Status::Failed) } else { Err(("status", message!("history.status_required"))) };
    };
    let word = match value {
        Value::String(text) => text.trim().to_lowercase(),
        other => other.to_string(),
    };
    let found = STATUS_NAMES.iter().find(|(known, _)| *known == word).map(|(_, status)| *status);
    let known = "success, failed, timeout, cancelled, interrupted, missed, skipped, 成功, 失败";
    found.ok_or_else(|| (name, message!("value.not_one_of", value = display_value(value), known)))
}

/// A key derived from the content of the run, so that importing it again yields the same key.
pub fn key_of(run: &HistoricalRun) -> String {
    let what = serde_json::json!([
        run.task_id,
        run.task_type,
        run.status.as_str(),
        run.started_at.timestamp_micros(),
        run.duration_ms,
        run.error,
        run.result
    ]);
    let digest = Sha256::digest(what.to_string().as_bytes());
    format!("import:{}", data_encoding::HEXLOWER.encode(&digest[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(record: Value) -> HistoricalRun {
        read(&json!([record]), Tz::Asia__Shanghai).unwrap().remove(0)
    }

    #[test]
    fn records_with_english_and_chinese_keys_are_read() {
        let english = run(json!({"task_id": "daily", "task_type": "send_email", "start_time": "2026-01-02 08:00:00.123456",
            "duration": 1.5, "status": "success", "result": {"sent": 3}, "error": null}));
        assert_eq!(
            english,
            HistoricalRun {
                task_id: "daily".into(),
                task_type: "send_email".into(),
                status: Status::Succeeded,
                started_at: "2026-01-02T00:00:00.123Z".parse().unwrap(),
                duration_ms: 1500,
                error: None,
                result: Some(json!({"sent": 3})),
            }
        );
        let chinese = run(
            json!({"任务名称": "日报", "执行时间": "2026-01-02 08:00:00", "耗时": "0.5秒", "状态": "失败", "错误信息": "no"}),
        );
        assert_eq!((chinese.task_id.as_str(), chinese.status, chinese.duration_ms), ("日报", Status::Failed, 500));
        assert_eq!(run(chinese.to_json()), chinese);
        assert_eq!((chinese.task_type.as_str(), chinese.error.as_deref()), (UNKNOWN_TYPE, Some("no")));
    }

    #[test]
    fn times_and_durations_are_read_in_all_formats() {
        let started =
            |given: Value| run(json!({"task_id": "a", "timestamp": given, "success": true})).started_at.timestamp_millis();
        assert_eq!(
            [started(json!(1_767_312_000)), started(json!(1_767_312_000_500_u64)), started(json!("2026-01-02T00:00:00Z"))],
            [1_767_312_000_000, 1_767_312_000_500, 1_767_312_000_000]
        );
        let lasted = |given: Value| run(json!({"task_id": "a", "time": 0, "success": false, "elapsed": given})).duration_ms;
        assert_eq!(
            [lasted(json!("20ms")), lasted(json!("0:01:30.5")), lasted(json!("2 s")), lasted(json!(3))],
            [20, 90_500, 2000, 3000]
        );
        let ended = run(json!({"task_id": "a", "start": "2026-01-02 08:00", "end": "2026-01-02 08:01", "state": "timeout"}));
        assert_eq!((ended.duration_ms, ended.status), (60_000, Status::TimedOut));
    }

    #[test]
    fn records_are_found_in_every_supported_structure() {
        let record = json!({"time": 0, "status": "ok", "task_id": "x"});
        for given in [json!([record]), json!({"history": [record]}), json!({"x": [{"time": 0, "status": "ok"}]})] {
            assert_eq!(read(&given, Tz::UTC).unwrap()[0].task_id, "x");
        }
    }

    #[test]
    fn faults_have_pointers() {
        let faults =
            |value: Value| -> Vec<String> { read(&value, Tz::UTC).unwrap_err().into_iter().map(|f| f.pointer).collect() };
        assert_eq!(
            faults(
                json!([{"time": 0, "status": "ok"}, {"task_id": "a", "status": "ok"}, {"task_id": "a", "time": 0, "status": "odd"},
            {"task_id": "a", "time": "then", "status": "ok"}, 5, {"task_id": "a", "time": 0, "status": "ok", "duration": -1}])
            ),
            ["/0/task_id", "/1/started_at", "/2/status", "/3/time", "/4/", "/5/duration"]
        );
        assert_eq!(faults(json!("x")), [""]);
        assert_eq!(faults(json!({"x": 1})), ["/x"]);
        assert_eq!(faults(Value::Array(vec![json!(1); 500])).len(), MAX_FAULTS);
    }
}
