//! `/me`: the account behind the request.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::answer::DeletedResponse;
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, ReadErrors, WriteErrors};
use super::model::input_accounts;
use super::model::named::PasswordInput;
use super::model::named::RoleWord;
use super::{AppState, Tag};
use crate::domain::user::Action;

/// The endpoints for one's own account.
pub struct Me(pub Arc<AppState>);

/// An account.
#[derive(Default, Object)]
#[oai(rename = "Account", read_only_all)]
pub struct Account {
    name: String,
    role: RoleWord,
}

#[OpenApi(tag = "Tag::Accounts")]
impl Me {
    /// Get your own account
    ///
    /// Its name, and the role of the session or token of the request.
    #[oai(path = "/me", method = "get", operation_id = "getMe")]
    async fn me(&self, caller: Caller) -> ApiResult<Json<Account>, ReadErrors> {
        Ok(Json(Account { name: caller.0.name, role: RoleWord(caller.0.role.as_str()) }))
    }

    /// Change your own password
    ///
    /// Ends all sessions of the account; tokens stay valid.
    #[oai(path = "/me/password", method = "put", operation_id = "changeOwnPassword")]
    async fn password(&self, caller: Caller, body: Body<PasswordInput>) -> ApiResult<DeletedResponse, WriteErrors> {
        let (present, new) = input_accounts::own_password(&body.parse(&caller, Action::See)?)?;
        self.0.services.users.change_own_password(&caller.0, &present, &new, None).await?;
        Ok(DeletedResponse::Deleted)
    }

    /// Sign out everywhere
    ///
    /// Ends all sessions of your own account, including that of this request; tokens stay valid.
    #[oai(path = "/me/sessions", method = "delete", operation_id = "endOwnSessions")]
    async fn end_sessions(&self, caller: Caller) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.sessions.end_own(&caller.0).await?;
        Ok(DeletedResponse::Deleted)
    }
}
