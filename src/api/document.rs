//! The OpenAPI document: generated from the endpoints, then completed with hand-written schemas, query parameters, examples and
//! security. A copy is kept in `openapi/`.

use std::sync::{Arc, LazyLock};

use poem::web::Data;
use poem::{Request, Response, handler};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::{Map, Value, json};

mod channel_schemas;
mod examples;
mod links;
mod notify_schemas;
mod profile_schemas;
mod resource_examples;
mod resource_schemas;
mod schema_parts;
mod schemas;
mod tidy;

use super::query::Param;
use super::{Apis, AppState, params};
use crate::net::static_file::StaticFile;

const DESCRIPTION: &str = "Belfry runs recurring work: tasks fire on a date, an interval, a cron expression or when the \
machine is idle, and every run is recorded.\n\n\
Authenticate with `Authorization: Bearer <token>`, or with the session cookie of the pages. Errors are problem documents \
(RFC 9457). Unknown fields and query parameters are rejected with 422. Lists are paginated with \
`cursor`. Changes are streamed as server-sent events at `/events` (`task`, `execution`, `output` and `lagged` events; \
`?execution_id=` and `?task_id=` filter them), which this document cannot describe.";

/// The query parameters of each operation that has some.
const QUERIES: &[(&str, &[&[Param]])] = &[
    ("listTasks", &[params::TASKS, params::PAGE]),
    ("listExecutions", &[params::EXECUTIONS, params::EXECUTIONS_OF_TASK, params::PAGE]),
    ("listTaskExecutions", &[params::EXECUTIONS_OF_TASK, params::PAGE]),
    ("getExecutionOutput", &[params::ATTEMPT, params::OUTPUT]),
    ("getExecutionRawOutput", &[params::ATTEMPT]),
    ("getStats", &[params::STATS]),
    ("listAudit", &[params::AUDIT, params::PAGE]),
    ("listNotifyDeliveries", &[params::PAGE]),
    ("exportAudit", &[params::AUDIT_FORMAT, params::AUDIT]),
    ("listTaskVersions", &[params::VERSIONS]),
    ("listHeartbeatPings", &[params::PINGS]),
    ("exportTasks", &[params::EXPORT]),
    ("importTasks", &[params::IMPORT]),
    ("listTaskOccurrences", &[params::OCCURRENCES]),
    ("explainTask", &[params::WHY]),
    ("listBackfills", &[params::BACKFILLS]),
    ("verifyLog", &[params::VERIFY]),
    ("listCalendarDays", &[params::CALENDAR_DAYS]),
    ("importCalendar", &[params::CALENDAR_IMPORT]),
    ("restoreCalendarVersion", &[params::CALENDAR_IMPORT]),
    ("listCalendarVersions", &[params::VERSIONS]),
    ("listIncidents", &[params::INCIDENTS, params::PAGE]),
    ("listFreezes", &[params::FREEZES]),
];

/// Fields of answers that are left out if they have no value.
const LEFT_OUT: [(&str, &str); 10] = [
    ("BulkResult", "operation_id"),
    ("Execution", "origin"),
    ("ExecutionDetail", "origin"),
    ("Task", "calendar"),
    ("Task", "calendar_rule"),
    ("Task", "nth_working_day"),
    ("Task", "on_closed"),
    ("Task", "triggers"),
    ("TaskRule", "name"),
    ("TaskRule", "params"),
];

/// Builds the document.
pub fn document() -> Value {
    let mut document = generated();
    document["openapi"] = json!("3.0.3");
    document["info"]["license"] = json!({"name": "MIT OR Apache-2.0", "url": "https://spdx.org/licenses/MIT.html"});
    document["info"]["contact"] = json!({"name": "The maintainers of Belfry"});
    tidy::tidy(&mut document);
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.values_mut().for_each(tidy::complete_answer);
        for (schema, field) in LEFT_OUT {
            let required = schemas.get_mut(schema).and_then(|schema| schema["required"].as_array_mut());
            required.into_iter().for_each(|required| required.retain(|name| name != field));
        }
        schemas.extend(schemas::hand_written());
        schemas.extend(channel_schemas::hand_written());
        schemas.extend(notify_schemas::hand_written());
        schemas.extend(profile_schemas::hand_written());
        schemas.extend(resource_schemas::hand_written());
        schemas.sort_keys();
    }
    inline_plain_values(&mut document);
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    tidy::write_out_nullable(&mut document, &schemas);
    tidy::drop_unused(&mut document);
    document["components"]["securitySchemes"] = security_schemes();
    document["security"] = json!([{"token": []}, {"session": []}]);
    order_tags(&mut document);
    for_each_operation(&mut document, complete_operation);
    describe_answers(&mut document);
    links::add(&mut document);
    examples::add(&mut document);
    document
}

/// The document as JSON.
pub fn openapi_json() -> String {
    format!("{:#}\n", document())
}

/// The document as YAML.
pub fn openapi_yaml() -> String {
    crate::domain::yaml::write(&document())
}

/// A form of the document, for a server at the root of its host and for one below a base path.
type Served = LazyLock<[StaticFile; 2]>;

/// `/openapi.json`.
#[handler]
pub fn json_endpoint(request: &Request, shared: Data<&Arc<AppState>>) -> Response {
    static FILES: Served = LazyLock::new(|| served("openapi.json", openapi_json()));
    respond(&FILES, request, &shared)
}

/// `/openapi.yaml`.
#[handler]
pub fn yaml_endpoint(request: &Request, shared: Data<&Arc<AppState>>) -> Response {
    static FILES: Served = LazyLock::new(|| served("openapi.yaml", openapi_yaml()));
    respond(&FILES, request, &shared)
}

