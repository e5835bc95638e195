//! `/verify`: the log against the kept rules.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{ApiResult, ReadOneErrors};
use super::model::verify::VerificationView;
use super::query::QueryString;
use super::{AppState, Tag, params};
use crate::domain::trigger::parse_timestamp;
use crate::service::VerifyRequest;

/// The verification endpoint.
pub struct Verify(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Executions")]
impl Verify {
    /// Verify the log
    ///
    /// Recomputes the occurrences of a span from the kept versions of all tasks, also of deleted ones, and compares them with the
    /// log, one to one. Rows that retention has deleted are not missed. Administrators only.
    #[oai(path = "/verify", method = "get", operation_id = "verifyLog")]
    async fn verify(&self, caller: Caller, query: QueryString) -> ApiResult<Json<VerificationView>, ReadOneErrors> {
        let zone = self.0.services.zone;
        let mut reader = query.reader(&[params::VERIFY]);
        let request = VerifyRequest {
            from: reader.parse("from", |text| parse_timestamp(text, zone)),
            to: reader.parse("to", |text| parse_timestamp(text, zone)),
            task_id: reader.text("task_id"),
        };
        let request = reader.finish(request)?;
        Ok(Json(self.0.services.verify.verify(&caller.0, &request).await?.into()))
    }
}
