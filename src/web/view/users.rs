//! Views of the accounts list and of the form of one account.

use serde::Serialize;

use super::context::ViewContext;
use super::fault_text::FaultText;
use super::task_form::Fields;
use super::{Choice, Moment, View, grant_title, role_choices};
use crate::domain::grant::{CROSS_TASK_TYPES, METRICS_GRANT};
use crate::domain::user::{MIN_PASSWORD, Role, User};
use crate::service::SignInMethods;
use crate::web::urls::with_query;

#[derive(Debug, Clone, Serialize)]
pub struct UserList {
    pub rows: Vec<UserRow>,
    /// Error message that belongs to no field; empty without one.
    pub message: String,
    /// The form of a new account.
    pub form: Fields,
    pub roles: Vec<Choice>,
    pub grants: Vec<Grant>,
    pub min_password: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserRow {
    pub name: String,
    pub edit: String,
    pub delete: String,
    pub role: &'static str,
    pub grants: Vec<String>,
    /// Tags it is limited to; empty: not limited.
    pub tags: Vec<String>,
    pub disabled: bool,
    pub second_factor: bool,
    /// It signs in through the identity provider.
    pub single_sign_on: bool,
    pub created: Moment,
    pub seen: Option<Moment>,
}

/// A task type for which an account can get an extra permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    pub name: String,
    pub title: String,
    pub checked: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct UserPage {
    pub name: String,
    /// The user's own account.
    pub own: bool,
    pub message: String,
    pub form: Fields,
    pub roles: Vec<Choice>,
    pub grants: Vec<Grant>,
    pub min_password: usize,
    pub second_factor: bool,
    pub single_sign_on: bool,
    pub edit: String,
    pub delete: String,
    pub sign_out: String,
    pub reset: String,
}

/// Returns the URL of an action on an account. The name is in the query, because `..` in a path would be another page.
pub fn href(what: &str, name: &str) -> String {
    with_query(&format!("/settings/users/{what}"), &[("name", name)])
}

impl UserRow {
    pub fn new(ctx: &ViewContext, user: &User, ways: &SignInMethods) -> UserRow {
        let zone = ctx.zone;
        UserRow {
            name: user.name.clone(),
            edit: href("edit", &user.name),
            delete: href("delete", &user.name),
            role: user.role.as_str(),
            grants: user.grants.iter().map(|name| grant_title(name, ctx)).collect(),
            tags: user.tags.clone(),
            disabled: user.disabled,
            second_factor: ways.has_second_factor(user),
            single_sign_on: ways.is_linked(user),
            created: Moment::new(user.created_at, zone),
            seen: user.last_seen_at.map(|at| Moment::new(at, zone)),
        }
    }
}

impl Grant {
    /// Returns every dangerous task type, those that read all tasks' executions, the metrics, and other names granted already.
    pub fn all(ctx: &ViewContext, granted: &[String]) -> Vec<Grant> {
        let dangerous =
            ctx.registry.all().into_iter().filter(|entry| entry.spec.dangerous || CROSS_TASK_TYPES.contains(&&*entry.spec.name));
        let mut names: Vec<String> = dangerous.map(|entry| entry.spec.name.to_string()).collect();
        names.push(METRICS_GRANT.to_owned());
        let others: Vec<_> = granted.iter().filter(|name| !names.contains(name)).cloned().collect();
        names.extend(others);
        let grant = |name: String| Grant { title: grant_title(&name, ctx), checked: granted.contains(&name), name };
        names.into_iter().map(grant).collect()
    }
}

impl UserList {
    pub fn new(
        ctx: &ViewContext,
        users: &[User],
        ways: &SignInMethods,
        form: Fields,
        granted: &[String],
        message: String,
    ) -> UserList {
        UserList {
            rows: users.iter().map(|user| UserRow::new(ctx, user, ways)).collect(),
            message,
            form,
            roles: role_choices(ctx, Role::Admin),
            grants: Grant::all(ctx, granted),
            min_password: MIN_PASSWORD,
        }
    }
}

impl UserPage {
    pub fn new(
        ctx: &ViewContext,
        user: &User,
        ways: &SignInMethods,
        form: Fields,
        granted: &[String],
        message: String,
    ) -> UserPage {
        UserPage {
            second_factor: ways.has_second_factor(user),
            single_sign_on: ways.is_linked(user),
            sign_out: href("sign-out", &user.name),
            reset: href("second-factor", &user.name),
            own: ctx.actor.is_some_and(|actor| actor.name == user.name),
            edit: href("edit", &user.name),
            delete: href("delete", &user.name),
            name: user.name.clone(),
            message,
            form,
            roles: role_choices(ctx, Role::Admin),
            grants: Grant::all(ctx, granted),
            min_password: MIN_PASSWORD,
        }
    }
}

fn sample_grants() -> Vec<Grant> {
    let grant = |name: &str, checked| Grant { name: name.into(), title: "…".into(), checked };
    vec![grant("send_cmd", true), grant("<b>", false)]
}

fn sample_form() -> Fields {
    let mut form = Fields::default();
    form.assign_to_fields(
        &["/name", "/role", "/password", "/grants", "/tags", "/disabled"],
        &[FaultText::new("/name", "<b>"), FaultText::new("/grants/0", "…")],
    );
    form
}

impl View for UserList {
    const TEMPLATE: &'static str = "pages/users.html";

    fn samples() -> Vec<Self> {
        let moment = || Moment::new(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC);
        let row = UserRow {
            name: "<b>".into(),
            edit: "/settings/users/edit?name=b".into(),
            delete: "/settings/users/delete?name=b".into(),
            role: "editor",
            grants: vec!["…".into()],
            tags: vec!["<b>".into()],
            disabled: true,
            second_factor: true,
            single_sign_on: true,
            created: moment(),
            seen: Some(moment()),
        };
        let plain = UserRow {
            grants: vec![],
            tags: vec![],
            disabled: false,
            second_factor: false,
            single_sign_on: false,
            seen: None,
            ..row.clone()
        };
        let list = |form, message: &str| UserList {
            rows: vec![row.clone(), plain.clone()],
            message: message.into(),
            form,
            roles: vec![Choice::new("viewer", "…")],
            grants: sample_grants(),
            min_password: MIN_PASSWORD,
        };
        vec![list(Fields::default(), ""), list(sample_form(), "…")]
    }
}

impl View for UserPage {
    const TEMPLATE: &'static str = "pages/user.html";

    fn samples() -> Vec<Self> {
        let page = |own, form, message: &str| UserPage {
            name: "<b>".into(),
            own,
            message: message.into(),
            form,
            roles: vec![Choice::new("viewer", "…")],
            grants: sample_grants(),
            min_password: MIN_PASSWORD,
            second_factor: !own,
            single_sign_on: own,
            edit: "/settings/users/edit?name=b".into(),
            delete: "/settings/users/delete?name=b".into(),
            sign_out: "/settings/users/sign-out?name=b".into(),
            reset: "/settings/users/second-factor?name=b".into(),
        };
        vec![page(false, Fields::default(), ""), page(true, sample_form(), "…")]
    }
}
