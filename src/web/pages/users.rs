//! Accounts, for administrators.

use std::sync::Arc;

use poem::http::StatusCode;

use super::refusal;
use crate::domain::user::{Role, User};
use crate::service::{Error, NewUser, UserChange};
use crate::web::error::Failure;
use crate::web::form::split_tags;
use crate::web::session::Flash;
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::Ask;
use crate::web::view::users::{UserList, UserPage, href};
use crate::web::visit::{Answer, Visit};

const LIST: &str = "/settings/users";
const FIELDS: [&str; 6] = ["/name", "/role", "/password", "/grants", "/tags", "/disabled"];

/// `GET /settings/users`
pub async fn list(visit: Arc<Visit>) -> Answer {
    let mut form = Fields::default();
    form.values.insert("/role".to_owned(), Role::Viewer.as_str().to_owned());
    draw(&visit, StatusCode::OK, form, &[], String::new()).await
}

/// `POST /settings/users`: makes an account.
pub async fn create(visit: Arc<Visit>) -> Answer {
    let new = NewUser {
        name: visit.form.get("/name").unwrap_or_default().to_owned(),
        role: role(&visit)?,
        password: password(&visit),
        grants: grants(&visit),
        tags: tags(&visit),
    };
    match visit.service().create_user(visit.actor()?, &new).await {
        Ok(user) => Ok(visit.go(LIST, Some(&Flash::new("user_created", &user.name, "")))),
        Err(error) => {
            let mut form = refusal::typed(&visit, &["/password"]);
            let (status, message) = refusal::shown(&visit, error, &FIELDS, &mut form)?;
            draw(&visit, status, form, &new.grants, message).await
        }
    }
}

async fn draw(visit: &Visit, status: StatusCode, form: Fields, granted: &[String], message: String) -> Answer {
    let users = visit.service().users(visit.actor()?).await?;
    let ways = visit.service().ways_in(visit.actor()?).await?;
    visit.page_with(status, "settings", &UserList::new(visit, &users, &ways, form, granted, message))
}

/// `GET /settings/users/edit?name=…`
pub async fn edit(visit: Arc<Visit>) -> Answer {
    let user = asked_for(&visit).await?;
    let mut form = Fields::default();
    form.values.insert("/role".to_owned(), user.role.as_str().to_owned());
    form.values.insert("/tags".to_owned(), user.tags.join(", "));
    form.values.insert("/disabled".to_owned(), user.disabled.to_string());
    let ways = visit.service().ways_in(visit.actor()?).await?;
    visit.page("settings", &UserPage::new(&visit, &user, &ways, form, &user.grants, String::new()))
}

/// `POST /settings/users/edit?name=…`: changes role, grants, whether it is disabled and, where one was typed, the password.
pub async fn update(visit: Arc<Visit>) -> Answer {
    let user = asked_for(&visit).await?;
    let change = UserChange {
        role: Some(role(&visit)?),
        grants: Some(grants(&visit)),
        tags: Some(tags(&visit)),
        disabled: Some(visit.form.all("/disabled").last() == Some("true")),
        password: password(&visit),
    };
    match visit.service().update_user(visit.actor()?, &user.name, &change).await {
        Ok(user) => Ok(visit.go(LIST, Some(&Flash::new("user_saved", &user.name, "")))),
        Err(error) => {
            let mut form = refusal::typed(&visit, &["/password"]);
            let (status, message) = refusal::shown(&visit, error, &FIELDS, &mut form)?;
            let ways = visit.service().ways_in(visit.actor()?).await?;
            visit.page_with(status, "settings", &UserPage::new(&visit, &user, &ways, form, &grants(&visit), message))
        }
    }
}

/// `GET /settings/users/delete?name=…`
pub async fn ask_delete(visit: Arc<Visit>) -> Answer {
    let user = asked_for(&visit).await?;
    let view = Ask::plain("delete_user", &user.name, href("delete", &user.name), visit.back(LIST));
    visit.ask(StatusCode::OK, "settings", &view)
}

/// `POST /settings/users/delete?name=…`
pub async fn delete(visit: Arc<Visit>) -> Answer {
    let name = visit.query.raw("name").unwrap_or_default();
    match visit.service().delete_user(visit.actor()?, name).await {
        Ok(()) => Ok(visit.done(&Flash::new("user_deleted", name, ""), name, LIST)),
        Err(Error::Conflict(message)) if !visit.partial => {
            let message = visit.said(&message);
            draw(&visit, StatusCode::CONFLICT, Fields::default(), &[], message).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /settings/users/sign-out?name=…`
pub async fn ask_sign_out(visit: Arc<Visit>) -> Answer {
    ask(&visit, "sign_out_user", "sign-out").await
}

/// `POST /settings/users/sign-out?name=…`
pub async fn sign_out(visit: Arc<Visit>) -> Answer {
    let name = visit.query.raw("name").unwrap_or_default();
    visit.service().end_sessions_of(visit.actor()?, name).await?;
    Ok(visit.done(&Flash::new("user_signed_out", name, ""), name, LIST))
}

/// `GET /settings/users/second-factor?name=…`
pub async fn ask_reset(visit: Arc<Visit>) -> Answer {
    ask(&visit, "reset_second_factor", "second-factor").await
}

/// `POST /settings/users/second-factor?name=…`: takes the account's second factor away.
pub async fn reset(visit: Arc<Visit>) -> Answer {
    let name = visit.query.raw("name").unwrap_or_default();
    visit.service().reset_second_factor(visit.actor()?, name).await?;
    Ok(visit.done(&Flash::new("second_factor_reset", name, ""), name, LIST))
}

async fn ask(visit: &Visit, action: &'static str, path: &str) -> Answer {
    let user = asked_for(visit).await?;
    let view = Ask::plain(action, &user.name, href(path, &user.name), visit.back(LIST));
    visit.ask(StatusCode::OK, "settings", &view)
}

async fn asked_for(visit: &Visit) -> Result<User, Failure> {
    Ok(visit.service().user(visit.actor()?, visit.query.raw("name").unwrap_or_default()).await?)
}

fn role(visit: &Visit) -> Result<Role, Failure> {
    let given = visit.form.get("/role").and_then(Role::parse);
    given.ok_or_else(|| Failure::BadRequest("role: viewer, operator, editor or admin".to_owned()))
}

fn password(visit: &Visit) -> Option<String> {
    visit.form.raw("/password").filter(|typed| !typed.is_empty()).map(str::to_owned)
}

fn tags(visit: &Visit) -> Vec<String> {
    split_tags(visit.form.get("/tags").unwrap_or_default())
}

fn grants(visit: &Visit) -> Vec<String> {
    visit.form.all("/grants").map(str::to_owned).collect()
}
