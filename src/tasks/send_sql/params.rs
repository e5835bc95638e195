//! Parameters of `send_sql`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::expect::Expect;
use crate::domain::fault::Fault;
use crate::i18n::message;
use crate::tasks::sql::Cell;
use crate::tasks::sql::statement::Values;
use crate::tasks::unreadable;

/// Default of `max_rows`.
const MAX_ROWS: usize = 1000;

/// The parsed parameters.
pub(super) struct Params {
    pub datasource: Option<String>,
    pub sql: String,
    pub values: Values,
    pub max_rows: usize,
    pub timeout: Option<Duration>,
    pub output: Output,
    pub file: Option<String>,
    pub transaction: bool,
    pub expect: Option<Expect>,
}

/// Where the rows of the last result set are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Output {
    Rows,
    Csv,
    Value,
}

/// The parameters as given.
#[derive(Deserialize)]
struct Raw {
    datasource: Option<String>,
    sql: String,
    params: Option<Value>,
    max_rows: Option<usize>,
    timeout_seconds: Option<f64>,
    output: Option<Output>,
    file: Option<String>,
    transaction: Option<bool>,
    expect: Option<Expect>,
}

impl Params {
    /// Parses parameters that match the schema. The error lists the faults that the schema cannot express.
    pub fn read(params: &Value) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| unreadable(&error))?;
        let mut faults = Vec::new();
        if raw.sql.trim().is_empty() {
            faults.push(Fault::new("/sql", message!("value.empty").of("sql")));
        }
        let output = raw.output.unwrap_or(if raw.file.is_some() { Output::Csv } else { Output::Rows });
        match (output, &raw.file) {
            (Output::Csv, None) => faults.push(Fault::new("/file", message!("sql.file_required").of("file"))),
            (Output::Rows | Output::Value, Some(_)) => {
                faults.push(Fault::new("/file", message!("sql.file_not_allowed").of("file")));
            }
            _ => {}
        }
        if output == Output::Csv && params.pointer("/expect/value").is_some() {
            faults.push(Fault::new("/expect/value", message!("sql.value_with_csv").of("value")));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Params {
            datasource: raw.datasource,
            sql: raw.sql,
            values: values(raw.params.as_ref()),
            max_rows: raw.max_rows.unwrap_or(MAX_ROWS),
            timeout: raw.timeout_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            output,
            file: raw.file,
            transaction: raw.transaction.unwrap_or(true),
            expect: raw.expect,
        })
    }
}

/// The values of a statement's parameters from JSON.
pub(in crate::tasks) fn values(given: Option<&Value>) -> Values {
    let named = |map: &Map<String, Value>| map.iter().map(|(name, value)| (name.clone(), Cell::from_json(value))).collect();
    match given {
        Some(Value::Array(list)) if !list.is_empty() => Values::List(list.iter().map(Cell::from_json).collect()),
        Some(Value::Object(map)) if !map.is_empty() => Values::Named(named(map)),
        _ => Values::None,
    }
}

/// The schema of a datasource's name.
pub(in crate::tasks) fn datasource_schema() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": 200, "x-field": "datasource",
        "description": "The name of the datasource in the settings ([datasource.<name>]). Not required if there is only one.",
        "x-description-zh": "设置中配置的数据源名称（[datasource.<name>]）；只有一个数据源时可省略。",
    })
}

/// The schema of a statement's parameters.
pub(in crate::tasks) fn values_schema() -> Value {
    json!({
        "anyOf": [
            {"type": "object", "maxProperties": 1000, "additionalProperties": true},
            {"type": "array", "maxItems": 1000},
        ],
        "description": "Parameter values, bound by the database and never inserted into the SQL: an object for named parameters (:name) \
            in one or more statements, or a list for the database's own placeholders ($1, ?, @P1, :1) in one statement.",
        "x-description-zh": "由数据库绑定的参数值，不会拼接到 SQL 中：对象对应 :name 命名参数，可用于多条语句；列表对应数据库自身的占位符（$1、?、@P1、:1），只能用于单条语句。",
    })
}

