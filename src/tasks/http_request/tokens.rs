//! Access tokens: requested once, shared by all tasks of a profile until shortly before they expire, and requested again when
//! the service rejects them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;

use super::failure::classify;
use super::masks::Masks;
use super::redacted_url::redacted_url;
use super::response::ReceivedResponse;
use crate::domain::input::display_value;
use crate::domain::profile::http::{TokenCall, TokenStyle};
use crate::domain::secret::Secret;
use crate::i18n::message;
use crate::tasks::RunError;

/// The timeout of a token request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The lifetime of a token if the response does not contain it.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);
/// The longest lifetime accepted.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 86_400);
/// A token is not used in this time before it expires, or in the last tenth of its lifetime if that is shorter.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);
/// The fields in which services report why they issue no token.
const ERROR_FIELDS: [&str; 7] = ["error", "error_description", "code", "errcode", "errmsg", "msg", "message"];

/// The tokens by profile.
#[derive(Default)]
pub(super) struct TokenCache(Mutex<HashMap<String, Slot>>);

/// The token of one profile. The lock is held during a token request, so that concurrent runs share one request.
type Slot = Arc<AsyncMutex<Option<Token>>>;

struct Token {
    text: Secret,
    use_until: Instant,
    /// The request that it was issued for; a changed profile needs another one.
    call: TokenCall,
}

impl TokenCache {
    /// The profile's token; a new one if there is none, it is about to expire, or it is the `refused` one.
    pub async fn get(
        &self,
        profile: &str,
        call: &TokenCall,
        client: &Client,
        refused: Option<&Secret>,
    ) -> Result<Secret, RunError> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(profile.to_owned()).or_default().clone();
        let mut slot = slot.lock().await;
        if let Some(token) = &*slot
            && token.use_until > Instant::now()
            && token.call == *call
            && refused != Some(&token.text)
        {
            return Ok(token.text.clone());
        }
        *slot = None;
        let token = fetch(call, client).await?;
        let text = token.text.clone();
        *slot = Some(token);
        Ok(text)
    }
}

async fn fetch(call: &TokenCall, client: &Client) -> Result<Token, RunError> {
    let mut masks = Masks::default();
    call.app_secret.iter().for_each(|secret| masks.add(secret));
    let url = Url::parse(call.url.as_deref().unwrap_or_default())
        .map_err(|error| RunError::fail(message!("http.token_url", error = error.to_string())))?;
    let failed = |error: RunError| {
        error.map_message(|problem| {
            message!("http.token_failed", url = redacted_url(&url), problem).map_texts(&|text| masks.text(text))
        })
    };
    let started = Instant::now();
    let request = request(call, client, url.clone());
    let result = async { ReceivedResponse::read(request.timeout(TIMEOUT).send().await?, started, true).await }.await;
    let response = result.map_err(|error| failed(classify(&error, TIMEOUT)))?;
    read(call, &response, started).map_err(failed)
}

fn request(call: &TokenCall, client: &Client, url: Url) -> reqwest::RequestBuilder {
    let (id, secret) = (call.app_id.as_deref().unwrap_or_default(), call.app_secret.as_ref().map_or("", Secret::reveal));
    match call.style {
        TokenStyle::Json => client.post(url).json(&json!({"app_id": id, "app_secret": secret})),
        TokenStyle::OAuth2 => {
            let mut form = vec![("grant_type", "client_credentials")];
            form.extend(call.scope.as_deref().map(|scope| ("scope", scope)));
            client.post(url).basic_auth(id, Some(secret)).form(&form)
        }
    }
}

fn read(call: &TokenCall, response: &ReceivedResponse, requested_at: Instant) -> Result<Token, RunError> {
    let pointer = call.pointer.as_deref().unwrap_or("/access_token");
    let json = response.json();
    let text = json.and_then(|json| json.pointer(pointer)).and_then(Value::as_str).filter(|text| !text.is_empty());
    match text {
        Some(text) if response.status.is_success() => {
            let expires = json.and_then(|json| json.pointer(call.expires_pointer.as_deref().unwrap_or("/expires_in")));
            let lifetime = expires.and_then(seconds).unwrap_or(DEFAULT_LIFETIME);
            let use_until = requested_at + (lifetime - EXPIRY_MARGIN.min(lifetime / 10));
            Ok(Token { text: Secret::new(text), use_until, call: call.clone() })
        }
        _ => Err(refusal(pointer, response)),
    }
}

fn refusal(pointer: &str, response: &ReceivedResponse) -> RunError {
    let reasons: Vec<String> =
        ERROR_FIELDS.iter().filter_map(|name| Some(format!("{name} {}", display_value(response.json()?.get(name)?)))).collect();
    let details = (!reasons.is_empty()).then(|| reasons.join(", "));
    if response.status.is_success() {
        return RunError::fail(match details {
            Some(details) => message!("http.token_missing_details", pointer, details),
            None => message!("http.token_missing", pointer),
        });
    }
    let status = response.status.to_string();
    let message = match details {
        Some(details) => message!("http.token_status_details", status, details),
        None => message!("http.token_status", status),
    };
    let later = response.status.is_server_error() || response.status.as_u16() == 429;
    if later { RunError::retry(message) } else { RunError::fail(message) }
}

fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    let lifetime = Duration::try_from_secs_f64(seconds).ok()?;
    Some(lifetime.min(MAX_LIFETIME))
}
