//! People and programs that use Belfry, and what their role lets them do.

use chrono::{DateTime, Utc};

use super::fault::Fault;
use super::password::is_guessed_first;
use super::permission::Reach;
use super::task::{MAX_TAGS, check_id};

/// What an account may do; each role may do all that the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// See.
    Viewer,
    /// Run, pause, resume, cancel, run again.
    Operator,
    /// Create, change and delete tasks of safe types.
    Editor,
    /// Everything, dangerous task types too.
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

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    See,
    /// See what belongs to no task: figures of the whole server, the databases it knows.
    SeeServer,
    Run,
    Edit,
    /// Create or change a task of a dangerous type (commands and the like), or give such a run other parameters.
    EditDangerous,
    /// Secrets, accounts and what else belongs to the server itself.
    Administer,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// A ULID.
    pub id: String,
    pub name: String,
    pub role: Role,
    /// Dangerous task types that this account may set up though its role may not.
    pub grants: Vec<String>,
    /// It sees and touches only tasks with one of these tags; empty: all tasks.
    pub tags: Vec<String>,
    /// It can neither sign in nor use its tokens.
    pub disabled: bool,
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// A program's way in, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// A ULID.
    pub id: String,
    /// The account it belongs to.
    pub user: String,
    pub name: String,
    /// What it may do: no more than its account.
    pub role: Role,
    /// It reaches only tasks with one of these tags, of those that its account reaches; empty: all of those.
    pub tags: Vec<String>,
    pub created_at: DateTime<Utc>,
    /// `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub used_at: Option<DateTime<Utc>>,
}

/// Who asks for something, and through which door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub name: String,
    pub role: Role,
    pub via: Via,
    /// Dangerous task types that this account may set up though its role may not.
    pub grants: Vec<String>,
    /// Which tasks are seen and touched.
    pub reach: Reach,
    /// The network address that the request came from, where there is one.
    pub address: Option<String>,
}

/// The door through which a request came.
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
    /// The person at the machine itself, who may do everything.
    pub fn local(name: impl Into<String>) -> Self {
        Self::new(name, Role::Admin, Via::CommandLine)
    }

    /// Somebody without grants and address.
    pub fn new(name: impl Into<String>, role: Role, via: Via) -> Self {
        Self { name: name.into(), role, via, grants: Vec::new(), reach: Reach::ALL, address: None }
    }

    /// The same, asking from an address.
    #[must_use]
    pub fn at(mut self, address: Option<String>) -> Self {
        self.address = address;
        self
    }

    /// Whether a task of a dangerous type may be set up.
    pub fn may_set_up(&self, task_type: &str) -> bool {
        let granted = self.role.allows(Action::Edit) && self.grants.iter().any(|grant| grant == task_type);
        granted || self.role.allows(Action::EditDangerous)
    }
}

/// Says what is wrong with the tags that an account or a token of this role is limited to.
///
/// # Errors
/// Every fault: too many, a text that is no tag, or any at all for administrators, who are never limited.
pub fn check_limits(tags: &[String], role: Role) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    if role == Role::Admin && !tags.is_empty() {
        faults.push(Fault::new("/tags", "tags: the role admin reaches all tasks; give no tags, or a lesser role"));
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

/// The shortest password taken, in characters.
pub const MIN_PASSWORD: usize = 8;
/// The longest password taken, in bytes; hashing time grows with it.
pub const MAX_PASSWORD: usize = 1024;

/// Says what is wrong with a user name: 1 to 64 letters, digits, `.`, `_`, `-`, `@`.
///
/// # Errors
/// A message that names the rule that was broken.
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

/// Says what is wrong with a new password.
///
/// # Errors
/// A message that names the rule that was broken; never the password.
pub fn check_password(password: &str, user_name: &str) -> Result<(), String> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(format!("password: must have at least {MIN_PASSWORD} characters"));
    }
    if password.len() > MAX_PASSWORD {
        return Err(format!("password: must have at most {MAX_PASSWORD} bytes"));
    }
    let lower = password.to_lowercase();
    if lower == user_name.to_lowercase() {
        return Err("password: must not be the name of the account".to_owned());
    }
    if is_guessed_first(&lower) {
        return Err("password: is one of the first that anybody would try; choose another".to_owned());
    }
    Ok(())
}

/// The shortest token that an administrator may choose, in characters.
pub const MIN_TOKEN: usize = 8;
/// The longest token taken, in characters.
pub const MAX_TOKEN: usize = 512;

/// Says what is wrong with a token that somebody chose: it travels in a header, so visible ASCII alone.
///
/// # Errors
/// A message that names the rule that was broken; never the token.
pub fn check_token(token: &str) -> Result<(), String> {
    if (MIN_TOKEN..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("token: must have {MIN_TOKEN} to {MAX_TOKEN} letters, digits and punctuation marks of ASCII, without spaces"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_one_before_may() {
        let allowed = |role: Role| super::super::permission::RULES.iter().filter(|rule| role.allows(rule.action)).count();
        assert_eq!(Role::ALL.map(allowed), [2, 3, 4, 6]);
    }
}
