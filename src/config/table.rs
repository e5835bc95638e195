//! The table of all settings: name, default, meaning, type and how the value is read. The settings file, the environment
//! variables, the flags, the example file and docs/settings.md all follow it.

use std::path::PathBuf;
use std::time::Duration;

use super::value::Value;
use super::{LogFormat, Secret, Settings, Synchronous, http_limits, profiles, single_sign_on};

/// One setting.
pub struct Setting {
    /// The TOML table; empty for the top level. `smtp.*` stands for any table below `[smtp]`.
    pub section: &'static str,
    /// `*` if the user chooses the keys.
    pub key: &'static str,
    /// As written in the file; empty if there is none or it depends on the machine.
    pub default: &'static str,
    pub help: &'static str,
    pub value_type: ValueType,
    /// Whether the value may also come from a file named by the variable with `_FILE`.
    pub secret: bool,
    pub(super) apply: Apply,
}

/// The type of a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    Text,
    Path,
    Integer,
    Boolean,
    /// One of the words in the help text.
    Choice,
    TextList,
    PathList,
    /// An IANA time zone.
    Zone,
    /// `host:port`.
    Address,
    /// A URL without a path.
    Url,
}

impl ValueType {
    /// The name of the type in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::Text => "string",
            ValueType::Path => "path",
            ValueType::Integer => "integer",
            ValueType::Boolean => "boolean",
            ValueType::Choice => "choice",
            ValueType::TextList => "list of strings",
            ValueType::PathList => "list of paths",
            ValueType::Zone => "time zone",
            ValueType::Address => "host:port",
            ValueType::Url => "URL",
        }
    }
}

/// Reads a value into the settings. The string is the user's name if the key or the end of the section is `*`.
pub(super) type Apply = fn(&mut Settings, &str, &Value) -> Result<(), String>;

pub(super) const fn setting(
    section: &'static str,
    key: &'static str,
    default: &'static str,
    help: &'static str,
    value_type: ValueType,
    apply: Apply,
) -> Setting {
    Setting { section, key, default, help, value_type, secret: false, apply }
}

/// Every setting, in the order of the example file.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    let own = SETTINGS.iter().chain(http_limits::SETTINGS).chain(single_sign_on::SETTINGS);
    own.chain(profiles::SETTINGS.iter().copied().flatten())
}

