//! `/me`: the account behind the request.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::auth::Caller;
use super::body::Body;
use super::error::{Answer, Changing, Reading, Writing};
use super::model::input_accounts;
use super::model::named::PasswordInput;
use super::model::named::RoleWord;
use super::tasks::Gone;
use super::{Shared, Tag};

/// The calls about one's own account.
pub struct Me(pub Arc<Shared>);

/// An account.
#[derive(Default, Object)]
#[oai(rename = "Account", read_only_all)]
pub struct Account {
    name: String,
    role: RoleWord,
}

#[OpenApi(tag = "Tag::Accounts")]
impl Me {
    /// Get one's own account
    #[oai(path = "/me", method = "get", operation_id = "getMe")]
    async fn me(&self, caller: Caller) -> Answer<Json<Account>, Reading> {
        Ok(Json(Account { name: caller.0.name, role: RoleWord(caller.0.role.as_str()) }))
    }

    /// Change one's own password
    ///
    /// All sessions of the account end; tokens stay.
    #[oai(path = "/me/password", method = "put", operation_id = "changeOwnPassword")]
    async fn password(&self, caller: Caller, body: Body<PasswordInput>) -> Answer<Gone, Writing> {
        let (present, new) = input_accounts::own_password(&body.0)?;
        self.0.service.change_own_password(&caller.0, &present, &new, None).await?;
        Ok(Gone::Deleted)
    }

    /// Sign out everywhere
    ///
    /// All sessions of one's own account end, that of this call too; tokens stay.
    #[oai(path = "/me/sessions", method = "delete", operation_id = "endOwnSessions")]
    async fn end_sessions(&self, caller: Caller) -> Answer<Gone, Changing> {
        self.0.service.end_own_sessions(&caller.0).await?;
        Ok(Gone::Deleted)
    }
}
