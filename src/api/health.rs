//! `/healthz` (liveness) and `/readyz` (readiness), without authentication.

use std::sync::Arc;

use poem::web::Data;
use poem::{IntoResponse, Response, handler};

use super::AppState;
use super::error::Problem;

/// 200 as long as the process answers.
#[handler]
pub fn alive() -> Response {
    Response::builder().content_type("application/json").body(r#"{"status":"ok"}"#)
}

/// 200 if the database and the scheduler work; otherwise 503 with the reason.
#[handler]
pub async fn ready(shared: Data<&Arc<AppState>>) -> Response {
    match shared.services.health.check().await {
        Ok(()) => Response::builder().content_type("application/json").body(r#"{"status":"ready"}"#),
        Err(reason) => Problem::unavailable(reason).into_response(),
    }
}
