//! Users, roles, tokens and actors.

use chrono::{DateTime, Utc};

use super::fault::Fault;
use super::grant::METRICS_GRANT;
use super::password::is_easy_to_guess;
use super::tag_scope::TagScope;
use super::task::MAX_TAGS;
use super::task_id::check_id;
use super::text_enum::text_enum;
use crate::i18n::{Message, message};

text_enum! {
    /// The role of an account; each role includes the permissions of the roles before it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Role {
        /// Read.
        Viewer = "viewer",
        /// Run, pause, resume, cancel, rerun.
        Operator = "operator",
        /// Create, change and delete tasks of safe types.
        Editor = "editor",
        /// Everything, including dangerous task types.
        Admin = "admin",
    }
}

impl Role {
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
    /// The token that the request was authenticated with; `None`: a session or the command line.
    pub token: Option<ActorToken>,
}

/// The token of an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorToken {
    pub id: String,
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether the token has a lower role or fewer tags than its account, or expires.
    pub restricted: bool,
}

text_enum! {
    /// The interface that a request came through.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Via {
        Page = "page",
        Api = "api",
        CommandLine = "command_line",
        /// The server itself.
        Server = "server",
    }
}

impl Actor {
    /// The operator on the machine itself: an administrator.
    pub fn local(name: impl Into<String>) -> Self {
        Self::new(name, Role::Admin, Via::CommandLine)
    }

    /// An actor with the scope of all tasks, without grants or address.
    pub fn new(name: impl Into<String>, role: Role, via: Via) -> Self {
        Self { name: name.into(), role, via, grants: Vec::new(), scope: TagScope::ALL, address: None, token: None }
    }

    /// The caller of a hook, which starts one task and may do nothing else. No account has such a name.
    pub fn hook(name: &str) -> Self {
        Self::new(format!("hook {name}"), Role::Viewer, Via::Api)
    }

    /// The same actor with a network address.
    #[must_use]
    pub fn with_address(mut self, address: Option<String>) -> Self {
        self.address = address;
        self
    }

    /// Whether the actor may end sessions and revoke other tokens: not with a restricted token.
    pub fn may_end_credentials(&self) -> bool {
        self.token.as_ref().is_none_or(|token| !token.restricted)
    }

    /// Whether the actor may read the metrics of the whole server: administrators, and accounts with the grant.
    pub fn may_read_metrics(&self) -> bool {
        self.role.allows(Action::Administer) || self.grants.iter().any(|grant| grant == METRICS_GRANT)
    }

    /// Whether the actor has a grant for a task type.
    pub fn has_type_grant(&self) -> bool {
        self.grants.iter().any(|grant| grant != METRICS_GRANT)
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
        faults.push(Fault::new("/tags", message!("tags.of_administrator").of("tags")));
    }
    if tags.len() > MAX_TAGS {
        faults.push(Fault::new("/tags", message!("value.too_many", count = tags.len(), max = MAX_TAGS).of("tags")));
    }
    for (place, tag) in tags.iter().enumerate() {
        if let Err(message) = check_id(tag) {
            faults.push(Fault::new(format!("/tags/{place}"), message.of("tags")));
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
pub fn check_user_name(name: &str) -> Result<(), Message> {
    let length = name.chars().count();
    if !(1..=64).contains(&length) {
        return Err(message!("value.character_count", min = 1, max = 64, count = length).of("name"));
    }
    match name.chars().find(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '@')) {
        Some(bad) => Err(message!("account.name_character", character = format!("{bad:?}")).of("name")),
        None => Ok(()),
    }
}

/// Validates a new password.
///
/// # Errors
/// A message that names the violated rule, without the password.
pub fn check_password(password: &str, user_name: &str) -> Result<(), Message> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(message!("value.too_few_characters", min = MIN_PASSWORD).of("password"));
    }
    if password.len() > MAX_PASSWORD {
        return Err(message!("value.too_many_bytes", max = MAX_PASSWORD).of("password"));
    }
    if password.to_lowercase() == user_name.to_lowercase() {
        return Err(message!("password.account_name").of("password"));
    }
    if is_easy_to_guess(password, user_name) {
        return Err(message!("password.too_common").of("password"));
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
pub fn check_token(token: &str) -> Result<(), Message> {
    if (MIN_TOKEN..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(message!("token.characters", min = MIN_TOKEN, max = MAX_TOKEN).of("token"))
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
