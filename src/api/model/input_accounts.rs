//! Parsing of request bodies about accounts and tokens. Faults never show a password.

use chrono_tz::Tz;
use serde_json::Value;

use crate::api::error::Problem;
use crate::domain::input::{Fields, display_value};
use crate::domain::trigger::parse_timestamp;
use crate::domain::user::Role;
use crate::i18n::message;
use crate::service::{NewToken, NewUser, UserChange};

const ROLES: [(&str, Role); 4] =
    [("viewer", Role::Viewer), ("operator", Role::Operator), ("editor", Role::Editor), ("admin", Role::Admin)];

/// Reads a new account.
///
/// # Errors
/// 422 with every fault, except those of name and password, which `service` reports.
pub fn new_user(body: &Value) -> Result<NewUser, Problem> {
    let mut f = Fields::new(body, "");
    let name = required(&mut f, "name");
    let role = f.choice("role", &ROLES, Role::Viewer);
    // Null: no password.
    let given = f.take_nullable("password").filter(|given| !given.is_null());
    let password = password(&mut f, "password", given);
    let grants = f.texts("grants");
    let tags = f.texts("tags");
    f.finish(NewUser { name, role, password, grants, tags }).map_err(Problem::invalid)
}

/// Reads a change of an account.
pub fn user_change(body: &Value) -> Result<UserChange, Problem> {
    let given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    let (has_role, has_grants, has_tags, has_disabled) = (given("role"), given("grants"), given("tags"), given("disabled"));
    let mut f = Fields::new(body, "");
    let role = f.choice("role", &ROLES, Role::Viewer);
    let grants = f.texts("grants");
    let tags = f.texts("tags");
    let disabled = f.boolean("disabled", false);
    let given = f.take("password");
    let password = password(&mut f, "password", given);
    let change = UserChange {
        role: has_role.then_some(role),
        grants: has_grants.then_some(grants),
        tags: has_tags.then_some(tags),
        disabled: has_disabled.then_some(disabled),
        password,
    };
    f.finish(change).map_err(Problem::invalid)
}

/// Reads a token to create. `zone` is that of times without an offset.
///
/// # Errors
/// 422 with every fault.
pub fn new_token(body: &Value, zone: Tz) -> Result<NewToken, Problem> {
    let has_role = body.get("role").is_some_and(|value| !value.is_null());
    let mut f = Fields::new(body, "");
    let name = required(&mut f, "name");
    let role = f.choice("role", &ROLES, Role::Viewer);
    let tags = f.texts("tags");
    let expires_at = match f.take_nullable("expires_at") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => match parse_timestamp(&text, zone) {
            Ok(at) => Some(at),
            Err(what) => {
                f.fault("expires_at", what);
                None
            }
        },
        Some(other) => {
            f.fault("expires_at", message!("value.not_time", value = display_value(&other)));
            None
        }
    };
    f.finish(NewToken { name, role: has_role.then_some(role), tags, expires_at }).map_err(Problem::invalid)
}

/// Reads the current and the new password.
pub fn own_password(body: &Value) -> Result<(String, String), Problem> {
    let mut f = Fields::new(body, "");
    let mut take = |name: &str| {
        let given = f.take(name);
        let given = password(&mut f, name, given);
        if given.is_none() {
            f.fault(name, message!("value.required_text"));
        }
        given.unwrap_or_default()
    };
    let (present, new) = (take("present"), take("password"));
    f.finish((present, new)).map_err(Problem::invalid)
}

fn required(f: &mut Fields, name: &str) -> String {
    match f.take_nullable(name) {
        Some(Value::String(text)) if !text.is_empty() => text,
        None | Some(Value::Null) => {
            f.fault(name, message!("value.required"));
            String::new()
        }
        Some(other) => {
            f.fault(name, message!("value.not_filled_text", value = display_value(&other)));
            String::new()
        }
    }
}

fn password(f: &mut Fields, name: &str, given: Option<Value>) -> Option<String> {
    match given {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            f.fault(name, message!("value.not_a_text"));
            None
        }
    }
}
