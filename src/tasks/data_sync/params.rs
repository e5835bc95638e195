//! What `data_sync` takes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::progress::Progress;
use crate::domain::fault::Fault;
use crate::tasks::send_sql::{datasource_schema, values_of, values_schema};
use crate::tasks::sql::dialect::Destination;
use crate::tasks::sql::statement::Values;
use crate::tasks::template::is_template;

/// Without `batch_size`.
const BATCH: usize = 500;
/// The name of the parameter that holds the watermark.
const WATERMARK: &str = "watermark";

/// The parameters, read.
pub(super) struct Params {
    pub from: Query,
    pub to: To,
    pub batch_size: usize,
    pub watermark: Option<Watermark>,
}

#[derive(Deserialize)]
pub(super) struct Query {
    pub datasource: Option<String>,
    pub sql: String,
    params: Option<Value>,
}

pub(super) enum To {
    /// What `http_request` takes, and `batch_key`.
    Http(Value),
    Table {
        datasource: Option<String>,
        into: Destination,
    },
}

/// What tells how far a task has come.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Watermark {
    pub column: String,
    /// The value before the first run.
    #[serde(default)]
    pub start: Value,
    /// Begins at `start` again.
    #[serde(default)]
    pub restart: bool,
}

/// As given.
#[derive(Deserialize)]
struct Raw {
    from: Query,
    to: RawTo,
    batch_size: Option<usize>,
    watermark: Option<Watermark>,
}

#[derive(Deserialize)]
struct RawTo {
    http: Option<Value>,
    datasource: Option<String>,
    table: Option<String>,
    mode: Option<Mode>,
    key: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Insert,
    Upsert,
}

impl Params {
    /// Reads parameters that fit the schema.
    ///
    /// # Errors
    /// What the schema cannot say.
    pub fn read(params: &Value) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| vec![Fault::new("", error.to_string())])?;
        let mut faults = Vec::new();
        let to = to(raw.to).map_err(|fault| faults.push(fault)).ok();
        if let Some(watermark) = &raw.watermark {
            faults.extend(watermark_faults(watermark, &raw.from));
        }
        match to {
            Some(to) if faults.is_empty() => {
                Ok(Params { from: raw.from, to, batch_size: raw.batch_size.unwrap_or(BATCH), watermark: raw.watermark })
            }
            _ => Err(faults),
        }
    }

    /// The values of the query's parameters, the watermark with them.
    pub fn values(&self, progress: &Progress) -> Values {
        let given = values_of(self.from.params.as_ref());
        match (progress.watermark(), given) {
            (None, given) => given,
            (Some(watermark), Values::Named(mut named)) => {
                named.insert(WATERMARK.to_owned(), watermark);
                Values::Named(named)
            }
            (Some(watermark), _) => Values::Named(BTreeMap::from([(WATERMARK.to_owned(), watermark)])),
        }
    }
}

fn watermark_faults(watermark: &Watermark, from: &Query) -> Option<Fault> {
    if let Some(Value::Array(_)) = from.params {
        return Some(Fault::new("/from/params", "params: must be an object of named parameters where there is a watermark"));
    }
    if from.params.as_ref().is_some_and(|params| params.get(WATERMARK).is_some()) {
        return Some(Fault::new("/from/params/watermark", "params: watermark is given by the task itself"));
    }
    if watermark.start.is_object() || watermark.start.is_array() {
        return Some(Fault::new("/watermark/start", "start: must be a number or a text"));
    }
    let named = from.sql.contains(":watermark") || is_template(&from.sql);
    (!named)
        .then(|| Fault::new("/from/sql", "sql: must name :watermark, as in where updated_at > :watermark order by updated_at"))
}

