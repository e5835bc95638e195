//! Accounts pages, for administrators.

use std::sync::Arc;

use poem::http::StatusCode;

use super::form_errors;
use crate::domain::user::{Role, User};
use crate::i18n::message;
use crate::service::{Error, NewUser, UserChange};
use crate::web::error::Failure;
use crate::web::form::split_tags;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;
use crate::web::view::users::{UserList, UserPage, href};

const LIST: &str = "/settings/users";
const FIELDS: [&str; 6] = ["/name", "/role", "/password", "/grants", "/tags", "/disabled"];

/// `GET /settings/users`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let mut form = Fields::default();
    form.values.insert("/role".to_owned(), Role::Viewer.as_str().to_owned());
    render(&ctx, StatusCode::OK, form, &[], String::new()).await
}

/// `POST /settings/users`: creates an account.
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    let new = NewUser {
        name: ctx.form.get("/name").unwrap_or_default().to_owned(),
        role: role(&ctx)?,
        password: password(&ctx),
        grants: grants(&ctx),
        tags: tags(&ctx),
    };
    match ctx.services().users.create(ctx.actor()?, &new).await {
        Ok(user) => Ok(ctx.redirect_with_flash(LIST, Some(&Flash::new("user_created", &user.name, "")))),
        Err(error) => {
            let mut form = form_errors::submitted(&ctx, &["/password"]);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            render(&ctx, status, form, &new.grants, message).await
        }
    }
}

async fn render(ctx: &RequestContext, status: StatusCode, form: Fields, granted: &[String], message: String) -> HandlerResult {
    let users = ctx.services().users.list(ctx.actor()?).await?;
    let ways = ctx.services().users.sign_in_methods(ctx.actor()?).await?;
    ctx.page_with(status, "settings", &UserList::new(&ctx.view(), &users, &ways, form, granted, message))
}

/// `GET /settings/users/edit?name=…`
pub async fn edit(ctx: Arc<RequestContext>) -> HandlerResult {
    let user = requested(&ctx).await?;
    let mut form = Fields::default();
    form.values.insert("/role".to_owned(), user.role.as_str().to_owned());
    form.values.insert("/tags".to_owned(), user.tags.join(", "));
    form.values.insert("/disabled".to_owned(), user.disabled.to_string());
    let ways = ctx.services().users.sign_in_methods(ctx.actor()?).await?;
    ctx.page("settings", &UserPage::new(&ctx.view(), &user, &ways, form, &user.grants, String::new()))
}

/// `POST /settings/users/edit?name=…`: changes role, grants, tags, disabled state and, if given, the password.
pub async fn update(ctx: Arc<RequestContext>) -> HandlerResult {
    let user = requested(&ctx).await?;
    let change = UserChange {
        role: Some(role(&ctx)?),
        grants: Some(grants(&ctx)),
        tags: Some(tags(&ctx)),
        disabled: Some(ctx.form.all("/disabled").last() == Some("true")),
        password: password(&ctx),
    };
    match ctx.services().users.update(ctx.actor()?, &user.name, &change).await {
        Ok(user) => Ok(ctx.redirect_with_flash(LIST, Some(&Flash::new("user_saved", &user.name, "")))),
        Err(error) => {
            let mut form = form_errors::submitted(&ctx, &["/password"]);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            let ways = ctx.services().users.sign_in_methods(ctx.actor()?).await?;
            ctx.page_with(status, "settings", &UserPage::new(&ctx.view(), &user, &ways, form, &grants(&ctx), message))
        }
    }
}

/// `GET /settings/users/delete?name=…`
pub async fn confirm_delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let user = requested(&ctx).await?;
    let view = ConfirmDialog::plain("delete_user", &user.name, href("delete", &user.name), ctx.return_path(LIST));
    ctx.confirm(StatusCode::OK, "settings", &view)
}

/// `POST /settings/users/delete?name=…`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.query.raw("name").unwrap_or_default();
    match ctx.services().users.delete(ctx.actor()?, name).await {
        Ok(()) => Ok(ctx.action_done(&Flash::new("user_deleted", name, ""), name, LIST)),
        Err(Error::Conflict(message)) if !ctx.partial => {
            let message = ctx.translate(&message);
            render(&ctx, StatusCode::CONFLICT, Fields::default(), &[], message).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /settings/users/sign-out?name=…`
pub async fn confirm_sign_out(ctx: Arc<RequestContext>) -> HandlerResult {
    confirm(&ctx, "sign_out_user", "sign-out").await
}

/// `POST /settings/users/sign-out?name=…`
pub async fn sign_out(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.query.raw("name").unwrap_or_default();
    ctx.services().sessions.end_all_of(ctx.actor()?, name).await?;
    Ok(ctx.action_done(&Flash::new("user_signed_out", name, ""), name, LIST))
}

/// `GET /settings/users/second-factor?name=…`
pub async fn confirm_reset(ctx: Arc<RequestContext>) -> HandlerResult {
    confirm(&ctx, "reset_second_factor", "second-factor").await
}

/// `POST /settings/users/second-factor?name=…`: resets the account's second factor.
pub async fn reset(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.query.raw("name").unwrap_or_default();
    ctx.services().second_factor.reset(ctx.actor()?, name).await?;
    Ok(ctx.action_done(&Flash::new("second_factor_reset", name, ""), name, LIST))
}

async fn confirm(ctx: &RequestContext, action: &'static str, path: &str) -> HandlerResult {
    let user = requested(ctx).await?;
    let view = ConfirmDialog::plain(action, &user.name, href(path, &user.name), ctx.return_path(LIST));
    ctx.confirm(StatusCode::OK, "settings", &view)
}

async fn requested(ctx: &RequestContext) -> Result<User, Failure> {
    Ok(ctx.services().users.get(ctx.actor()?, ctx.query.raw("name").unwrap_or_default()).await?)
}

fn role(ctx: &RequestContext) -> Result<Role, Failure> {
    let given = ctx.form.get("/role").and_then(Role::parse);
    given.ok_or_else(|| Failure::BadRequest(message!("value.choose", known = "viewer, operator, editor, admin").of("role")))
}

fn password(ctx: &RequestContext) -> Option<String> {
    ctx.form.raw("/password").filter(|submitted| !submitted.is_empty()).map(str::to_owned)
}

fn tags(ctx: &RequestContext) -> Vec<String> {
    split_tags(ctx.form.get("/tags").unwrap_or_default())
}

fn grants(ctx: &RequestContext) -> Vec<String> {
    ctx.form.all("/grants").map(str::to_owned).collect()
}
