//! `http_request`: sends one HTTP request and checks the response. An HTTP profile may authenticate it.

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
use crate::profiles::ProfileDirectory;

mod advice;
mod body;
pub(super) mod client;
mod cookies;
mod credentials;
mod exchange;
mod expect;
pub(super) mod failure;
mod headers;
mod masks;
pub(super) mod network;
mod params;
mod redacted_url;
mod response;
mod target;
mod tokens;

use client::Clients;
use cookies::Cookies;
use credentials::Credentials;
use exchange::Exchange;
use masks::Masks;
use params::Params;
use response::ReceivedResponse;
use tokens::TokenCache;

/// The task type `http_request`.
pub struct HttpRequest {
    clock: SharedClock,
    profiles: Arc<ProfileDirectory>,
    limits: Arc<Limits>,
    clients: Clients,
    tokens: TokenCache,
}

impl HttpRequest {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self::with(toolbox.clock.clone(), toolbox.profiles.clone(), toolbox.limits.clone())
    }

    fn with(clock: SharedClock, profiles: Arc<ProfileDirectory>, limits: Arc<Limits>) -> Self {
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
        let mut faults = Params::read(params, &self.profiles.current().http).err().unwrap_or_default();
        faults.extend(advice::url_fault(params, &faults));
        without_template_faults(params, faults)
    }

    fn overridable(&self) -> &'static [&'static str] {
        &["query", "json", "form", "text", "timeout_seconds", "expect_status", "expect_json"]
    }

    fn uses_profiles(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let profiles = self.profiles.current();
            let params = Params::read(&params, &profiles.http).map_err(first_fault)?;
            tokio::select! {
                done = self.request(&params, &profiles, context) => done,
                () = context.cancel.cancelled() => Err(RunError::fail(message!("http.cancelled"))),
            }
        })
    }
}

impl HttpRequest {
    async fn request(&self, params: &Params, profiles: &Profiles, context: &RunContext) -> Result<Value, RunError> {
        let mut masks = Masks::default();
        let ended = self.exchange(params, profiles, context, &mut masks).await;
        masks.mask_outcome(ended)
    }

    async fn exchange(
        &self,
        params: &Params,
        profiles: &Profiles,
        context: &RunContext,
        masks: &mut Masks,
    ) -> Result<Value, RunError> {
        network::check_url(&self.limits, &params.url).map_err(|refused| RunError::fail(refused.0))?;
        let client = self.clients.get(&params.connection)?;
        let (limits, execution_id) = (&*self.limits, context.execution_id.as_str());
        let mut exchange = Exchange { client: &client, limits, params, execution_id, cookies: Cookies::default() };
        let mut credentials = self.credentials(params, profiles, None).await?;
        masks.add_credentials(&credentials);
        let mut response = send(&mut exchange, &credentials, masks, context).await?;
        if let (401, SignIn::Token, Some(refused)) = (response.status.as_u16(), &params.sign_in, credentials.token()) {
            context.output.line("the token was rejected; requesting a new one");
            credentials = self.credentials(params, profiles, Some(refused)).await?;
            masks.add_credentials(&credentials);
            response = send(&mut exchange, &credentials, masks, context).await?;
        }
        expect::check(&params.expect_status, &params.expect_json, &response)
            .map_err(|error| error.with_retry_after(response.retry_after(self.clock.now())))?;
        Ok(response.into_result())
    }

    /// The credentials of the request. If the profile requests tokens: a token other than the `refused` one.
    async fn credentials(&self, params: &Params, profiles: &Profiles, refused: Option<Secret>) -> Result<Credentials, RunError> {
        let profile = params.profile.as_ref().filter(|_| params.sign_in == SignIn::Token);
        let Some((name, profile)) = profile.and_then(|name| profiles.http.get_key_value(name)) else {
            return Ok(Credentials::from_sign_in(&params.sign_in));
        };
        let url = profile.token.url.as_deref().and_then(|url| url.parse().ok());
        url.map_or(Ok(()), |url| network::check_url(&self.limits, &url)).map_err(|refused| RunError::fail(refused.0))?;
        let client = self.clients.get(&params.connection)?;
        let token = self.tokens.get(name, &profile.token, &client, refused.as_ref()).await?;
        Ok(match &profile.token.header {
            Some(header) => Credentials::Header(header.clone(), token),
            None => Credentials::Bearer(token),
        })
    }
}

async fn send(
    exchange: &mut Exchange<'_>,
    credentials: &Credentials,
    masks: &Masks,
    context: &RunContext,
) -> Result<ReceivedResponse, RunError> {
    let (params, started) = (exchange.params, Instant::now());
    let what = masks.text(&format!("{} {}", params.method, redacted_url::redacted_url(&params.url)));
    let wants_json = !params.expect_json.is_empty();
    let result = async { Ok(ReceivedResponse::read(exchange.send(credentials).await?, started, wants_json).await?) }.await;
    let response = result.map_err(|unanswered| {
        let failed = failure::unanswered(&unanswered, params.timeout);
        context.output.line(&format!("{what} → {}", masks.text(&failed.message.to_string())));
        failed
    })?;
    context.output.line(&format!("{what} → {} in {} ms", response.status, response.elapsed_ms));
    Ok(response)
}