pub(super) fn schema() -> Value {
    let count = |what: &str, zh: &str| {
        json!({
            "anyOf": [{"type": "integer", "minimum": 0}, range(json!({"type": "integer", "minimum": 0}))],
            "description": what, "x-description-zh": zh,
        })
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["sql"],
        "properties": {
            "datasource": datasource_schema(),
            "sql": {
                "type": "string", "minLength": 1, "maxLength": 1_000_000,
                "description": "The SQL: one statement, or several separated by semicolons.",
                "x-description-zh": "要执行的 SQL，可包含多条以分号分隔的语句。",
            },
            "params": values_schema(),
            "max_rows": {
                "type": "integer", "minimum": 1, "maximum": 100_000, "default": MAX_ROWS,
                "description": "Maximum number of rows in the result. Further rows are only counted, and truncated is true. A CSV file \
                    contains all rows.",
                "x-description-zh": "结果中保留的最大行数，超出部分只计数，此时 truncated 为 true。CSV 文件不受此限制。",
            },
            "timeout_seconds": {
                "type": "number", "exclusiveMinimum": 0, "maximum": 86_400,
                "description": "Time limit of the whole run, in seconds. At the limit the statement is stopped on the database server.",
                "x-description-zh": "整体执行的最长时间（秒），超时后会在数据库服务器上终止语句。",
            },
            "output": {
                "enum": ["rows", "csv", "value"], "default": "rows",
                "description": "How the last result set is stored: rows in the result, csv in a file, or value for its first value only.",
                "x-description-zh": "最后一个查询结果的保存方式：rows 存入执行结果，csv 写入文件，value 只取首行首列的值。",
            },
            "file": {
                "type": "string", "minLength": 1, "maxLength": 4096,
                "description": "The CSV file (UTF-8 with a byte order mark), in a folder that [files] folders allows; a relative path \
                    is below the folder files of the data folder.",
                "x-description-zh": "CSV 文件路径（UTF-8 带 BOM），须位于 [files] folders 允许的目录；相对路径以数据目录下的 files 为起点。",
            },
            "transaction": {
                "type": "boolean", "default": true,
                "description": "Runs all statements in one transaction. Implicit commits of the database (MySQL and Oracle at CREATE, \
                    ALTER and the like) still apply.",
                "x-description-zh": "所有语句在同一事务中执行，全部成功或全部回滚。数据库自动提交的语句（如 MySQL、Oracle 的建表、改表）不受此约束。",
            },
            "expect": {
                "type": "object", "additionalProperties": false, "minProperties": 1,
                "properties": {
                    "rows": count("Expected number of rows of the last result set.", "最后一个查询结果应有的行数。"),
                    "rows_affected": count("Expected number of changed rows.", "应受影响的行数。"),
                    "value": expected_value(),
                },
                "description": "Expectations on the result. If one is not met, the run fails, and changes in a transaction are rolled \
                    back.",
                "x-description-zh": "对结果的期望；不符合时执行失败，事务中的修改会回滚。",
            },
        },
    })
}

fn expected_value() -> Value {
    let digits = json!({"type": "string", "maxLength": 1000, "pattern": r"^-?[0-9]+(\.[0-9]+)?$"});
    let mut schema = range(json!({"anyOf": [{"type": "number"}, digits]}));
    schema["properties"]["equals"] = json!({
        "description": "The expected value.", "x-description-zh": "值必须等于。",
    });
    schema["description"] =
        "Expectations on the first value of the last result set. Write numbers of more than 15 digits as text.".into();
    schema["x-description-zh"] = "最后一个查询结果首行首列的值应满足的条件。超过 15 位的数字请写成文本。".into();
    schema
}

/// The schema of `{min, max}`.
fn range(mut number: Value) -> Value {
    let mut bound = |en: &str, zh: &str| {
        number["description"] = en.into();
        number["x-description-zh"] = zh.into();
        number.clone()
    };
    json!({
        "type": "object", "additionalProperties": false, "minProperties": 1,
        "properties": {"min": bound("Minimum.", "最小值。"), "max": bound("Maximum.", "最大值。")},
    })
}
