//! `/healthz` (liveness) and `/readyz` (readiness), without authentication.

use std::sync::Arc;

use poem::web::Data;
use poem::{IntoResponse, Request, Response, handler};

use super::error::Problem;
use super::{AppState, auth};

/// 200 as long as the process answers.
#[handler]
pub fn alive() -> Response {
    Response::builder().content_type("application/json").body(r#"{"status":"ok"}"#)
}

/// 200 if the database and the scheduler work; otherwise 503 with the reason, for signed-in callers with its cause.
#[handler]
pub async fn ready(request: &Request, shared: Data<&Arc<AppState>>) -> Response {
    match shared.services.health.check().await {
        Ok(()) => Response::builder().content_type("application/json").body(r#"{"status":"ready"}"#),
        Err(not_ready) if auth::identify(request).await.is_ok() => Problem::unavailable(not_ready.detail()).into_response(),
        Err(not_ready) => Problem::unavailable(not_ready.reason).into_response(),
    }
}
