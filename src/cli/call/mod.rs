//! One way to ask Belfry something from the command line: a call of the JSON API, answered by a server (`--server`) or, without
//! one, by the same API in this process, on the database of the settings. So each command is written once.

mod failed;
mod local;
mod remote;

use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use super::Failure;
use super::look::Look;
use crate::api::encode_segment;
use crate::clock::{Clock, SystemClock};

pub(super) use failed::{Told, told};
pub(super) use local::Local;
pub(super) use remote::Remote;

/// The base path of the calls.
const BASE: &str = "/api/v1";
/// A process on another machine that was not heard of for so long is held for dead.
const SILENCE: TimeDelta = TimeDelta::seconds(30);

/// One call, still to be made.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: &'static str,
    /// The path below the base and the query, encoded.
    target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    /// May come before there is a database.
    begins: bool,
}

impl Call {
    /// Reads. `path` holds the segments below `/api/v1`, as they are.
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
        let target = path.iter().map(|segment| format!("/{}", encode_segment(segment))).collect();
        Call { method, target, headers: Vec::new(), body: None, begins: false }
    }

    /// A question that goes before making something: where there is no database yet, one is made.
    pub(super) fn beginning(self) -> Call {
        Call { begins: true, ..self }
    }

    /// Adds a query parameter.
    pub(super) fn query(mut self, name: &str, value: impl std::fmt::Display) -> Call {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(&format!("{name}={}", encode_segment(&value.to_string())));
        self
    }

    /// Adds a query parameter where there is a value.
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

    /// Sends a body as it is.
    pub(super) fn bytes(mut self, content_type: &str, body: Vec<u8>) -> Call {
        self.body = Some(body);
        self.header("content-type", content_type)
    }

    /// The path and the query, from the root of the server.
    fn target(&self) -> String {
        format!("{BASE}{}", self.target)
    }

    /// Makes something of its own that needs no earlier data: only then may the data folder be made for it.
    fn creates(&self) -> bool {
        let first = self.target.split(['/', '?']).nth(1).unwrap_or_default();
        let alone = !self.target.trim_start_matches('/').contains('/');
        match self.method {
            _ if self.begins => true,
            "POST" => first == "import" || (alone && matches!(first, "tasks" | "users")),
            "PUT" => first == "secrets",
            _ => false,
        }
    }

    /// Asks which task types there are, or depends on it.
    fn needs_types(&self) -> bool {
        let first = self.target.split(['/', '?']).nth(1).unwrap_or_default();
        first == "task-types" || (self.method != "GET" && matches!(first, "tasks" | "import" | "executions"))
    }
}

/// What a call came to; its status is good.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null where there is none.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| Failure::Failed(format!("the answer is not JSON: {error}")))
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Who answers.
pub(super) enum Caller {
    Local(Box<Local>),
    Remote(Remote),
}

impl Caller {
    /// Makes a call and waits for its answer.
    ///
    /// # Errors
    /// What the API refused, in the words of [`told`]; or that nobody answers.
    pub(super) async fn send(&self, call: Call, look: &Look) -> Result<Answer, Failure> {
        self.send_told(call, look, &()).await
    }

    /// As [`Caller::send`]; what is wrong with the body is shown where `source` says that it stands.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub(super) async fn send_told(&self, call: Call, look: &Look, source: &dyn Told) -> Result<Answer, Failure> {
        let call = call.header("accept-language", look.language().tag());
        let answer = match self {
            Caller::Local(local) => local.send(&call).await?,
            Caller::Remote(remote) => remote.send(&call).await?,
        };
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(told(&answer, look, source)) }
    }

    /// Whether anything is there that would run what is queued: any server that answers is, and on the local database any process
    /// that holds its place there.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub(super) async fn can_run(&self, look: &Look) -> Result<bool, Failure> {
        let Caller::Local(local) = self else { return Ok(true) };
        if local.settings().database.url.is_none() {
            return Ok(crate::app::is_served(&local.settings().data_dir));
        }
        let nodes = self.json(Call::get(&["nodes"]), look).await?;
        let now = SystemClock.now();
        let lives = |node: &Value| {
            let seen = node["last_seen_at"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
            seen.is_some_and(|seen| now - seen.to_utc() < SILENCE)
        };
        Ok(nodes["nodes"].as_array().is_some_and(|nodes| nodes.iter().any(lives)))
    }

    /// As [`Caller::send`], for an answer in JSON.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub(super) async fn json(&self, call: Call, look: &Look) -> Result<Value, Failure> {
        self.send(call, look).await?.json()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_whatever_they_hold() {
        let call = Call::get(&["tasks", "日报/a b"]).query("search", "x&y=ü").query_some("tag", None::<&String>);
        assert_eq!(call.target(), "/api/v1/tasks/%E6%97%A5%E6%8A%A5%2Fa%20b?search=x%26y%3D%C3%BC");
    }

    #[test]
    fn only_what_makes_something_new_may_make_a_data_folder() {
        assert!(Call::post(&["tasks"]).creates() && Call::put(&["secrets", "a"]).creates());
        assert!(!Call::post(&["tasks", "a", "run"]).creates() && !Call::get(&["tasks"]).creates());
    }
}
