//! `/secrets`: what tasks use by name. Values go in and never come out.

use std::sync::Arc;

use chrono_tz::Tz;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::body::Body;
use super::error::{Answer, Changing, Reading, Writing};
use super::model::input;
use super::model::named::SecretInput;
use super::model::secret::SecretView;
use super::tasks::Gone;
use super::{Shared, Tag};

/// The calls on secrets.
pub struct Secrets(pub Arc<Shared>);

#[OpenApi(tag = "Tag::Secrets")]
impl Secrets {
    /// List secrets
    ///
    /// All of them, by name, without their values. For administrators.
    #[oai(path = "/secrets", method = "get", operation_id = "listSecrets")]
    async fn list(&self, caller: Caller) -> Answer<Json<Vec<SecretView>>, Reading> {
        let all = self.0.service.secrets(&caller.0).await?;
        Ok(Json(all.into_iter().map(|secret| SecretView::new(secret, Tz::UTC)).collect()))
    }

    /// Set a secret
    ///
    /// Keeps a value under a name, in the place of an earlier one. Parameters name it as `{{ secret("name") }}`. For
    /// administrators.
    #[oai(path = "/secrets/:name", method = "put", operation_id = "putSecret")]
    async fn put(
        &self,
        caller: Caller,
        /// The secret's name: 1 to 64 ASCII letters, digits, `.`, `_` and `-`.
        name: Path<String>,
        body: Body<SecretInput>,
    ) -> Answer<Json<SecretView>, Writing> {
        let value = input::secret(&body.0)?;
        Ok(Json(SecretView::new(self.0.service.put_secret(&caller.0, &name, &value).await?, Tz::UTC)))
    }

    /// Delete a secret
    ///
    /// Runs of tasks that name it fail from now on. For administrators.
    #[oai(path = "/secrets/:name", method = "delete", operation_id = "deleteSecret")]
    async fn delete(
        &self,
        caller: Caller,
        /// The secret's name.
        name: Path<String>,
    ) -> Answer<Gone, Changing> {
        self.0.service.delete_secret(&caller.0, &name).await?;
        Ok(Gone::Deleted)
    }
}
