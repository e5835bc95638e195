//! `/operations`: actions on many tasks that continue after the answer to their request.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{ApiResult, ChangeErrors, ReadOneErrors};
use super::headers::AcceptedLanguage;
use super::model::operation::OperationView;
use super::{AppState, Tag};

/// The endpoints of operations.
pub struct Operations(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Tasks")]
impl Operations {
    /// Get an operation
    ///
    /// Its progress and its result so far. It can be read for seven days after its end, by the account that requested it and by
    /// administrators.
    #[oai(path = "/operations/:id", method = "get", operation_id = "getOperation")]
    async fn get(
        &self,
        caller: Caller,
        /// The operation's id.
        id: Path<String>,
        language: AcceptedLanguage,
    ) -> ApiResult<Json<OperationView>, ReadOneErrors> {
        Ok(Json(OperationView::new(self.0.services.bulk.operation(&caller.0, &id).await?, language.0)))
    }

    /// Stop an operation
    ///
    /// The tasks that were processed stay as they are; 409 if it has ended.
    #[oai(path = "/operations/:id/cancel", method = "post", operation_id = "cancelOperation")]
    async fn cancel(
        &self,
        caller: Caller,
        /// The operation's id.
        id: Path<String>,
        language: AcceptedLanguage,
    ) -> ApiResult<Json<OperationView>, ChangeErrors> {
        Ok(Json(OperationView::new(self.0.services.bulk.cancel(&caller.0, &id).await?, language.0)))
    }
}
