//! Parameters of `data_sync`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::progress::{Progress, Watermark};
use crate::domain::fault::Fault;
use crate::i18n::{Message, message};
use crate::tasks::send_sql::{datasource_schema, values_of, values_schema};
use crate::tasks::sql::dialect::Destination;
use crate::tasks::sql::statement::Values;
use crate::tasks::template::is_template;
use crate::tasks::unreadable;

/// Default of `batch_size`.
const DEFAULT_BATCH_SIZE: usize = 500;
/// The name of the SQL parameter that holds the watermark.
const WATERMARK: &str = "watermark";

/// The parsed parameters.
pub(super) struct Params {
    pub from: Query,
    pub to: TargetParams,
    pub batch_size: usize,
    pub watermark: Option<Watermark>,
}

#[derive(Deserialize)]
pub(super) struct Query {
    pub datasource: Option<String>,
    pub sql: String,
    params: Option<Value>,
}

pub(super) enum TargetParams {
    /// Parameters of `http_request`, and `batch_key`.
    Http(Value),
    Table {
        datasource: Option<String>,
        destination: Destination,
    },
}

/// The parameters as given.
#[derive(Deserialize)]
struct Raw {
    from: Query,
    to: RawTarget,
    batch_size: Option<usize>,
    watermark: Option<Watermark>,
}

#[derive(Deserialize)]
struct RawTarget {
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
    /// Parses parameters that match the schema. The error lists the faults that the schema cannot express.
    pub fn read(params: &Value) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| unreadable(&error))?;
        let mut faults = Vec::new();
        let to = target_params(raw.to).map_err(|fault| faults.push(fault)).ok();
        if let Some(watermark) = &raw.watermark {
            faults.extend(watermark_faults(watermark, &raw.from));
        }
        match to {
            Some(to) if faults.is_empty() => Ok(Params {
                from: raw.from,
                to,
                batch_size: raw.batch_size.unwrap_or(DEFAULT_BATCH_SIZE),
                watermark: raw.watermark,
            }),
            _ => Err(faults),
        }
    }

    /// The values of the query's parameters, including the watermark.
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
        return Some(Fault::new("/from/params", message!("sync.params_object").of("params")));
    }
    if from.params.as_ref().is_some_and(|params| params.get(WATERMARK).is_some()) {
        return Some(Fault::new("/from/params/watermark", message!("sync.watermark_reserved").of("params")));
    }
    if watermark.start.is_object() || watermark.start.is_array() {
        return Some(Fault::new("/watermark/start", message!("sync.start").of("start")));
    }
    let named = from.sql.contains(":watermark") || is_template(&from.sql);
    (!named).then(|| Fault::new("/from/sql", message!("sync.sql_without_watermark").of("sql")))
}

fn target_params(raw: RawTarget) -> Result<TargetParams, Fault> {
    let fault = |name: &str, message: Message| Err(Fault::new(format!("/to/{name}"), message.of(name)));
    let table = match (raw.http, raw.table) {
        (Some(http), None) => match (raw.datasource, raw.mode, raw.key) {
            (None, None, None) => return Ok(TargetParams::Http(http)),
            (Some(_), ..) => return fault("datasource", message!("sync.only_with_table")),
            (_, Some(_), _) => return fault("mode", message!("sync.only_with_table")),
            (.., Some(_)) => return fault("key", message!("sync.only_with_table")),
        },
        (None, Some(table)) => table,
        (Some(_), Some(_)) => return fault("table", message!("sync.table_and_http")),
        (None, None) => return fault("table", message!("sync.table_or_http")),
    };
    let key = raw.key.unwrap_or_default();
    match raw.mode.unwrap_or(if key.is_empty() { Mode::Insert } else { Mode::Upsert }) {
        Mode::Upsert if key.is_empty() => fault("key", message!("sync.key_required")),
        Mode::Insert if !key.is_empty() => fault("key", message!("sync.key_not_allowed")),
        _ => Ok(TargetParams::Table { datasource: raw.datasource, destination: Destination { table, key } }),
    }
}

pub(super) fn schema(http: &Value) -> Value {
    let mut http = http.clone();
    if let Some(http) = http.as_object_mut() {
        http.shift_remove("$schema");
        http.insert("description".into(), "An API that receives the rows as JSON objects, one list per request.".into());
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
                        "description": "The query. With a watermark it must use :watermark and order by the watermark column.",
                        "x-description-zh": "查询语句。使用水位时须引用 :watermark，并按水位列排序。",
                    },
                    "params": values_schema(),
                },
                "description": "The source of the rows.", "x-description-zh": "数据来源。",
            },
            "to": {
                "type": "object", "additionalProperties": false, "minProperties": 1,
                "properties": {
                    "http": http,
                    "datasource": datasource_schema(),
                    "table": {
                        "type": "string", "minLength": 1, "maxLength": 300,
                        "description": "The target table, whose columns have the names of the query's columns; schema.table for another \
                            schema.",
                        "x-description-zh": "目标表，列名须与查询结果一致；可写作 schema.table。",
                    },
                    "mode": {
                        "enum": ["insert", "upsert"],
                        "description": "insert adds rows; upsert updates rows whose key exists. Default: upsert if key is given, \
                            otherwise insert.",
                        "x-description-zh": "insert 只新增；upsert 遇到相同键则更新。给出 key 时默认为 upsert。",
                    },
                    "key": {
                        "type": "array", "minItems": 1, "maxItems": 50, "uniqueItems": true, "items": {"type": "string", "minLength": 1, "maxLength": 200},
                        "description": "For upsert: the columns of a primary key or unique index of the target table.",
                        "x-description-zh": "用于 upsert：目标表主键或唯一索引的列。",
                    },
                },
                "description": "The target of the rows: http, or a table of a datasource.", "x-description-zh": "数据去向：http 接口，或数据源中的表。",
            },
            "batch_size": {
                "type": "integer", "minimum": 1, "maximum": 10_000, "default": DEFAULT_BATCH_SIZE,
                "description": "Rows per request or transaction.", "x-description-zh": "每个请求或事务包含的行数。",
            },
            "watermark": {
                "type": "object", "additionalProperties": false, "required": ["column"],
                "properties": {
                    "column": {
                        "type": "string", "minLength": 1, "maxLength": 200,
                        "description": "The column whose greatest value is stored, such as an id or the time of the last change.",
                        "x-description-zh": "记录其最大值的列，例如自增 ID 或更新时间。",
                    },
                    "start": {
                        "description": "The value of :watermark in the first run. Default: null.",
                        "x-description-zh": "首次运行时 :watermark 的值，省略时为 NULL。",
                    },
                    "restart": {
                        "type": "boolean", "default": false,
                        "description": "Ignores the stored watermark and begins at start.",
                        "x-description-zh": "忽略已记录的水位，从 start 重新开始。",
                    },
                },
                "description": "Incremental sync: the greatest value of a column so far is kept as the state of the task and passed as \
                    :watermark to the next run.",
                "x-description-zh": "增量同步的水位：该列目前的最大值保存为任务状态，下次运行时作为 :watermark 参数。",
            },
        },
    })
}
