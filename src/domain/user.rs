//! People and programs that use Belfry, and what their role lets them do.

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
            Action::EditDangerous | Action::TryDatasource => Role::Admin,
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
    /// Connect to a datasource to find out whether it answers.
    TryDatasource,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// A ULID.
    pub id: String,
    pub name: String,
    pub role: Role,
}

/// Who asks for something, and through which door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub name: String,
    pub role: Role,
    pub via: Via,
}

/// The door through which a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    Page,
    Api,
    CommandLine,
}

impl Actor {
    /// The person at the machine itself, who may do everything.
    pub fn local(name: impl Into<String>) -> Self {
        Self { name: name.into(), role: Role::Admin, via: Via::CommandLine }
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
pub fn check_password(password: &str) -> Result<(), String> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(format!("password: must have at least {MIN_PASSWORD} characters"));
    }
    if password.len() > MAX_PASSWORD {
        return Err(format!("password: must have at most {MAX_PASSWORD} bytes"));
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
        let allowed = |role: Role| {
            [Action::See, Action::Run, Action::Edit, Action::EditDangerous].into_iter().filter(|a| role.allows(*a)).count()
        };
        assert_eq!(Role::ALL.map(allowed), [1, 2, 3, 4]);
    }
}
