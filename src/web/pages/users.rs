//! Accounts, for administrators.

use std::sync::Arc;

use poem::http::StatusCode;

use super::refusal;
use crate::domain::user::{Role, User};
use crate::service::{Error, NewUser, UserChange};
use crate::web::error::Failure;
use crate::web::session::Flash;
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::Ask;
use crate::web::view::users::{UserList, UserPage, href};
use crate::web::visit::{Answer, Visit};

const LIST: &str = "/settings/users";
const FIELDS: [&str; 5] = ["/name", "/role", "/password", "/grants", "/disabled"];

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
    visit.page_with(status, "settings", &UserList::new(visit, &users, form, granted, message))
}

/// `GET /settings/users/edit?name=…`
pub async fn edit(visit: Arc<Visit>) -> Answer {
    let user = asked_for(&visit).await?;
    let mut form = Fields::default();
    form.values.insert("/role".to_owned(), user.role.as_str().to_owned());
    form.values.insert("/disabled".to_owned(), user.disabled.to_string());
    visit.page("settings", &UserPage::new(&visit, &user, form, &user.grants, String::new()))
}

/// `POST /settings/users/edit?name=…`: changes role, grants, whether it is disabled and, where one was typed, the password.
pub async fn update(visit: Arc<Visit>) -> Answer {
    let user = asked_for(&visit).await?;
    let change = UserChange {
        role: Some(role(&visit)?),
        grants: Some(grants(&visit)),
        disabled: Some(visit.form.all("/disabled").last() == Some("true")),
        password: password(&visit),
    };
    match visit.service().update_user(visit.actor()?, &user.name, &change).await {
        Ok(user) => Ok(visit.go(LIST, Some(&Flash::new("user_saved", &user.name, "")))),
        Err(error) => {
            let mut form = refusal::typed(&visit, &["/password"]);
            let (status, message) = refusal::shown(&visit, error, &FIELDS, &mut form)?;
            visit.page_with(status, "settings", &UserPage::new(&visit, &user, form, &grants(&visit), message))
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

fn grants(visit: &Visit) -> Vec<String> {
    visit.form.all("/grants").map(str::to_owned).collect()
}