/// The settings of tables with fixed names.
const SETTINGS: &[Setting] = &[
    setting(
        "",
        "data_dir",
        "\"./data\"",
        "The folder of the database and the log; created if it is missing.",
        ValueType::Path,
        |s, _, v| {
            s.data_dir = PathBuf::from(v.text()?);
            Ok(())
        },
    ),
    setting(
        "server",
        "listen",
        "\"127.0.0.1:8398\"",
        "Address and port of the web pages and the API; port 0 chooses a free port.",
        ValueType::Address,
        |s, _, v| {
            s.server.listen = v.address()?;
            Ok(())
        },
    ),
    setting(
        "server",
        "zone",
        "",
        "IANA time zone of triggers without their own; by default the machine's.",
        ValueType::Zone,
        |s, _, v| {
            s.server.zone = v.zone()?;
            Ok(())
        },
    ),
    setting(
        "server",
        "public_url",
        "",
        "The public URL of Belfry without a path, such as https://belfry.example.com. Required for single sign-on.",
        ValueType::Url,
        |s, _, v| {
            s.server.public_url = Some(v.origin()?);
            Ok(())
        },
    ),
    setting(
        "server",
        "name",
        "",
        "The name of this node in lists; by default the machine's host name.",
        ValueType::Text,
        |s, _, v| {
            s.server.name = v.text()?;
            Ok(())
        },
    ),
    Setting {
        secret: true,
        ..setting(
            "database",
            "url",
            "",
            "A PostgreSQL URL, postgres://user:password@host/name; by default SQLite in task.db of the data folder.",
            ValueType::Text,
            |s, _, v| {
                s.database.url = Some(database_url(v)?);
                Ok(())
            },
        )
    },
    setting(
        "database",
        "synchronous",
        "\"normal\"",
        "SQLite: normal (a power cut may lose the last seconds), or full (safe against power cuts, slower).",
        ValueType::Choice,
        |s, _, v| {
            s.database.synchronous = v.choice(&[("normal", Synchronous::Normal), ("full", Synchronous::Full)])?;
            Ok(())
        },
    ),
    setting(
        "database",
        "max_connections",
        "10",
        "PostgreSQL: the maximum number of connections, 2 to 1000.",
        ValueType::Integer,
        |s, _, v| {
            s.database.max_connections = v.number(2..=1000)?;
            Ok(())
        },
    ),
    setting(
        "log",
        "level",
        "\"info\"",
        "error, warn, info, debug or trace; RUST_LOG overrides it with rules per module.",
        ValueType::Choice,
        |s, _, v| {
            s.log.level = v.choice(&LEVELS.map(|level| (level, level)))?.to_owned();
            Ok(())
        },
    ),
    setting("log", "format", "\"text\"", "text, or json (one object per line).", ValueType::Choice, |s, _, v| {
        s.log.format = v.choice(&[("text", LogFormat::Text), ("json", LogFormat::Json)])?;
        Ok(())
    }),
    setting(
        "log",
        "file_max_mb",
        "20",
        "The size at which scheduler.log is rotated to scheduler.log.1, 1 to 10000 MiB.",
        ValueType::Integer,
        |s, _, v| {
            s.log.file_max_bytes = v.number::<u64>(1..=10_000)? << 20;
            Ok(())
        },
    ),
    setting("log", "keep", "5", "The number of rotated log files kept, 0 to 1000.", ValueType::Integer, |s, _, v| {
        s.log.keep = v.number(0..=1000)?;
        Ok(())
    }),
    setting(
        "workers",
        "limit",
        "64",
        "The maximum number of concurrent runs on this node, 1 to 10000.",
        ValueType::Integer,
        |s, _, v| {
            s.workers.limit = v.number(1..=10_000)?;
            Ok(())
        },
    ),
    setting(
        "workers",
        "shutdown_timeout_seconds",
        "30",
        "How long a shutdown waits for running executions, 0 to 86400 seconds; then they are interrupted.",
        ValueType::Integer,
        |s, _, v| {
            s.workers.shutdown_timeout = Duration::from_secs(v.number(0..=86_400)?);
            Ok(())
        },
    ),
    setting("workers", "output_limit_kb", "1024", "The output kept per run, 1 to 1048576 KiB.", ValueType::Integer, |s, _, v| {
        s.workers.output_limit = v.number::<usize>(1..=1_048_576)? << 10;
        Ok(())
    }),
    setting(
        "workers.queues",
        "*",
        "",
        "A named queue and its maximum number of concurrent runs, 1 to 10000; tasks select it in their policy. The queue slow exists by default, with 16.",
        ValueType::Integer,
        |s, name, v| {
            check_name("queue", name)?;
            s.workers.queues.insert(name.to_owned(), v.number(1..=10_000)?);
            Ok(())
        },
    ),
    setting(
        "history",
        "keep_days",
        "90",
        "Executions older than this many days are deleted, 0 to 36500; 0 keeps all.",
        ValueType::Integer,
        |s, _, v| {
            s.history.keep_days = v.number(0..=36_500)?;
            Ok(())
        },
    ),
    setting(
        "history",
        "keep_per_task",
        "10000",
        "The number of executions kept per task, 0 to 1000000000; 0 keeps all.",
        ValueType::Integer,
        |s, _, v| {
            s.history.keep_per_task = v.number(0..=1_000_000_000)?;
            Ok(())
        },
    ),
    setting(
        "auth",
        "session_days",
        "30",
        "A session ends this many days after the sign-in, 1 to 365.",
        ValueType::Integer,
        |s, _, v| {
            s.auth.session_days = v.number(1..=365)?;
            Ok(())
        },
    ),
    setting(
        "auth",
        "session_idle_hours",
        "168",
        "A session ends after this many hours without use, 1 to 8760.",
        ValueType::Integer,
        |s, _, v| {
            s.auth.session_idle_hours = v.number(1..=8760)?;
            Ok(())
        },
    ),
    setting(
        "auth",
        "second_factor",
        "\"optional\"",
        "Two-factor authentication for sign-ins with a password: optional, or required (accounts without it must set it up first).",
        ValueType::Choice,
        |s, _, v| {
            s.auth.second_factor_required = v.choice(&[("optional", false), ("required", true)])?;
            Ok(())
        },
    ),
    setting(
        "commands",
        "enabled",
        "true",
        "false disables the task types that can run arbitrary commands on this machine.",
        ValueType::Boolean,
        |s, _, v| {
            s.commands.enabled = v.boolean()?;
            Ok(())
        },
    ),
    setting(
        "commands",
        "programs",
        "[]",
        "The programs that tasks may start, by name or path, such as [\"python3\"]; if set, shell commands are not allowed. Empty: any.",
        ValueType::TextList,
        |s, _, v| {
            s.commands.programs = v.texts()?;
            Ok(())
        },
    ),
    setting(
        "commands",
        "folders",
        "[]",
        "The folders that commands may use as working directory. Empty: any.",
        ValueType::PathList,
        |s, _, v| {
            s.commands.folders = v.folders()?;
            Ok(())
        },
    ),
    setting(
        "commands",
        "environment",
        "[]",
        "The environment variables that templates in parameters may read as env.NAME. Empty: none.",
        ValueType::TextList,
        |s, _, v| {
            s.commands.environment = v.texts()?;
            Ok(())
        },
    ),
    setting(
        "tasks",
        "folder",
        "",
        "The folder whose executables are task types; by default tasks in the data folder.",
        ValueType::Path,
        |s, _, v| {
            s.tasks.folder = Some(PathBuf::from(v.text()?));
            Ok(())
        },
    ),
    setting(
        "tasks",
        "file",
        "",
        "A YAML or JSON file with tasks that Belfry applies at the start and whenever it changes; these tasks can be edited only there.",
        ValueType::Path,
        |s, _, v| {
            s.tasks.file = Some(PathBuf::from(v.text()?));
            Ok(())
        },
    ),
    setting(
        "files",
        "folders",
        "[]",
        "The folders whose files tasks may read and write, in addition to files in the data folder.",
        ValueType::PathList,
        |s, _, v| {
            s.files.folders = v.folders()?;
            Ok(())
        },
    ),
    setting(
        "network",
        "private_addresses",
        "true",
        "false: HTTP tasks may not connect to private, loopback or link-local addresses.",
        ValueType::Boolean,
        |s, _, v| {
            s.network.private_addresses = v.boolean()?;
            Ok(())
        },
    ),
    Setting {
        secret: true,
        ..setting(
            "secrets",
            "key",
            "",
            "The encryption key of secrets, 32 bytes in base64; by default secret.key in the data folder, created on first use.",
            ValueType::Text,
            |s, _, v| {
                s.secrets.key = Some(Secret::new(v.text().map_err(|_| "must be 32 bytes in base64".to_owned())?));
                Ok(())
            },
        )
    },
];

