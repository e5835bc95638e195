//! `/secrets`: named secrets of tasks. Values are write-only.

use std::sync::Arc;

use chrono_tz::Tz;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::DeletedResponse;
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, ReadErrors, WriteErrors};
use super::model::input;
use super::model::named::SecretInput;
use super::model::secret::SecretView;
use super::{AppState, Tag};
use crate::domain::user::Action;

/// The secret endpoints.
pub struct Secrets(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Secrets")]
impl Secrets {
    /// List secrets
    ///
    /// All names, without values. Administrators only.
    #[oai(path = "/secrets", method = "get", operation_id = "listSecrets")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<SecretView>>, ReadErrors> {
        let all = self.0.services.secrets.list(&caller.0).await?;
        Ok(Json(all.into_iter().map(|secret| SecretView::new(secret, Tz::UTC)).collect()))
    }

    /// Set a secret
    ///
    /// Stores a value under a name, replacing the previous one. Parameters use it as `{{ secret("name") }}`. With `tags` or `tasks`
    /// only tasks with one of the tags, or of one of the ids, may use it. Administrators only.
    #[oai(path = "/secrets/:name", method = "put", operation_id = "putSecret")]
    async fn put(
        &self,
        caller: Caller,
        /// The secret's name: 1 to 64 ASCII letters, digits, `.`, `_` and `-`.
        name: Path<String>,
        body: Body<SecretInput>,
    ) -> ApiResult<Json<SecretView>, WriteErrors> {
        let new = input::secret(&body.parse(&caller, Action::Administer)?)?;
        Ok(Json(SecretView::new(self.0.services.secrets.put(&caller.0, &name, &new).await?, Tz::UTC)))
    }

    /// Delete a secret
    ///
    /// Later runs of tasks that use it fail. Administrators only.
    #[oai(path = "/secrets/:name", method = "delete", operation_id = "deleteSecret")]
    async fn delete(
        &self,
        caller: Caller,
        /// The secret's name.
        name: Path<String>,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.secrets.delete(&caller.0, &name).await?;
        Ok(DeletedResponse::Deleted)
    }
}
