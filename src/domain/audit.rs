//! The audit: who changed what, when, from where, and how it was before and after. Entries are added and never changed.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::user::Via;

/// One change, or one try at signing in.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// A ULID; the order of ids is the order of entries.
    pub id: String,
    pub at: DateTime<Utc>,
    /// Name of the account; of a refused sign-in, the name that was tried.
    pub actor: String,
    pub via: Via,
    /// The network address that the request came from, where there is one.
    pub address: Option<String>,
    pub action: Act,
    /// What was changed, such as `task:daily-report`.
    pub target: String,
    /// How it was, secrets hidden.
    pub before: Option<Value>,
    /// How it is now, secrets hidden.
    pub after: Option<Value>,
}

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<String>,
    pub action: Option<Act>,
    /// The whole target (`task:daily-report`), or its kind with the colon (`task:`).
    pub target: Option<String>,
    /// From, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// To, exclusive.
    pub to: Option<DateTime<Utc>>,
    /// Part of the account, the address, the target, or of what was before or after, in any case.
    pub search: Option<String>,
}

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident = $word:literal),* $(,)?) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Act { $($(#[$doc])* $name),* }

        impl Act {
            pub const ALL: &'static [Act] = &[$(Act::$name),*];

            /// The word for it, such as `task.create`.
            pub fn as_str(self) -> &'static str {
                match self { $(Act::$name => $word),* }
            }
        }
    };
}

acts! {
    TaskCreate = "task.create",
    TaskUpdate = "task.update",
    TaskDelete = "task.delete",
    TaskPause = "task.pause",
    TaskResume = "task.resume",
    TaskRun = "task.run",
    ExecutionRerun = "execution.rerun",
    ExecutionCancel = "execution.cancel",
    ExecutionImport = "execution.import",
    SecretSet = "secret.set",
    SecretDelete = "secret.delete",
    UserCreate = "user.create",
    UserUpdate = "user.update",
    UserDelete = "user.delete",
    UserPassword = "user.password",
    TokenCreate = "token.create",
    TokenRevoke = "token.revoke",
    SignIn = "session.sign_in",
    SignInRefused = "session.refused",
    SignOut = "session.sign_out",
    SessionsEnd = "session.end_all",
    SecondFactorEnrol = "second_factor.enrol",
    SecondFactorRemove = "second_factor.remove",
    SecondFactorReset = "second_factor.reset",
    SecondFactorRefused = "second_factor.refused",
    RecoveryUse = "recovery_code.use",
    RecoveryRenew = "recovery_code.renew",
    DatasourceTest = "datasource.test",
    MailTest = "mail.test",
    SmsTest = "sms.test",
}

impl Act {
    pub fn parse(text: &str) -> Option<Act> {
        Act::ALL.iter().copied().find(|act| act.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        assert!(Act::ALL.iter().all(|act| Act::parse(act.as_str()) == Some(*act)));
        assert_eq!(Act::parse("task"), None);
    }
}
