//! People and programs that use Belfry, and what their role lets them do.

use chrono::{DateTime, Utc};

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
        let needed = match action {
            Action::See => Role::Viewer,
            Action::Run => Role::Operator,
            Action::Edit => Role::Editor,
            Action::EditDangerous | Action::Administer => Role::Admin,
        };
        self >= needed
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    See,
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
        Self { name: name.into(), role, via, grants: Vec::new(), address: None }
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
    let mut letters = lower.chars();
    let first = letters.next();
    if letters.all(|letter| Some(letter) == first) || COMMON.contains(&lower.as_str()) {
        return Err("password: is one of the first that anybody would try; choose another".to_owned());
    }
    Ok(())
}

/// Long enough passwords that head the published lists of the most used ones.
const COMMON: [&str; 40] = [
    "12345678",
    "123456789",
    "1234567890",
    "87654321",
    "11223344",
    "123123123",
    "147258369",
    "123qweasd",
    "1q2w3e4r",
    "1qaz2wsx",
    "q1w2e3r4",
    "qwertyui",
    "qwertyuiop",
    "qwerty123",
    "asdfghjkl",
    "zxcvbnm123",
    "password",
    "password1",
    "password12",
    "password123",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "welcome1",
    "superman",
    "trustno1",
    "letmein1",
    "abc12345",
    "abcd1234",
    "a1234567",
    "a12345678",
    "aa123456",
    "woaini1314",
    "5201314520",
    "admin123",
];

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
        let allowed = |role: Role| {
            [Action::See, Action::Run, Action::Edit, Action::EditDangerous, Action::Administer]
                .into_iter()
                .filter(|a| role.allows(*a))
                .count()
        };
        assert_eq!(Role::ALL.map(allowed), [1, 2, 3, 5]);
    }
}
