//! `http_request`: sends one HTTP request and checks the answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Run, RunContext, RunError, Spec, TaskType, Text};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;

mod answer;
pub(super) mod client;
mod expect;
pub(super) mod failure;
mod params;

use answer::Answer;
use client::Clients;
use params::{Body, Params};

/// Sends HTTP requests.
#[derive(Debug, Default)]
pub struct HttpRequest {
    clients: Clients,
}

impl TaskType for HttpRequest {
    fn spec(&self) -> Spec {
        Spec {
            name: "http_request".into(),
            title: Text::of("HTTP request", "HTTP 请求"),
            description: Text::of(
                "Sends an HTTP request and checks the status and, if asked to, the JSON of the answer.",
                "发送 HTTP 请求，检查响应状态码，并可检查响应中的 JSON。",
            ),
            params_schema: params::schema(),
            example: json!({"method": "GET", "url": "https://example.com/"}),
            default_policy: Policy { timeout: Some(Duration::from_secs(60)), ..Policy::default() },
            dangerous: false,
        }
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        Params::read(params).err().unwrap_or_default()
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params)
                .map_err(|faults| RunError::fail(faults.into_iter().next().map(|fault| fault.message).unwrap_or_default()))?;
            tokio::select! {
                done = self.request(&params, context) => done,
                () = context.cancel.cancelled() => Err(RunError::fail("the request was given up")),
            }
        })
    }
}

impl HttpRequest {
    async fn request(&self, params: &Params, context: &RunContext) -> Result<Value, RunError> {
        let client = self.clients.get(&params.connection)?;
        let request = build(&client, params, &context.execution_id);
        let started = Instant::now();
        let what = format!("{} {}", params.method, failure::shown_url(&params.url));
        let answered = async { Answer::read(request.send().await?, started).await }.await;
        let answer = answered.map_err(|error| {
            let failed = failure::classify(&error, params.timeout);
            context.output.line(&format!("{what} → {}", failed.message));
            failed
        })?;
        context.output.line(&format!("{what} → {} in {} ms", answer.status, answer.elapsed_ms));
        expect::check(params, &answer)?;
        Ok(answer.into_result())
    }
}

/// The request with its headers and body. What changes something carries the execution's id, by which the receiver can
/// tell a second delivery from a second request.
fn build(client: &reqwest::Client, params: &Params, execution_id: &str) -> reqwest::RequestBuilder {
    let mut request = client.request(params.method.clone(), params.url.clone()).timeout(params.timeout).query(&params.query);
    request = match &params.body {
        Body::None => request,
        Body::Json(value) => request.json(value),
        Body::Form(fields) => request.form(fields),
        Body::Text(text) => request.header(reqwest::header::CONTENT_TYPE, "text/plain; charset=utf-8").body(text.clone()),
    };
    if !matches!(params.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        request = request.header("idempotency-key", execution_id);
    }
    // Replaces headers of the same name that were set above.
    request.headers(params.headers.clone())
}
