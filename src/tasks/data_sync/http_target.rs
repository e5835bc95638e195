//! HTTP target: each batch is a request of `http_request`, with its authentication, success conditions and retry rules.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::domain::fault::Fault;
use crate::tasks::http_request::HttpRequest;
use crate::tasks::sql::Cell;
use crate::tasks::sql::session::Column;
use crate::tasks::{RunContext, RunError, TaskType};

/// Body parameters of `http_request`, which are not allowed because the batch is the body.
const BODY_PARAMS: [&str; 3] = ["json", "form", "text"];

/// Factory of HTTP targets. It wraps the task type `http_request`, so that both share connections and tokens.
pub(super) struct HttpTargets {
    http: Arc<HttpRequest>,
}

/// An API that receives batches.
pub(super) struct HttpTarget<'t> {
    http: &'t HttpRequest,
    request: Map<String, Value>,
    batch_key: Option<String>,
    context: &'t RunContext,
}

impl HttpTargets {
    pub fn new(http: Arc<HttpRequest>) -> Self {
        Self { http }
    }

    /// The schema of `to.http`: the schema of `http_request` without the body parameters.
    pub fn schema(&self) -> Value {
        let mut schema = self.http.spec().params_schema;
        if let Some(properties) = schema["properties"].as_object_mut() {
            BODY_PARAMS.iter().for_each(|name| drop(properties.shift_remove(*name)));
            properties["method"] = json!({
                "enum": ["POST", "PUT", "PATCH"], "default": "POST", "description": "The method.", "x-description-zh": "请求方法。",
            });
            properties.insert(
                "batch_key".into(),
                json!({
                    "type": "string", "minLength": 1, "maxLength": 200,
                    "description": "Wraps each batch in an object under this key. Without it the body is the list of rows.",
                    "x-description-zh": "将每批数据包装在以此为键名的对象中；省略时请求体即为数据行的列表。",
                }),
            );
        }
        schema
    }

    /// Faults that the schema cannot express.
    pub fn check(&self, params: &Value) -> Vec<Fault> {
        let (request, _) = base_request(params);
        let faults = self.http.check(&Value::Object(request)).into_iter();
        faults.map(|fault| Fault::new(format!("/to/http{}", fault.pointer), fault.message)).collect()
    }

    pub fn target<'t>(&'t self, params: &Value, context: &'t RunContext) -> HttpTarget<'t> {
        let (request, batch_key) = base_request(params);
        HttpTarget { http: &self.http, request, batch_key, context }
    }
}

/// The parameters shared by all batches' requests, without a body, and `batch_key`.
fn base_request(params: &Value) -> (Map<String, Value>, Option<String>) {
    let mut request = params.as_object().cloned().unwrap_or_default();
    let batch_key = request.shift_remove("batch_key").and_then(|key| key.as_str().map(str::to_owned));
    request.entry("method").or_insert_with(|| "POST".into());
    (request, batch_key)
}

impl HttpTarget<'_> {
    pub async fn send(&mut self, columns: &[Column], rows: &[Vec<Cell>]) -> Result<(), RunError> {
        let rows: Vec<Value> = rows.iter().map(|row| row_object(columns, row)).collect();
        let body = match &self.batch_key {
            Some(key) => json!({key.as_str(): rows}),
            None => Value::Array(rows),
        };
        // The idempotency key depends on the content, so that the receiver recognises a repeated batch.
        let digest = HEXLOWER.encode(&Sha256::digest(body.to_string())[..8]);
        let context = RunContext { execution_id: format!("{}-{digest}", self.context.execution_id), ..self.context.clone() };
        let mut request = self.request.clone();
        request.insert("json".into(), body);
        self.http.run(Value::Object(request), &context).await.map(drop).map_err(|error| RunError { result: None, ..error })
    }
}

fn row_object(columns: &[Column], row: &[Cell]) -> Value {
    columns.iter().zip(row).map(|(column, cell)| (column.name.clone(), cell.to_json())).collect::<Map<_, _>>().into()
}
