//! `/me`: the account behind the request.

use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Tag;
use super::auth::Caller;
use super::error::{Answer, Reading};
use super::model::named::RoleWord;

/// The calls about one's own account.
pub struct Me;

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
}
