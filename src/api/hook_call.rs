//! `POST /hook/{secret}`: starts a task, without a token. The secret is the permission.

use std::sync::Arc;

use poem::error::ReadBodyError;
use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{Body, IntoResponse, Request, Response, handler};
use serde_json::json;

use super::AppState;
use super::error::Problem;
use crate::domain::hook::{Headers, MAX_BODY};
use crate::i18n::message;
use crate::service::{Error, HookCall};

/// The longest secret that is looked up.
const MAX_SECRET: usize = 200;

/// 202 with the id of the queued execution.
#[handler]
pub async fn call(
    request: &Request,
    Path(secret): Path<String>,
    body: Body,
    shared: Data<&Arc<AppState>>,
) -> Result<Response, poem::Error> {
    let bytes = body.into_bytes_limit(MAX_BODY).await.map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => Problem::too_large(MAX_BODY),
        other => Problem::malformed(message!("request.unreadable_body", problem = other.to_string())),
    })?;
    let headers = headers(request);
    let secret = if secret.len() <= MAX_SECRET { secret.as_str() } else { "" };
    let address = request.remote_addr().as_socket_addr().map(|peer| peer.ip().to_canonical());
    let called = shared.services.hooks.call(&HookCall { secret, address, headers: &headers, body: &bytes }).await;
    let execution = called.map_err(|error| match error {
        Error::Unauthorized(message) => Problem::bad_signature(message),
        other => other.into(),
    })?;
    let answer = json!({"execution_id": execution.id}).to_string();
    Ok(Response::builder().status(StatusCode::ACCEPTED).content_type("application/json").body(answer).into_response())
}

/// The headers of a request; those that occur more than once are joined by commas, as HTTP defines.
fn headers(request: &Request) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
        headers.entry(name.as_str().to_owned()).and_modify(|all| *all = format!("{all}, {value}")).or_insert(value);
    }
    headers
}
