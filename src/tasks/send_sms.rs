//! `send_sms`: sends text messages through an SMS provider of the profiles.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::http_request::client::{Clients, Connection};
use super::http_request::failure;
use super::{Run, RunContext, RunError, Spec, Stage, TaskType, Text, Toolbox, first_fault};
use crate::domain::fault::Fault;
use crate::domain::policy::{Policy, Retry};
use crate::domain::profile::{Profiles, Sms, choose};
use crate::i18n::{self, message};

mod aliyun;
mod codes;
mod digest;
mod exchange;
mod gateway;
mod number;
mod params;
mod provider;
mod record;
mod tencent;
mod twilio;

use exchange::{Message, NO_RESPONSE, NOT_SENT, Outcome, Request, Response};
use params::Params;
use record::DeliveryRecord;

/// Concurrent requests of one run.
const CONCURRENCY: usize = 8;
/// The most bytes read of a response.
const RESPONSE_MAX_BYTES: usize = 64 << 10;

/// The task type `send_sms`.
pub struct SendSms {
    toolbox: Toolbox,
    clients: Clients,
}

impl SendSms {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { toolbox: toolbox.clone(), clients: Clients::new(toolbox.limits.clone()) }
    }

    fn client(&self) -> Result<reqwest::Client, RunError> {
        self.clients.get(&Connection { verify_tls: true, proxy: None })
    }

    async fn send(&self, params: &Value, context: &RunContext) -> Result<Value, RunError> {
        let params = Params::read(params, Stage::Run).map_err(first_fault)?;
        let profiles = self.toolbox.profiles.current();
        let (name, profile) = profile(&profiles, params.sms.as_deref()).map_err(RunError::fail)?;
        params.check_for(profile).map_err(|fault| RunError::fail(fault.message))?;
        let client = self.client()?;
        let mut record = DeliveryRecord::load(name, &params.to, &self.toolbox, context).await?;
        let left = record.pending();
        if left.len() < params.to.len() {
            context.output.line(&format!(
                "{} of {} messages were finished by an earlier attempt",
                params.to.len() - left.len(),
                params.to.len()
            ));
        }
        let sending = left.into_iter().map(|number| self.send_one(number, &params, profile, &client, context));
        let mut sending = stream::iter(sending).buffer_unordered(CONCURRENCY);
        loop {
            let next = tokio::select! {
                next = sending.next() => next,
                () = context.cancel.cancelled() => return Err(record.cancelled()),
            };
            let Some((number, outcome)) = next else { return record.finish() };
            let verb = if outcome.accepted { "accepted" } else { "refused" };
            context.output.line(&format!("{number}: {verb}: {} {}", outcome.code, outcome.explained()));
            record.set(&number, outcome);
        }
    }

    /// Sends to one number. A failure is an outcome too, because the other numbers are sent independently.
    async fn send_one(
        &self,
        number: String,
        params: &Params,
        profile: &Sms,
        client: &reqwest::Client,
        context: &RunContext,
    ) -> (String, Outcome) {
        let request = self.request(&number, params, profile, context);
        let outcome = match request {
            Err(problem) => Outcome::refused(NOT_SENT, problem),
            Ok(request) => match exchange(client, request, profile).await {
                Ok(response) => provider::outcome(&response, profile),
                Err(error) => Outcome { retry: error.retryable, ..Outcome::refused(NO_RESPONSE, error.message) },
            },
        };
        (number, outcome)
    }

    fn request(&self, number: &str, params: &Params, profile: &Sms, context: &RunContext) -> Result<Request, i18n::Message> {
        let provider = profile.provider.ok_or_else(|| message!("sms.provider_required"))?;
        let to = number::for_provider(number, provider)?;
        let default_template = profile.template.as_deref().filter(|_| params.text.is_none());
        let message = Message {
            profile,
            to: &to,
            text: params.text.as_deref(),
            template: params.template.as_deref().or(default_template),
            params: &params.params,
            sign: params.sign.as_deref().or(profile.sign.as_deref()),
            id: &context.execution_id,
            now: self.toolbox.clock.now(),
            nonce: nonce()?,
        };
        provider::request(&message)
    }
}

/// The SMS provider of this name; without a name the only one.
fn profile<'p>(profiles: &'p Profiles, name: Option<&str>) -> Result<(&'p str, &'p Sms), i18n::Message> {
    choose("sms", &profiles.sms, name).map_err(|message| message.of("sms"))
}

/// A random value that is used once; providers reject a repeated one.
fn nonce() -> Result<String, i18n::Message> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| message!("sms.no_random", error = error.to_string()))?;
    Ok(digest::hex(&bytes))
}

async fn exchange(client: &reqwest::Client, request: Request, profile: &Sms) -> Result<Response, RunError> {
    let Request { method, url, headers, body } = request;
    let has_body = !body.is_empty() || method != reqwest::Method::GET;
    let mut building = client.request(method, url).headers(headers).timeout(profile.timeout);
    if has_body {
        building = building.body(body);
    }
    let failed = |error: reqwest::Error| failure::classify(&error, profile.timeout);
    let mut response = building.send().await.map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        let left = RESPONSE_MAX_BYTES - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(left)]);
        if chunk.len() > left {
            break;
        }
    }
    Ok(Response { status: response.status().as_u16(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

impl TaskType for SendSms {
    fn spec(&self) -> Spec {
        Spec {
            name: "send_sms".into(),
            title: Text::new("Send a text message", "发送短信"),
            description: Text::new(
                "Sends text messages through Aliyun, Tencent Cloud, Twilio or an HTTP gateway of the settings.",
                "通过配置好的阿里云、腾讯云、Twilio 或 HTTP 网关发送短信。",
            ),
            params_schema: params::schema(),
            example: json!({"to": "+8613800138000", "template": "SMS_123456789", "params": {"name": "nightly"}}),
            default_policy: Policy {
                timeout: Some(Duration::from_secs(300)),
                // The first attempt and three more. After a crash nobody knows whether the message was sent.
                retry: Retry { max_attempts: 4, on_interruption: false, ..Retry::default() },
                ..Policy::default()
            },
            dangerous: false,
        }
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        let params = match Params::read(params, Stage::Saved) {
            Ok(params) => params,
            Err(faults) => return faults,
        };
        // Without a name the provider may be configured later; a named one must exist.
        let profiles = self.toolbox.profiles.current();
        match (profile(&profiles, params.sms.as_deref()), &params.sms) {
            (Ok((_, profile)), _) => params.check_for(profile).err().into_iter().collect(),
            (Err(message), Some(name)) if Stage::Saved.is_resolved(name) => vec![Fault::new("/sms", message)],
            (Err(_), _) => Vec::new(),
        }
    }

    fn overridable(&self) -> &'static [&'static str] {
        &["text", "params"]
    }

    fn uses_profiles(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move { self.send(&params, context).await })
    }
}
