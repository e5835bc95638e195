//! `http_request`: sends one HTTP request and checks the answer. A profile of the settings (`[http.<name>]`) may sign it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Limits, Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first, settled};
use crate::clock::{SharedClock, SystemClock};
use crate::domain::fault::Fault;
use crate::domain::policy::{Policy, Retry};
use crate::domain::profile::Profiles;
use crate::domain::profile::http::SignIn;
use crate::domain::secret::Secret;

mod answer;
pub(super) mod client;
mod expect;
pub(super) mod failure;
mod masks;
mod network;
mod params;
mod place;
mod sign;
mod tokens;

use answer::Answer;
use client::Clients;
use masks::Masks;
use params::{Body, Params};
use sign::Signature;
use tokens::Tokens;

/// Sends HTTP requests.
pub struct HttpRequest {
    clock: SharedClock,
    profiles: Arc<Profiles>,
    limits: Arc<Limits>,
    clients: Clients,
    tokens: Tokens,
}

impl HttpRequest {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self::with(toolbox.clock.clone(), toolbox.profiles.clone(), toolbox.limits.clone())
    }

    fn with(clock: SharedClock, profiles: Arc<Profiles>, limits: Arc<Limits>) -> Self {
        Self { clock, profiles, clients: Clients::new(limits.clone()), limits, tokens: Tokens::default() }
    }
}

impl Default for HttpRequest {
    /// Without profiles and limits.
    fn default() -> Self {
        Self::with(Arc::new(SystemClock), Arc::default(), Arc::new(Limits::within("")))
    }
}

impl TaskType for HttpRequest {
    fn spec(&self) -> Spec {
        let retry = Retry { max_attempts: 3, ..Retry::default() };
        Spec {
            name: "http_request".into(),
            title: Text::of("HTTP request", "HTTP 请求"),
            description: Text::of(
                "Sends an HTTP request and checks the status and, if asked to, the JSON of the answer.",
                "发送 HTTP 请求，检查响应状态码，并可检查响应中的 JSON。",
            ),
            params_schema: params::schema(),
            example: json!({"method": "GET", "url": "https://example.com/"}),
            default_policy: Policy { timeout: Some(Duration::from_secs(60)), retry, ..Policy::default() },
            dangerous: false,
        }
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        settled(params, Params::read(params, &self.profiles.http).err().unwrap_or_default())
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params, &self.profiles.http).map_err(first)?;
            tokio::select! {
                done = self.request(&params, context) => done,
                () = context.cancel.cancelled() => Err(RunError::fail("the request was given up")),
            }
        })
    }
}

impl HttpRequest {
    async fn request(&self, params: &Params, context: &RunContext) -> Result<Value, RunError> {
        let mut masks = Masks::default();
        let ended = self.exchange(params, context, &mut masks).await;
        masks.ended(ended)
    }

    async fn exchange(&self, params: &Params, context: &RunContext, masks: &mut Masks) -> Result<Value, RunError> {
        network::check_url(&self.limits, &params.url).map_err(|refused| RunError::fail(refused.to_string()))?;
        let client = self.clients.get(&params.connection)?;
        let mut signature = self.signature(params, None).await?;
        masks.add_signature(&signature);
        let mut answer = send(&client, params, &signature, masks, context).await?;
        if let (401, SignIn::Token, Some(refused)) = (answer.status.as_u16(), &params.sign_in, signature.token()) {
            context.output.line("the token is no longer taken; asking for a new one");
            signature = self.signature(params, Some(refused)).await?;
            masks.add_signature(&signature);
            answer = send(&client, params, &signature, masks, context).await?;
        }
        expect::check(params, &answer).map_err(|error| error.after(answer.retry_after(self.clock.now())))?;
        Ok(answer.into_result())
    }

    /// What the request is signed with; of a profile that asks for a token, another one than was refused.
    async fn signature(&self, params: &Params, refused: Option<Secret>) -> Result<Signature, RunError> {
        let profile = params.profile.as_ref().filter(|_| params.sign_in == SignIn::Token);
        let Some((name, profile)) = profile.and_then(|name| self.profiles.http.get_key_value(name)) else {
            return Ok(Signature::of(&params.sign_in));
        };
        let url = profile.token.url.as_deref().and_then(|url| url.parse().ok());
        url.map_or(Ok(()), |url| network::check_url(&self.limits, &url))
            .map_err(|refused| RunError::fail(refused.to_string()))?;
        let client = self.clients.get(&client::Connection { redirects: 0, ..params.connection.clone() })?;
        let token = self.tokens.get(name, &profile.token, &client, refused.as_ref()).await?;
        Ok(match &profile.token.header {
            Some(header) => Signature::Header(header.clone(), token),
            None => Signature::Bearer(token),
        })
    }
}

async fn send(
    client: &reqwest::Client,
    params: &Params,
    signature: &Signature,
    masks: &Masks,
    context: &RunContext,
) -> Result<Answer, RunError> {
    let request = signature.sign(build(client, params, &context.execution_id));
    let started = Instant::now();
    let what = masks.text(&format!("{} {}", params.method, failure::shown_url(&params.url)));
    let answered = async { Answer::read(request.send().await?, started).await }.await;
    let answer = answered.map_err(|error| {
        let failed = failure::classify(&error, params.timeout);
        context.output.line(&format!("{what} → {}", masks.text(&failed.message)));
        failed
    })?;
    context.output.line(&format!("{what} → {} in {} ms", answer.status, answer.elapsed_ms));
    Ok(answer)
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
