//! Calls of the JSON API, made to a server (`--server`) or, without one, to the same API in this process on the local database.
//! Commands work the same with both.

mod local;
mod problem;
mod remote;

use chrono::DateTime;
use serde_json::Value;

use super::Failure;
use super::output_options::OutputOptions;
use crate::cli::words;
use crate::clock::{Clock, SystemClock};
use crate::domain::input::percent_encoded;
use crate::domain::node::is_silent;
use crate::i18n::message;

pub(super) use local::Local;
pub(super) use problem::{FaultSource, to_failure};
pub(super) use remote::Remote;

/// The base path of the calls.
const BASE: &str = "/api/v1";

/// A request to the API.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: &'static str,
    /// The encoded path below the base, and the query.
    target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    /// Whether it may create the database.
    may_create_database: bool,
}

impl Call {
    /// A GET request. `path` holds the segments below `/api/v1`, not encoded.
    pub(super) fn get(path: &[&str]) -> Call {
        Call::new("GET", path)
    }

    pub(super) fn post(path: &[&str]) -> Call {
        Call::new("POST", path)
    }

    pub(super) fn put(path: &[&str]) -> Call {
        Call::new("PUT", path)
    }

    pub(super) fn delete(path: &[&str]) -> Call {
        Call::new("DELETE", path)
    }

    fn new(method: &'static str, path: &[&str]) -> Call {
        let target = path.iter().map(|segment| format!("/{}", percent_encoded(segment))).collect();
        Call { method, target, headers: Vec::new(), body: None, may_create_database: false }
    }

    /// Marks a request that precedes a creation and may itself create the database.
    pub(super) fn may_create_database(self) -> Call {
        Call { may_create_database: true, ..self }
    }

    /// Adds a query parameter.
    pub(super) fn query(mut self, name: &str, value: impl std::fmt::Display) -> Call {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(&format!("{name}={}", percent_encoded(&value.to_string())));
        self
    }

    /// Adds a query parameter if there is a value.
    pub(super) fn query_some(self, name: &str, value: Option<&impl std::fmt::Display>) -> Call {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Call {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends a JSON body.
    pub(super) fn json(self, body: &Value) -> Call {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    /// Sends a body unchanged.
    pub(super) fn bytes(mut self, content_type: &str, body: Vec<u8>) -> Call {
        self.body = Some(body);
        self.header("content-type", content_type)
    }

    /// The path and the query, from the root of the server.
    fn target(&self) -> String {
        format!("{BASE}{}", self.target)
    }

    /// Whether the request creates something that needs no earlier data; only then may it create the data folder.
    fn creates(&self) -> bool {
        let first = self.target.split(['/', '?']).nth(1).unwrap_or_default();
        let alone = !self.target.trim_start_matches('/').contains('/');
        match self.method {
            _ if self.may_create_database => true,
            "POST" => first == "import" || (alone && matches!(first, "tasks" | "users")),
            "PUT" => first == "secrets",
            _ => false,
        }
    }

    /// Whether the response depends on the task types, including executables.
    fn needs_types(&self) -> bool {
        let first = self.target.split(['/', '?']).nth(1).unwrap_or_default();
        first == "task-types" || (self.method != "GET" && matches!(first, "tasks" | "import" | "executions"))
    }
}

/// A successful response.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null if it is empty.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::Failed(words(&message!("cli.not_json", error = error.to_string()))))
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// A client of the API.
pub(super) enum ApiClient {
    Local(Box<Local>),
    Remote(Remote),
}

impl ApiClient {
    /// Sends a request and waits for the response.
    pub(super) async fn send(&self, call: Call, output: &OutputOptions) -> Result<Answer, Failure> {
        self.send_from(call, output, &()).await
    }

    /// Like [`ApiClient::send`]; `source` locates the faults of the body.
    pub(super) async fn send_from(
        &self,
        call: Call,
        output: &OutputOptions,
        source: &dyn FaultSource,
    ) -> Result<Answer, Failure> {
        let call = call.header("accept-language", output.language().tag());
        let answer = match self {
            ApiClient::Local(local) => local.send(&call).await?,
            ApiClient::Remote(remote) => remote.send(&call).await?,
        };
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(to_failure(&answer, output, source)) }
    }

    /// Whether a server is there to run queued executions: true for every remote server; on the local database, whether a process
    /// serves it.
    pub(super) async fn can_run(&self, output: &OutputOptions) -> Result<bool, Failure> {
        let ApiClient::Local(local) = self else { return Ok(true) };
        if local.settings().database.url.is_none() {
            return Ok(crate::app::is_server_running(&local.settings().data_dir));
        }
        let nodes = self.json(Call::get(&["nodes"]), output).await?;
        let now = SystemClock.now();
        let lives = |node: &Value| {
            let seen = node["last_seen_at"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
            seen.is_some_and(|seen| !is_silent(seen.to_utc(), now))
        };
        Ok(nodes["nodes"].as_array().is_some_and(|nodes| nodes.iter().any(lives)))
    }

    /// Like [`ApiClient::send`], for a JSON response.
    pub(super) async fn json(&self, call: Call, output: &OutputOptions) -> Result<Value, Failure> {
        self.send(call, output).await?.json()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segments_and_queries_are_encoded() {
        let call = Call::get(&["tasks", "日报/a b"]).query("search", "x&y=ü").query_some("tag", None::<&String>);
        assert_eq!(call.target(), "/api/v1/tasks/%E6%97%A5%E6%8A%A5%2Fa%20b?search=x%26y%3D%C3%BC");
    }

    #[test]
    fn only_creating_requests_may_create_the_data_folder() {
        assert!(Call::post(&["tasks"]).creates() && Call::put(&["secrets", "a"]).creates());
        assert!(!Call::post(&["tasks", "a", "run"]).creates() && !Call::get(&["tasks"]).creates());
    }
}