/// The log levels, from the least to the most verbose.
pub const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

impl Setting {
    /// `section.key`.
    pub fn path(&self) -> String {
        if self.section.is_empty() { self.key.to_owned() } else { format!("{}.{}", self.section, self.key) }
    }

    /// The environment variable, with `*` in place of the user's name.
    pub fn variable(&self) -> String {
        format!("BELFRY_{}", self.path().replace('.', "_").to_uppercase())
    }

    /// The user's name in a variable of this setting, empty if the setting has none; `None` if the variable is of another
    /// setting.
    pub(super) fn name_in_variable(&self, variable: &str) -> Option<String> {
        let own = self.variable();
        let Some((before, after)) = own.split_once('*') else { return (own == variable).then(String::new) };
        let name = variable.strip_prefix(before)?.strip_suffix(after)?;
        (!name.is_empty()).then(|| name.to_lowercase())
    }
}

/// The setting of an environment variable, with the user's name. If two match, the one with the longer fixed part wins:
/// `BELFRY_SMTP_OFFICE_OAUTH_USER` is `oauth_user` of `office`, not `user` of `office_oauth`.
pub fn find_by_variable(variable: &str) -> Option<(&'static Setting, String)> {
    let matching = all().filter_map(|setting| Some((setting, setting.name_in_variable(variable)?)));
    matching.min_by_key(|(_, name)| name.len())
}

/// The setting of a section and key, with the user's name if there is one.
pub fn find(section: &str, key: &str) -> Option<(&'static Setting, String)> {
    let user_name = |setting: &Setting| {
        if let Some(name) = name_in_section(setting.section, section) {
            return (setting.key == key).then(|| name.to_owned());
        }
        match setting.key {
            _ if setting.section != section => None,
            "*" => Some(key.to_owned()),
            fixed => (fixed == key).then(String::new),
        }
    };
    all().find_map(|setting| Some((setting, user_name(setting)?)))
}

/// The user's name in a section: `office` for the section `smtp.office` and the pattern `smtp.*`.
pub fn name_in_section<'a>(pattern: &str, section: &'a str) -> Option<&'a str> {
    let name = section.strip_prefix(pattern.strip_suffix('*')?)?;
    (!name.is_empty() && !name.contains('.')).then_some(name)
}

/// `; did you mean …?` with the nearest candidate, or an empty string if none is near.
pub fn did_you_mean(name: &str, candidates: impl Iterator<Item = String>) -> String {
    let near = candidates.map(|word| (strsim::damerau_levenshtein(name, &word), word)).min();
    match near {
        Some((distance, word)) if distance <= 1 + word.len() / 4 => format!("; did you mean {word}?"),
        _ => String::new(),
    }
}

fn database_url(value: &Value) -> Result<Secret, String> {
    let known = |text: &str| ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    match value.text() {
        Ok(text) if known(&text) => Ok(Secret::new(text)),
        // The value may contain a password, so it is not part of the message.
        _ => Err("the value is not a PostgreSQL URL; use postgres://user:password@host:5432/name, or omit it for SQLite".into()),
    }
}

/// Validates a name chosen by the user: only lower case, because names are part of environment variables.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(format!("the name of a {what} must have 1 to 64 lower-case letters, digits, '_' or '-'"));
    }
    Ok(())
}