fn to(raw: RawTo) -> Result<To, Fault> {
    let fault = |name: &str, message: &str| Err(Fault::new(format!("/to/{name}"), format!("{name}: {message}")));
    let table = match (raw.http, raw.table) {
        (Some(http), None) => match (raw.datasource, raw.mode, raw.key) {
            (None, None, None) => return Ok(To::Http(http)),
            (Some(_), ..) => return fault("datasource", "goes with table, not with http"),
            (_, Some(_), _) => return fault("mode", "goes with table, not with http"),
            (.., Some(_)) => return fault("key", "goes with table, not with http"),
        },
        (None, Some(table)) => table,
        (Some(_), Some(_)) => return fault("table", "cannot stand beside http; rows go one way"),
        (None, None) => return fault("table", "is required, or http"),
    };
    let key = raw.key.unwrap_or_default();
    match raw.mode.unwrap_or(if key.is_empty() { Mode::Insert } else { Mode::Upsert }) {
        Mode::Upsert if key.is_empty() => fault("key", "is required for mode upsert: the columns of a unique index"),
        Mode::Insert if !key.is_empty() => fault("key", "goes with mode upsert"),
        _ => Ok(To::Table { datasource: raw.datasource, into: Destination { table, key } }),
    }
}

pub(super) fn schema(http: &Value) -> Value {
    let mut http = http.clone();
    if let Some(http) = http.as_object_mut() {
        http.shift_remove("$schema");
        http.insert("description".into(), "An API that takes the rows as JSON objects, a list of them in each request.".into());
        http.insert("x-description-zh".into(), "以 JSON 对象列表的形式分批接收数据行的 HTTP 接口。".into());
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["from", "to"],
        "properties": {
            "from": {
                "type": "object", "additionalProperties": false, "required": ["sql"],
                "properties": {
                    "datasource": datasource_schema(),
                    "sql": {
                        "type": "string", "minLength": 1, "maxLength": 1_000_000,
                        "description": "A query. With a watermark it names :watermark and is in the order of its column.",
                        "x-description-zh": "查询语句。使用水位时须引用 :watermark，并按水位列排序。",
                    },
                    "params": values_schema(),
                },
                "description": "Where the rows come from.", "x-description-zh": "数据来源。",
            },
            "to": {
                "type": "object", "additionalProperties": false, "minProperties": 1,
                "properties": {
                    "http": http,
                    "datasource": datasource_schema(),
                    "table": {
                        "type": "string", "minLength": 1, "maxLength": 300,
                        "description": "The table, with columns named as those of the query; schema.table for another schema.",
                        "x-description-zh": "目标表，列名须与查询结果一致；可写作 schema.table。",
                    },
                    "mode": {
                        "enum": ["insert", "upsert"],
                        "description": "insert adds rows; upsert changes those whose key is there already. By default upsert where key is given.",
                        "x-description-zh": "insert 只新增；upsert 遇到相同键则更新。给出 key 时默认为 upsert。",
                    },
                    "key": {
                        "type": "array", "minItems": 1, "maxItems": 50, "uniqueItems": true, "items": {"type": "string", "minLength": 1, "maxLength": 200},
                        "description": "For upsert: the columns of a primary key or unique index of the table.",
                        "x-description-zh": "用于 upsert：目标表主键或唯一索引的列。",
                    },
                },
                "description": "Where the rows go: http, or a table of a datasource.", "x-description-zh": "数据去向：http 接口，或数据源中的表。",
            },
            "batch_size": {
                "type": "integer", "minimum": 1, "maximum": 10_000, "default": BATCH,
                "description": "Rows in one request or transaction.", "x-description-zh": "每个请求或事务包含的行数。",
            },
            "watermark": {
                "type": "object", "additionalProperties": false, "required": ["column"],
                "properties": {
                    "column": {
                        "type": "string", "minLength": 1, "maxLength": 200,
                        "description": "The column whose greatest value is kept, such as an id or the time of the last change.",
                        "x-description-zh": "记录其最大值的列，例如自增 ID 或更新时间。",
                    },
                    "start": {
                        "description": "The value of :watermark in the first run; null where it is not given.",
                        "x-description-zh": "首次运行时 :watermark 的值，省略时为 NULL。",
                    },
                    "restart": {
                        "type": "boolean", "default": false,
                        "description": "Begins at start again, whatever was reached.",
                        "x-description-zh": "忽略已记录的水位，从 start 重新开始。",
                    },
                },
                "description": "How far the task has come: the greatest value of a column so far is kept in the result, and is :watermark in the next run.",
                "x-description-zh": "增量同步的水位：结果中记录该列目前的最大值，下次运行时作为 :watermark 参数。",
            },
        },
    })
}
