//! Tokens that expire: asked for once, shared by all tasks of a profile until shortly before they expire, and asked for anew
//! when a service no longer takes them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;

use super::answer::Answer;
use super::failure::{classify, shown_url};
use super::masks::Masks;
use crate::domain::input::shown;
use crate::domain::profile::http::{TokenCall, TokenStyle};
use crate::domain::secret::Secret;
use crate::tasks::RunError;

/// How long a token is asked for.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The lifetime of a token whose answer does not tell.
const UNTOLD: Duration = Duration::from_secs(600);
/// The longest lifetime that is believed.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// A token is used no longer than until this long before it expires, or a tenth of its lifetime where that is shorter.
const MARGIN: Duration = Duration::from_secs(60);
/// What a service that gives no token says about it.
const REASONS: [&str; 7] = ["error", "error_description", "code", "errcode", "errmsg", "msg", "message"];

/// The tokens there are, by profile.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Slot>>);

/// One profile's token. Whoever asks for one holds it, and all others wait for that one.
type Slot = Arc<AsyncMutex<Option<Token>>>;

struct Token {
    text: Secret,
    use_until: Instant,
}

impl Tokens {
    /// The profile's token; asked for where there is none, it is about to expire, or it is the one that was `refused`.
    ///
    /// # Errors
    /// Why the service gave none.
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
            && refused != Some(&token.text)
        {
            return Ok(token.text.clone());
        }
        *slot = None;
        let token = ask(call, client).await?;
        let text = token.text.clone();
        *slot = Some(token);
        Ok(text)
    }
}

async fn ask(call: &TokenCall, client: &Client) -> Result<Token, RunError> {
    let mut masks = Masks::default();
    call.app_secret.iter().for_each(|secret| masks.add(secret));
    let url = Url::parse(call.url.as_deref().unwrap_or_default())
        .map_err(|error| RunError::fail(format!("token_url does not read as a URL: {error}")))?;
    let failed = |error: RunError| {
        let message = masks.text(&format!("no token from {}: {}", shown_url(&url), error.message));
        RunError { message, ..error }
    };
    let started = Instant::now();
    let request = request(call, client, url.clone());
    let answered = async { Answer::read(request.timeout(TIMEOUT).send().await?, started).await }.await;
    let answer = answered.map_err(|error| failed(classify(&error, TIMEOUT)))?;
    read(call, &answer, started).map_err(failed)
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

fn read(call: &TokenCall, answer: &Answer, asked: Instant) -> Result<Token, RunError> {
    let pointer = call.pointer.as_deref().unwrap_or("/access_token");
    let json = answer.json();
    let text = json.and_then(|json| json.pointer(pointer)).and_then(Value::as_str).filter(|text| !text.is_empty());
    match text {
        Some(text) if answer.status.is_success() => {
            let expires = json.and_then(|json| json.pointer(call.expires_pointer.as_deref().unwrap_or("/expires_in")));
            let lifetime = expires.and_then(seconds).unwrap_or(UNTOLD);
            Ok(Token { text: Secret::new(text), use_until: asked + (lifetime - MARGIN.min(lifetime / 10)) })
        }
        _ => Err(refusal(pointer, answer)),
    }
}

fn refusal(pointer: &str, answer: &Answer) -> RunError {
    let reasons: Vec<String> =
        REASONS.iter().filter_map(|name| Some(format!("{name} {}", shown(answer.json()?.get(name)?)))).collect();
    let said = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    if answer.status.is_success() {
        return RunError::fail(format!("the answer holds no text at {pointer}{said}"));
    }
    let message = format!("status {}{said}", answer.status);
    let later = answer.status.is_server_error() || answer.status.as_u16() == 429;
    if later { RunError::retry(message) } else { RunError::fail(message) }
}

fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    let lifetime = Duration::try_from_secs_f64(seconds).ok()?;
    Some(lifetime.min(LONGEST))
}