fn served(name: &str, text: String) -> [StaticFile; 2] {
    // Below a base path the URL of the API is relative to the document's.
    let relative = text.replacen("/api/v1", "api/v1", 1);
    [text, relative].map(|text| StaticFile::new(name, text.into_bytes().into()))
}

fn respond(files: &'static Served, request: &Request, shared: &AppState) -> Response {
    let [at_root, below] = &**files;
    let file = if shared.options.base_path.is_empty() { at_root } else { below };
    file.respond(None, request.headers())
}

/// The document as generated from the types of the endpoints.
fn generated() -> Value {
    let service = OpenApiService::new(ApiDescription, "Belfry", env!("CARGO_PKG_VERSION"));
    let text = service.description(DESCRIPTION).server("/api/v1").spec();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The endpoints without a service, for their metadata.
struct ApiDescription;

impl OpenApi for ApiDescription {
    fn meta() -> Vec<poem_openapi::registry::MetaApi> {
        Apis::meta()
    }

    fn register(registry: &mut poem_openapi::registry::Registry) {
        Apis::register(registry);
    }

    fn add_routes(self, _: &mut Routes) {}
}

type Routes =
    std::collections::HashMap<String, std::collections::HashMap<poem::http::Method, poem::endpoint::BoxEndpoint<'static>>>;

fn security_schemes() -> Value {
    json!({
        "token": {"type": "http", "scheme": "bearer", "description": "An account's access token, see Accounts."},
        "session": {"type": "apiKey", "in": "cookie", "name": super::SESSION_COOKIE,
            "description": "The session of the pages; changing requests must come from Belfry's own pages."},
    })
}

/// Inlines the schemas of plain values, and drops the one that only serves as a part of others.
fn inline_plain_values(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let take = |name: &&str| schemas.shift_remove(*name).map(|schema| ((*name).to_owned(), schema));
    let plain: Map<String, Value> =
        ["Timestamp", "Seconds", "RunResult", "JsonSchema", "PageInfo"].iter().filter_map(take).collect();
    tidy::inline(document, &plain);
}

/// Sorts the tags by name.
fn order_tags(document: &mut Value) {
    if let Some(Value::Array(tags)) = document.get_mut("tags") {
        tags.sort_by_key(|tag| tag["name"].as_str().map(str::to_lowercase));
    }
}

/// Describes a response without a description by that of its schema.
fn describe_answers(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for_each_operation(document, |operation| {
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for response in responses.into_iter().flat_map(|map| map.values_mut()).filter(|r| r["description"] == "") {
            let target = response.pointer("/content/application~1json/schema/$ref").and_then(Value::as_str);
            let name = target.and_then(|target| target.rsplit('/').next()).unwrap_or_default();
            response["description"] = schemas[name].get("description").cloned().unwrap_or_else(|| json!("The response."));
        }
    });
}

fn for_each_operation(document: &mut Value, change: impl Fn(&mut Map<String, Value>)) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let operations = paths.into_iter().flat_map(|paths| paths.values_mut()).filter_map(Value::as_object_mut);
    for operation in operations.flat_map(|path| path.values_mut()).filter_map(Value::as_object_mut) {
        change(operation);
    }
}

fn complete_operation(operation: &mut Map<String, Value>) {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let tables = QUERIES.iter().find(|(name, _)| *name == id).map(|(_, tables)| *tables).unwrap_or_default();
    let described: Vec<Value> = tables.iter().copied().flatten().map(describe).chain(headers_of(id)).collect();
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Value::Array(parameters) = parameters {
        parameters.iter_mut().for_each(require_non_empty);
        parameters.extend(described);
        if parameters.is_empty() {
            operation.shift_remove("parameters");
        }
    }
}

/// The header parameters of an operation, read by `headers.rs`.
fn headers_of(id: &str) -> Option<Value> {
    match id {
        "replaceTask"
        | "patchTask"
        | "deleteTask"
        | "pauseTask"
        | "resumeTask"
        | "restoreTaskVersion"
        | "resetTaskState"
        | "replaceCalendar"
        | "deleteCalendar"
        | "importCalendar"
        | "restoreCalendarVersion"
        | "replaceNotifyRule"
        | "deleteNotifyRule"
        | "replaceHeartbeat"
        | "deleteHeartbeat"
        | "replaceMailServer"
        | "deleteMailServer"
        | "replaceSmsProvider"
        | "deleteSmsProvider"
        | "replaceHttpProfile"
        | "deleteHttpProfile"
        | "replaceDatasource"
        | "deleteDatasource" => Some(json!({
            "name": "If-Match", "in": "header", "required": false,
            "description": "The version to change, as in its `ETag`; 412 if it has another version.",
            "schema": {"type": "string", "pattern": r#"^(\*|"[0-9]{1,18}")$"#}})),
        "runTask" => Some(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Visible ASCII characters that identify this request: repeating it returns the same execution.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}})),
        _ => None,
    }
}

/// Path parameters are never empty strings.
fn require_non_empty(parameter: &mut Value) {
    if parameter["in"] == "path" && parameter["schema"]["type"] == "string" {
        parameter["schema"]["minLength"] = json!(1);
    }
}

fn describe(param: &Param) -> Value {
    let mut shown = json!({"name": param.name, "in": "query", "required": false, "description": param.description,
        "schema": (param.schema)()});
    if shown["schema"]["type"] != "integer" {
        shown["allowEmptyValue"] = json!(true);
    }
    if param.many {
        shown["style"] = json!("form");
        shown["explode"] = json!(true);
    }
    shown
}
