//! `/users`: accounts.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::{Created, DeletedResponse};
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors, ReadOneErrors, WriteErrors};
use super::model::accounts::UserView;
use super::model::input_accounts as input;
use super::model::named::{UserChange, UserInput};
use super::{AppState, Tag};
use crate::domain::user::Action;
use crate::service::SignInMethods;

/// The account endpoints.
pub struct Users(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Accounts")]
impl Users {
    /// List accounts
    ///
    /// All accounts, by name. Administrators only.
    #[oai(path = "/users", method = "get", operation_id = "listUsers")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<UserView>>, ReadErrors> {
        let users = self.0.services.users.list(&caller.0).await?;
        let ways = self.0.services.users.sign_in_methods(&caller.0).await?;
        Ok(Json(users.into_iter().map(|user| UserView::new(user, &ways)).collect()))
    }

    /// Create an account
    ///
    /// Without a password the account cannot sign in with one, but it can still have tokens. Administrators only.
    #[oai(path = "/users", method = "post", operation_id = "createUser")]
    async fn create(&self, caller: Caller, body: Body<UserInput>) -> ApiResult<Created<UserView>, CreateErrors> {
        let user = self.0.services.users.create(&caller.0, &input::new_user(&body.parse(&caller, Action::Administer)?)?).await?;
        let name = user.name.clone();
        Ok(Created::new(UserView::new(user, &SignInMethods::default()), "/users", &name))
    }

    /// Get an account
    ///
    /// Administrators only.
    #[oai(path = "/users/:name", method = "get", operation_id = "getUser")]
    async fn get(
        &self,
        caller: Caller,
        /// The account's name, ignoring case.
        name: Path<String>,
    ) -> ApiResult<Json<UserView>, ReadOneErrors> {
        let user = self.0.services.users.get(&caller.0, &name).await?;
        Ok(Json(UserView::new(user, &self.0.services.users.sign_in_methods(&caller.0).await?)))
    }

    /// Change an account
    ///
    /// Omitted fields stay unchanged. A new password, another role and disabling end its sessions. The last administrator cannot
    /// be demoted or disabled. Administrators only.
    #[oai(path = "/users/:name", method = "put", operation_id = "updateUser")]
    async fn update(
        &self,
        caller: Caller,
        /// The account's name, ignoring case.
        name: Path<String>,
        body: Body<UserChange>,
    ) -> ApiResult<Json<UserView>, WriteErrors> {
        let user = self
            .0
            .services
            .users
            .update(&caller.0, &name, &input::user_change(&body.parse(&caller, Action::Administer)?)?)
            .await?;
        Ok(Json(UserView::new(user, &self.0.services.users.sign_in_methods(&caller.0).await?)))
    }

    /// Delete an account
    ///
    /// Deletes its sessions and tokens too; its audit entries are kept. Administrators only.
    #[oai(path = "/users/:name", method = "delete", operation_id = "deleteUser")]
    async fn delete(
        &self,
        caller: Caller,
        /// The account's name, ignoring case.
        name: Path<String>,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.users.delete(&caller.0, &name).await?;
        Ok(DeletedResponse::Deleted)
    }

    /// Sign an account out everywhere
    ///
    /// Ends all its sessions; its tokens stay valid. Administrators only.
    #[oai(path = "/users/:name/sessions", method = "delete", operation_id = "endUserSessions")]
    async fn end_sessions(
        &self,
        caller: Caller,
        /// The account's name, ignoring case.
        name: Path<String>,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.sessions.end_all_of(&caller.0, &name).await?;
        Ok(DeletedResponse::Deleted)
    }

    /// Reset an account's second factor
    ///
    /// For a user who lost it and the recovery codes. Ends all sessions of the account. 404 if it has none. Administrators
    /// only.
    #[oai(path = "/users/:name/second-factor", method = "delete", operation_id = "resetSecondFactor")]
    async fn reset_second_factor(
        &self,
        caller: Caller,
        /// The account's name, ignoring case.
        name: Path<String>,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.second_factor.reset(&caller.0, &name).await?;
        Ok(DeletedResponse::Deleted)
    }
}
