//! `http_request`: sends one HTTP request and checks the response. A profile of the settings (`[http.<name>]`) may authenticate it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Limits, Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first_fault, without_template_faults};
use crate::clock::{SharedClock, SystemClock};
use crate::domain::fault::Fault;
use crate::domain::policy::{Policy, Retry};
use crate::domain::profile::Profiles;
use crate::domain::profile::http::SignIn;
use crate::domain::secret::Secret;
use crate::i18n::message;

pub(super) mod client;
mod credentials;
mod expect;
pub(super) mod failure;
mod headers;
mod masks;
mod network;
mod params;
mod redacted_url;
mod response;
mod target;
mod tokens;

use client::Clients;
use credentials::Credentials;
use masks::Masks;
use params::{Body, Params};
use response::ReceivedResponse;
use tokens::TokenCache;

/// The task type `http_request`.
pub struct HttpRequest {
    clock: SharedClock,
    profiles: Arc<Profiles>,
    limits: Arc<Limits>,
    clients: Clients,
    tokens: TokenCache,
}

impl HttpRequest {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self::with(toolbox.clock.clone(), toolbox.profiles.clone(), toolbox.limits.clone())
    }

    fn with(clock: SharedClock, profiles: Arc<Profiles>, limits: Arc<Limits>) -> Self {
        Self { clock, profiles, clients: Clients::new(limits.clone()), limits, tokens: TokenCache::default() }
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
            title: Text::new("HTTP request", "HTTP 请求"),
            description: Text::new(
                "Sends an HTTP request and checks the status and, optionally, the JSON of the response.",
                "发送 HTTP 请求，检查响应状态码，并可检查响应中的 JSON。",
            ),
            params_schema: params::schema(),
            example: json!({"method": "GET", "url": "https://example.com/"}),
            default_policy: Policy { timeout: Some(Duration::from_secs(60)), retry, ..Policy::default() },
            dangerous: false,
        }
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        without_template_faults(params, Params::read(params, &self.profiles.http).err().unwrap_or_default())
    }

    fn overridable(&self) -> &'static [&'static str] {
        &["query", "json", "form", "text", "timeout_seconds", "expect_status", "expect_json"]
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params, &self.profiles.http).map_err(first_fault)?;
            tokio::select! {
                done = self.request(&params, context) => done,
                () = context.cancel.cancelled() => Err(RunError::fail(message!("http.cancelled"))),
            }
        })
    }
}

impl HttpRequest {
    async fn request(&self, params: &Params, context: &RunContext) -> Result<Value, RunError> {
        let mut masks = Masks::default();
        let ended = self.exchange(params, context, &mut masks).await;
        masks.mask_outcome(ended)
    }

    async fn exchange(&self, params: &Params, context: &RunContext, masks: &mut Masks) -> Result<Value, RunError> {
        network::check_url(&self.limits, &params.url).map_err(|refused| RunError::fail(refused.0))?;
        let client = self.clients.get(&params.connection)?;
        let mut credentials = self.credentials(params, None).await?;
        masks.add_credentials(&credentials);
        let mut response = send(&client, params, &credentials, masks, context).await?;
        if let (401, SignIn::Token, Some(refused)) = (response.status.as_u16(), &params.sign_in, credentials.token()) {
            context.output.line("the token was rejected; requesting a new one");
            credentials = self.credentials(params, Some(refused)).await?;
            masks.add_credentials(&credentials);
            response = send(&client, params, &credentials, masks, context).await?;
        }
        expect::check(&params.expect_status, &params.expect_json, &response)
            .map_err(|error| error.with_retry_after(response.retry_after(self.clock.now())))?;
        Ok(response.into_result())
    }

    /// The credentials of the request. If the profile requests tokens: a token other than the `refused` one.
    async fn credentials(&self, params: &Params, refused: Option<Secret>) -> Result<Credentials, RunError> {
        let profile = params.profile.as_ref().filter(|_| params.sign_in == SignIn::Token);
        let Some((name, profile)) = profile.and_then(|name| self.profiles.http.get_key_value(name)) else {
            return Ok(Credentials::from_sign_in(&params.sign_in));
        };
        let url = profile.token.url.as_deref().and_then(|url| url.parse().ok());
        url.map_or(Ok(()), |url| network::check_url(&self.limits, &url)).map_err(|refused| RunError::fail(refused.0))?;
        let client = self.clients.get(&client::Connection { redirects: 0, ..params.connection.clone() })?;
        let token = self.tokens.get(name, &profile.token, &client, refused.as_ref()).await?;
        Ok(match &profile.token.header {
            Some(header) => Credentials::Header(header.clone(), token),
            None => Credentials::Bearer(token),
        })
    }
}

async fn send(
    client: &reqwest::Client,
    params: &Params,
    credentials: &Credentials,
    masks: &Masks,
    context: &RunContext,
) -> Result<ReceivedResponse, RunError> {
    let request = credentials.apply(build(client, params, &context.execution_id));
    let started = Instant::now();
    let what = masks.text(&format!("{} {}", params.method, redacted_url::redacted_url(&params.url)));
    let result = async { ReceivedResponse::read(request.send().await?, started).await }.await;
    let response = result.map_err(|error| {
        let failed = failure::classify(&error, params.timeout);
        context.output.line(&format!("{what} → {}", masks.text(&failed.message.to_string())));
        failed
    })?;
    context.output.line(&format!("{what} → {} in {} ms", response.status, response.elapsed_ms));
    Ok(response)
}

/// Builds the request with its headers and body. A request that is not read-only carries the execution's id as
/// `Idempotency-Key`, so that the receiver recognises a repeated delivery.
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
    // Last, because these replace headers of the same name.
    request.headers(params.headers.clone())
}
