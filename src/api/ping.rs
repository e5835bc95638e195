//! `/ping/{secret}`: the pings of heartbeats, without a token. The secret is the permission.

use std::sync::Arc;

use poem::web::{Data, Path};
use poem::{Body, IntoResponse, Request, Response, handler};
use tokio::io::AsyncReadExt;

use super::AppState;
use super::error::Problem;
use crate::domain::heartbeat::{MAX_BODY, PingKind};
use crate::i18n::message;
use crate::service::PingCall;

/// The longest secret that is looked up.
const MAX_SECRET: usize = 200;

/// `/ping/{secret}`: a run has ended well.
#[handler]
pub async fn success(
    request: &Request,
    Path(secret): Path<String>,
    body: Body,
    shared: Data<&Arc<AppState>>,
) -> Result<Response, poem::Error> {
    Ok(record(request, &secret, PingKind::Success, body, &shared).await?)
}

/// `/ping/{secret}/start`, `/fail` or an exit status.
#[handler]
pub async fn told(
    request: &Request,
    Path((secret, what)): Path<(String, String)>,
    body: Body,
    shared: Data<&Arc<AppState>>,
) -> Result<Response, poem::Error> {
    let kind = PingKind::parse(&what).ok_or_else(|| Problem::not_found(message!("request.no_such_path")))?;
    Ok(record(request, &secret, kind, body, &shared).await?)
}

async fn record(request: &Request, secret: &str, kind: PingKind, body: Body, shared: &AppState) -> Result<Response, Problem> {
    let (body, cut) = read(body, shared.options.body_limit).await?;
    let secret = if secret.len() <= MAX_SECRET { secret } else { "" };
    let address = request.remote_addr().as_socket_addr().map(|peer| peer.ip().to_canonical());
    shared.services.heartbeats.ping(&PingCall { secret, kind, address, body: &body, cut }).await?;
    Ok(Response::builder().content_type("text/plain; charset=utf-8").body("OK").into_response())
}

/// The beginning of a body, and whether more was left out. The rest is read too, up to the limit of all bodies, so that the client can
/// send it.
async fn read(body: Body, limit: usize) -> Result<(Vec<u8>, bool), Problem> {
    let unreadable = |error: std::io::Error| Problem::malformed(message!("request.unreadable_body", problem = error.to_string()));
    let mut reader = body.into_async_read().take(limit as u64 + 1);
    let (mut kept, mut total, mut buffer) = (Vec::new(), 0, [0; 8192]);
    loop {
        let count = reader.read(&mut buffer).await.map_err(unreadable)?;
        if count == 0 {
            return Ok((kept, total > MAX_BODY));
        }
        total += count;
        if total > limit {
            return Err(Problem::too_large(limit));
        }
        let room = MAX_BODY.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
    }
}
