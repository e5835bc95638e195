//! Rows to an HTTP API: each batch is a request of `http_request`, with all that it knows of signing in, of answers that mean
//! success, and of failures that may pass.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::domain::fault::Fault;
use crate::tasks::http_request::HttpRequest;
use crate::tasks::sql::Cell;
use crate::tasks::sql::session::Column;
use crate::tasks::{RunContext, RunError, TaskType};

/// What `http_request` takes that a batch brings itself.
const BODIES: [&str; 3] = ["json", "form", "text"];

/// The way to HTTP: the task type itself, so that both share connections and tokens.
pub(super) struct HttpTargets {
    http: Arc<HttpRequest>,
}

/// An API that takes batches.
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

    /// The schema of `to.http`: that of `http_request`, without a body.
    pub fn schema(&self) -> Value {
        let mut schema = self.http.spec().params_schema;
        if let Some(properties) = schema["properties"].as_object_mut() {
            BODIES.iter().for_each(|name| drop(properties.shift_remove(*name)));
            properties["method"] = json!({
                "enum": ["POST", "PUT", "PATCH"], "default": "POST", "description": "The method.", "x-description-zh": "请求方法。",
            });
            properties.insert("batch_key".into(), json!({
                "type": "string", "minLength": 1, "maxLength": 200,
                "description": "Wraps each batch in an object under this name. Otherwise the body is the list of rows itself.",
                "x-description-zh": "将每批数据包装在以此为键名的对象中；省略时请求体即为数据行的列表。",
            }));
        }
        schema
    }

    /// Faults that the schema cannot express.
    pub fn check(&self, given: &Value) -> Vec<Fault> {
        let (request, _) = request_of(given);
        let faults = self.http.check(&Value::Object(request)).into_iter();
        faults.map(|fault| Fault::new(format!("/to/http{}", fault.pointer), fault.message)).collect()
    }

    pub fn target<'t>(&'t self, given: &Value, context: &'t RunContext) -> HttpTarget<'t> {
        let (request, batch_key) = request_of(given);
        HttpTarget { http: &self.http, request, batch_key, context }
    }
}

/// The request of every batch, without its body.
fn request_of(given: &Value) -> (Map<String, Value>, Option<String>) {
    let mut request = given.as_object().cloned().unwrap_or_default();
    let batch_key = request.shift_remove("batch_key").and_then(|key| key.as_str().map(str::to_owned));
    request.entry("method").or_insert_with(|| "POST".into());
    (request, batch_key)
}

impl HttpTarget<'_> {
    pub async fn send(&mut self, columns: &[Column], rows: &[Vec<Cell>]) -> Result<(), RunError> {
        let rows: Vec<Value> = rows.iter().map(|row| object(columns, row)).collect();
        let body = match &self.batch_key {
            Some(key) => json!({key.as_str(): rows}),
            None => Value::Array(rows),
        };
        // The same batch sent again has the same key, by which the receiver can tell.
        let digest: String = Sha256::digest(body.to_string()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let context = RunContext { execution_id: format!("{}-{digest}", self.context.execution_id), ..self.context.clone() };
        let mut request = self.request.clone();
        request.insert("json".into(), body);
        self.http.run(Value::Object(request), &context).await.map(drop).map_err(|error| RunError { result: None, ..error })
    }
}

fn object(columns: &[Column], row: &[Cell]) -> Value {
    columns.iter().zip(row).map(|(column, cell)| (column.name.clone(), cell.to_json())).collect::<Map<_, _>>().into()
}
