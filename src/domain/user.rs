//! Users, roles, tokens and actors.

use chrono::{DateTime, Utc};

use super::fault::Fault;
use super::password::is_common_password;
use super::permission::TagScope;
use super::task::{MAX_TAGS, check_id};

/// The role of an account; each role includes the permissions of the roles before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Read.
    Viewer,
    /// Run, pause, resume, cancel, rerun.
    Operator,
    /// Create, change and delete tasks of safe types.
    Editor,
    /// Everything, including dangerous task types.
    Admin,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Operator, Role::Editor, Role::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Editor => "editor",
            Role::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether the role allows an action.
    pub fn allows(self, action: Action) -> bool {
        self >= action.rule().role
    }
}

/// What a request does, for the permission check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    See,
    /// Read what belongs to no task: server statistics, datasources.
    SeeServer,
    Run,
    Edit,
    /// Create or change a task of a dangerous type (commands and the like), or override the parameters of such a run.
    EditDangerous,
    /// Manage secrets, accounts and the server.
    Administer,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// A ULID.
    pub id: String,
    pub name: String,
    pub role: Role,
    /// Dangerous task types that the account may use although its role may not.
    pub grants: Vec<String>,
    /// Limits the account to tasks with one of these tags; empty: all tasks.
    pub tags: Vec<String>,
    /// True: sign-in and tokens are refused.
    pub disabled: bool,
    pub created_at: DateTime<Utc>,
    /// The time of the last use, to the minute.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// A ULID.
    pub id: String,
    /// The name of its account.
    pub user: String,
    pub name: String,
    /// Its role, at most that of its account.
    pub role: Role,
    /// Limits the token to tasks with one of these tags, within the scope of its account; empty: the account's scope.
    pub tags: Vec<String>,
    pub created_at: DateTime<Utc>,
    /// `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// The time of the last use, to the minute.
    pub used_at: Option<DateTime<Utc>>,
}

/// The authenticated caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub name: String,
    pub role: Role,
    pub via: Via,
    /// Dangerous task types that the account may use although its role may not.
    pub grants: Vec<String>,
    /// The tasks that the actor may see and change.
    pub scope: TagScope,
    /// The client's network address, if known.
    pub address: Option<String>,
}

/// The interface that a request came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    Page,
    Api,
    CommandLine,
}

impl Via {
    pub fn as_str(self) -> &'static str {
        match self {
            Via::Page => "page",
            Via::Api => "api",
            Via::CommandLine => "command_line",
        }
    }

    pub fn parse(text: &str) -> Option<Via> {
        [Via::Page, Via::Api, Via::CommandLine].into_iter().find(|via| via.as_str() == text)
    }
}

impl Actor {
    /// The operator on the machine itself: an administrator.
    pub fn local(name: impl Into<String>) -> Self {
        Self::new(name, Role::Admin, Via::CommandLine)
    }

    /// An actor with the scope of all tasks, without grants or address.
    pub fn new(name: impl Into<String>, role: Role, via: Via) -> Self {
        Self { name: name.into(), role, via, grants: Vec::new(), scope: TagScope::ALL, address: None }
    }

    /// The same actor with a network address.
    #[must_use]
    pub fn with_address(mut self, address: Option<String>) -> Self {
        self.address = address;
        self
    }

    /// Whether the actor may create or change tasks of this dangerous type.
    pub fn may_set_up(&self, task_type: &str) -> bool {
        let granted = self.role.allows(Action::Edit) && self.grants.iter().any(|grant| grant == task_type);
        granted || self.role.allows(Action::EditDangerous)
    }
}

/// Validates the tags that limit an account or a token of this role.
///
/// # Errors
/// Every fault: too many tags, an invalid tag, or any tag at all for administrators, who are never limited.
pub fn check_limits(tags: &[String], role: Role) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    if role == Role::Admin && !tags.is_empty() {
        faults.push(Fault::new("/tags", "tags: the role admin covers all tasks; remove the tags or choose a lower role"));
    }
    if tags.len() > MAX_TAGS {
        faults.push(Fault::new("/tags", format!("tags: {} are given, at most {MAX_TAGS} are allowed", tags.len())));
    }
    for (place, tag) in tags.iter().enumerate() {
        if let Err(message) = check_id(tag) {
            faults.push(Fault::new(format!("/tags/{place}"), message.replacen("id:", "tags:", 1)));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The minimum length of a password, in characters.
pub const MIN_PASSWORD: usize = 8;
/// The maximum length of a password, in bytes; hashing time grows with it.
pub const MAX_PASSWORD: usize = 1024;

/// Validates a user name: 1 to 64 letters, digits, `.`, `_`, `-`, `@`.
///
/// # Errors
/// A message that names the violated rule.
pub fn check_user_name(name: &str) -> Result<(), String> {
    let length = name.chars().count();
    if !(1..=64).contains(&length) {
        return Err(format!("name: must have 1 to 64 characters, not {length}"));
    }
    match name.chars().find(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '@')) {
        Some(bad) => Err(format!("name: {bad:?} is not allowed; use letters, digits, '.', '_', '-' and '@'")),
        None => Ok(()),
    }
}

/// Validates a new password.
///
/// # Errors
/// A message that names the violated rule, without the password.
pub fn check_password(password: &str, user_name: &str) -> Result<(), String> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(format!("password: must have at least {MIN_PASSWORD} characters"));
    }
    if password.len() > MAX_PASSWORD {
        return Err(format!("password: must have at most {MAX_PASSWORD} bytes"));
    }
    let lower = password.to_lowercase();
    if lower == user_name.to_lowercase() {
        return Err("password: must not be the account name".to_owned());
    }
    if is_common_password(&lower) {
        return Err("password: is too common; choose another".to_owned());
    }
    Ok(())
}

/// The minimum length of a token chosen by an administrator, in characters.
pub const MIN_TOKEN: usize = 8;
/// The maximum length of a token, in characters.
pub const MAX_TOKEN: usize = 512;

/// Validates a chosen token: it is sent in a header, so only visible ASCII is allowed.
///
/// # Errors
/// A message that names the violated rule, without the token.
pub fn check_token(token: &str) -> Result<(), String> {
    if (MIN_TOKEN..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("token: must have {MIN_TOKEN} to {MAX_TOKEN} visible ASCII characters, no spaces"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_include_the_permissions_of_lower_roles() {
        let allowed = |role: Role| super::super::permission::RULES.iter().filter(|rule| role.allows(rule.action)).count();
        assert_eq!(Role::ALL.map(allowed), [2, 3, 4, 6]);
    }
}
