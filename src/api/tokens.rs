//! `/tokens`: programs' ways in.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::body::Body;
use super::error::{Answer, Changing, Creating, Reading};
use super::model::accounts::{NewTokenView, TokenView};
use super::model::input_accounts as input;
use super::model::named::TokenInput;
use super::tasks::Gone;
use super::{Shared, Tag};

/// The calls on tokens.
pub struct Tokens(pub Arc<Shared>);

/// A token that was made.
#[derive(ApiResponse)]
pub enum Made {
    /// The token with its text, which is never shown again.
    #[oai(status = 201)]
    Created(Json<NewTokenView>),
}

#[OpenApi(tag = "Tag::Accounts")]
impl Tokens {
    /// List tokens
    ///
    /// One's own, without their texts; administrators see everybody's.
    #[oai(path = "/tokens", method = "get", operation_id = "listTokens")]
    async fn list(&self, caller: Caller) -> Answer<Json<Vec<TokenView>>, Reading> {
        Ok(Json(self.0.service.tokens(&caller.0).await?.into_iter().map(TokenView::from).collect()))
    }

    /// Create a token
    ///
    /// For one's own account, with its role or a lesser one. The answer holds the token's text, once.
    #[oai(path = "/tokens", method = "post", operation_id = "createToken")]
    async fn create(&self, caller: Caller, body: Body<TokenInput>) -> Answer<Made, Creating> {
        let new = input::new_token(&body.0, self.0.service.zone())?;
        let (token, text) = self.0.service.create_token(&caller.0, &new).await?;
        Ok(Made::Created(Json(NewTokenView::new(token, text))))
    }

    /// Withdraw a token
    ///
    /// It is refused from the next request on.
    #[oai(path = "/tokens/:id", method = "delete", operation_id = "revokeToken")]
    async fn revoke(
        &self,
        caller: Caller,
        /// The token's id (not its text).
        id: Path<String>,
    ) -> Answer<Gone, Changing> {
        self.0.service.revoke_token(&caller.0, &id).await?;
        Ok(Gone::Deleted)
    }
}
