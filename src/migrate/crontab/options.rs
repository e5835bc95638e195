//! Options of crontab imports, and the accounts of the machine.

use std::collections::BTreeMap;

use super::Environment;
use crate::migrate::policy::{ON_TIME_SECONDS, PolicyBuilder};

/// Options of [`super::read`].
#[derive(Debug, Clone, Default)]
pub struct CrontabOptions {
    /// Whether the sixth column is a user. `None`: recognised by the names in it.
    pub system: Option<bool>,
    /// The accounts against which a user column is checked.
    pub users: Users,
    /// The owner of a user crontab.
    pub user: Option<String>,
    /// The folder in which commands start, unless the crontab sets `HOME`; by default the user's.
    pub home: Option<String>,
    /// Variables that come before those of the crontab.
    pub environment: Environment,
    /// Whether commented-out entries become paused tasks.
    pub commented: bool,
    /// Whether lines with the same command become one task with several rules.
    pub merge: bool,
    /// Whether entries of other users run through `runuser`.
    pub runuser: bool,
    /// Whether six fields mean that the first is seconds.
    pub seconds: bool,
    /// The time limit in seconds. `None`: no limit, as in cron.
    pub timeout: Option<i64>,
    /// The number of concurrent runs. `None`: as many as fall due, as in cron.
    pub max_instances: Option<i64>,
    /// How late a run may start, in seconds. `None`: what was missed is not caught up, as in cron.
    pub catch_up: Option<i64>,
}

impl CrontabOptions {
    /// The policy of the tasks; `alone`: the entry itself forbids overlap.
    pub(super) fn policy(&self, alone: bool) -> PolicyBuilder {
        let policy = PolicyBuilder::default().timeout(self.timeout).catch_up(Some(self.catch_up.unwrap_or(ON_TIME_SECONDS)));
        match self.max_instances {
            Some(count) => policy.max_instances(count),
            None => policy.overlap(!alone),
        }
    }
}

/// The accounts of a machine with their home folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users(BTreeMap<String, String>);

impl Users {
    /// Parses the lines of `/etc/passwd`.
    pub fn parse(passwd: &str) -> Users {
        let entry = |line: &str| {
            let columns: Vec<&str> = line.split(':').collect();
            let (name, home) = (columns.first()?.trim(), columns.get(5)?.trim());
            (!name.is_empty() && !name.starts_with('#')).then(|| (name.to_owned(), home.to_owned()))
        };
        Users(passwd.lines().filter_map(entry).collect())
    }

    pub fn home(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|home| !home.is_empty())
    }

    /// Whether the name is an account; without any known account every valid name is.
    pub(super) fn accepts(&self, name: &str) -> bool {
        if self.0.is_empty() { is_valid_name(name) } else { self.0.contains_key(name) }
    }

    /// Whether the name certainly is an account.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

fn is_valid_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '$'))
}
