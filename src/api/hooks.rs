//! `/tasks/{id}/hooks`: the addresses that start a task.

use std::sync::Arc;

use poem::Request;
use poem::http::uri::Scheme;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::answer::DeletedResponse;
use super::auth::Caller;
use super::body::OptionalBody;
use super::error::{ApiResult, ChangeErrors, Problem, ReadOneErrors, WriteErrors};
use super::model::hook::{CreatedHookView, HookView};
use super::model::named::HookInput;
use super::{AppState, Tag};
use crate::domain::hook::NewHook;
use crate::domain::user::Action;
use crate::net::own_address;
use crate::service::CreatedHook;

/// The endpoints of hooks.
pub struct Hooks(pub Arc<AppState>);

/// A created hook.
#[derive(ApiResponse)]
pub enum CreatedHookAnswer {
    /// The hook with its address, which is never shown again.
    #[oai(status = 201)]
    Created(Json<CreatedHookView>),
}

#[OpenApi(tag = "Tag::Tasks")]
impl Hooks {
    /// List a task's hooks
    ///
    /// Oldest first, without their addresses.
    #[oai(path = "/tasks/:id/hooks", method = "get", operation_id = "listHooks")]
    async fn list(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
    ) -> ApiResult<Json<Vec<HookView>>, ReadOneErrors> {
        Ok(Json(self.0.services.hooks.list(&caller.0, &id).await?.into_iter().map(HookView::from).collect()))
    }

    /// Create a hook
    ///
    /// The response contains the address, which is shown only once. A POST request to it queues a run of the task and answers 202 with
    /// the execution's id; it needs no token. With `hmac`, calls must be signed; without `secret` the server makes the key. A call
    /// with the `Idempotency-Key`, `webhook-id` or `X-GitHub-Delivery` of an earlier one starts nothing new.
    #[oai(path = "/tasks/:id/hooks", method = "post", operation_id = "createHook")]
    async fn create(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        request: &Request,
        body: OptionalBody<HookInput>,
    ) -> ApiResult<CreatedHookAnswer, WriteErrors> {
        let new = NewHook::parse(&body.parse(&caller, Action::Edit)?).map_err(Problem::invalid)?;
        let created = self.0.services.hooks.create(&caller.0, &id, &new).await?;
        Ok(CreatedHookAnswer::Created(Json(self.shown(request, created))))
    }

    /// Rotate a hook
    ///
    /// Gives it another address, which is shown only once; the former one ends at once. The key of the signatures stays.
    #[oai(path = "/tasks/:id/hooks/:hook/rotate", method = "post", operation_id = "rotateHook")]
    async fn rotate(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        /// The hook's id.
        hook: Path<String>,
        request: &Request,
    ) -> ApiResult<Json<CreatedHookView>, ChangeErrors> {
        let created = self.0.services.hooks.rotate(&caller.0, &id, &hook).await?;
        Ok(Json(self.shown(request, created)))
    }

    /// Revoke a hook
    ///
    /// Its address answers 404 from now on.
    #[oai(path = "/tasks/:id/hooks/:hook", method = "delete", operation_id = "revokeHook")]
    async fn revoke(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        /// The hook's id.
        hook: Path<String>,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.hooks.revoke(&caller.0, &id, &hook).await?;
        Ok(DeletedResponse::Deleted)
    }
}

impl Hooks {
    fn shown(&self, request: &Request, created: CreatedHook) -> CreatedHookView {
        let secure = request.scheme() == &Scheme::HTTPS;
        let public_url = self.0.services.public_url.as_deref();
        let url = own_address(public_url, request.headers(), secure, &self.0.options.base_path, &created.path);
        CreatedHookView::new(created, url)
    }
}
