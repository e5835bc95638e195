//! `/healthz`: the process answers. `/readyz`: it can do its work. Neither needs a sign-in.

use std::sync::Arc;

use poem::web::Data;
use poem::{IntoResponse, Response, handler};

use super::Shared;
use super::error::Problem;

/// 200 as long as the process answers at all.
#[handler]
pub fn alive() -> Response {
    Response::builder().content_type("application/json").body(r#"{"status":"ok"}"#)
}

/// 200 where the database and the scheduler answer; otherwise 503 with the reason.
#[handler]
pub async fn ready(shared: Data<&Arc<Shared>>) -> Response {
    match shared.service.ready().await {
        Ok(()) => Response::builder().content_type("application/json").body(r#"{"status":"ready"}"#),
        Err(reason) => Problem::unavailable(reason).into_response(),
    }
}
