//! `/tokens`: access tokens of programs.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::answer::DeletedResponse;
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors};
use super::model::accounts::{NewTokenView, TokenView};
use super::model::input_accounts as input;
use super::model::named::TokenInput;
use super::{AppState, Tag};
use crate::domain::user::Action;

/// The token endpoints.
pub struct Tokens(pub Arc<AppState>);

/// A created token.
#[derive(ApiResponse)]
pub enum CreatedToken {
    /// The token with its text, which is never shown again.
    #[oai(status = 201)]
    Created(Json<NewTokenView>),
}

#[OpenApi(tag = "Tag::Accounts")]
impl Tokens {
    /// List tokens
    ///
    /// Your own, without their text; administrators see all.
    #[oai(path = "/tokens", method = "get", operation_id = "listTokens")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<TokenView>>, ReadErrors> {
        Ok(Json(self.0.services.tokens.list(&caller.0).await?.into_iter().map(TokenView::from).collect()))
    }

    /// Create a token
    ///
    /// For your own account, with its role or one with fewer permissions. The response contains the token's text, which is shown only
    /// once. A token that is created with another token expires with it at the latest, and is revoked with it.
    #[oai(path = "/tokens", method = "post", operation_id = "createToken")]
    async fn create(&self, caller: Caller, body: Body<TokenInput>) -> ApiResult<CreatedToken, CreateErrors> {
        let new = input::new_token(&body.parse(&caller, Action::See)?, self.0.services.zone)?;
        let (token, text) = self.0.services.tokens.create(&caller.0, &new).await?;
        Ok(CreatedToken::Created(Json(NewTokenView::new(token, text))))
    }

    /// Revoke a token
    ///
    /// Later requests with it are refused.
    #[oai(path = "/tokens/:id", method = "delete", operation_id = "revokeToken")]
    async fn revoke(
        &self,
        caller: Caller,
        /// The token's id (not its text).
        id: Path<String>,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.tokens.revoke(&caller.0, &id).await?;
        Ok(DeletedResponse::Deleted)
    }
}
