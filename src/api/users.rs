//! `/users`: accounts, for administrators.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::body::Body;
use super::error::{Answer, Changing, Creating, Reading, ReadingOne, Writing};
use super::model::accounts::UserView;
use super::model::input_accounts as input;
use super::model::named::{UserChange, UserInput};
use super::tasks::Gone;
use super::{Shared, Tag};
use crate::service::WaysIn;

/// The calls on accounts.
pub struct Users(pub Arc<Shared>);

/// An account that was made.
#[derive(ApiResponse)]
pub enum Made {
    /// The account.
    #[oai(status = 201)]
    Created(
        Json<UserView>,
        /// Where the account is.
        #[oai(header = "Location")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Accounts")]
impl Users {
    /// List accounts
    ///
    /// All of them, by name. For administrators.
    #[oai(path = "/users", method = "get", operation_id = "listUsers")]
    async fn list(&self, caller: Caller) -> Answer<Json<Vec<UserView>>, Reading> {
        let users = self.0.service.users(&caller.0).await?;
        let ways = self.0.service.ways_in(&caller.0).await?;
        Ok(Json(users.into_iter().map(|user| UserView::new(user, &ways)).collect()))
    }

    /// Create an account
    ///
    /// Without a password nobody can sign in to it; it can still have tokens made by whoever has one. For administrators.
    #[oai(path = "/users", method = "post", operation_id = "createUser")]
    async fn create(&self, caller: Caller, body: Body<UserInput>) -> Answer<Made, Creating> {
        let user = self.0.service.create_user(&caller.0, &input::new_user(&body.0)?).await?;
        let place = format!("{}/users/{}", super::guard::BASE, user.name);
        Ok(Made::Created(Json(UserView::new(user, &WaysIn::default())), place))
    }

    /// Get an account
    ///
    /// For administrators.
    #[oai(path = "/users/:name", method = "get", operation_id = "getUser")]
    async fn get(
        &self,
        caller: Caller,
        /// The account's name, in any case.
        name: Path<String>,
    ) -> Answer<Json<UserView>, ReadingOne> {
        let user = self.0.service.user(&caller.0, &name).await?;
        Ok(Json(UserView::new(user, &self.0.service.ways_in(&caller.0).await?)))
    }

    /// Change an account
    ///
    /// What is left out stays. A new password, another role and disabling end its sessions. The last administrator cannot
    /// be changed into something else. For administrators.
    #[oai(path = "/users/:name", method = "put", operation_id = "updateUser")]
    async fn update(
        &self,
        caller: Caller,
        /// The account's name, in any case.
        name: Path<String>,
        body: Body<UserChange>,
    ) -> Answer<Json<UserView>, Writing> {
        let user = self.0.service.update_user(&caller.0, &name, &input::user_change(&body.0)?).await?;
        Ok(Json(UserView::new(user, &self.0.service.ways_in(&caller.0).await?)))
    }

    /// Delete an account
    ///
    /// With its sessions and tokens; what it did stays in the audit. For administrators.
    #[oai(path = "/users/:name", method = "delete", operation_id = "deleteUser")]
    async fn delete(
        &self,
        caller: Caller,
        /// The account's name, in any case.
        name: Path<String>,
    ) -> Answer<Gone, Changing> {
        self.0.service.delete_user(&caller.0, &name).await?;
        Ok(Gone::Deleted)
    }

    /// Sign an account out everywhere
    ///
    /// All its sessions end at once; its tokens stay. For administrators.
    #[oai(path = "/users/:name/sessions", method = "delete", operation_id = "endUserSessions")]
    async fn end_sessions(
        &self,
        caller: Caller,
        /// The account's name, in any case.
        name: Path<String>,
    ) -> Answer<Gone, Changing> {
        self.0.service.end_sessions_of(&caller.0, &name).await?;
        Ok(Gone::Deleted)
    }

    /// Take away an account's second factor
    ///
    /// For somebody who lost it and the recovery codes. All sessions of the account end. 404 where it has none. For
    /// administrators.
    #[oai(path = "/users/:name/second-factor", method = "delete", operation_id = "resetSecondFactor")]
    async fn reset_second_factor(
        &self,
        caller: Caller,
        /// The account's name, in any case.
        name: Path<String>,
    ) -> Answer<Gone, Changing> {
        self.0.service.reset_second_factor(&caller.0, &name).await?;
        Ok(Gone::Deleted)
    }
}
