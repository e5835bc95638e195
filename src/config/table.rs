//! The table of all settings: name, default, meaning and how the value is read. The file, the variables, the flags, the
//! example file and the README all follow it.

use std::path::PathBuf;
use std::time::Duration;

use super::value::Value;
use super::{LogFormat, Secret, Settings, Synchronous, gate, profiles, single_sign_on};

/// One setting.
pub struct Setting {
    /// The table it stands in; empty at the top of the file. `smtp.*` stands for any table below `[smtp]`.
    pub section: &'static str,
    /// `*` where the keys are names of the user's own.
    pub key: &'static str,
    /// As it would be written in the file; empty where it depends on the machine.
    pub default: &'static str,
    pub help: &'static str,
    /// May also come from a file named by the variable with `_FILE`.
    pub secret: bool,
    pub(super) apply: Apply,
}

/// Reads a value into the settings; the text is the user's own name where the key or the end of the section is `*`.
pub(super) type Apply = fn(&mut Settings, &str, &Value) -> Result<(), String>;

pub(super) const fn setting(
    section: &'static str,
    key: &'static str,
    default: &'static str,
    help: &'static str,
    apply: Apply,
) -> Setting {
    Setting { section, key, default, help, secret: false, apply }
}

/// Every setting, in the order of the example file.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    let own = SETTINGS.iter().chain(gate::SETTINGS).chain(single_sign_on::SETTINGS);
    own.chain(profiles::SETTINGS.iter().copied().flatten())
}

/// The settings of tables with fixed names.
const SETTINGS: &[Setting] = &[
    setting("", "data_dir", "\"./data\"", "The folder for the database and the log; made if it is missing.", |s, _, v| {
        s.data_dir = PathBuf::from(v.text()?);
        Ok(())
    }),
    setting(
        "server",
        "listen",
        "\"127.0.0.1:8398\"",
        "Address and port of the pages and the API; port 0 takes a free one.",
        |s, _, v| {
            s.server.listen = v.address()?;
            Ok(())
        },
    ),
    setting("server", "zone", "", "IANA time zone of triggers that name none; by default the machine's.", |s, _, v| {
        s.server.zone = v.zone()?;
        Ok(())
    }),
    setting(
        "server",
        "public_url",
        "",
        "Where people reach Belfry from outside, such as https://belfry.example.com; without a path. Single sign-on needs it.",
        |s, _, v| {
            s.server.public_url = Some(v.origin()?);
            Ok(())
        },
    ),
    setting("server", "name", "", "What this node is called in lists; by default the machine's name.", |s, _, v| {
        s.server.name = v.text()?;
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(
            "database",
            "url",
            "",
            "postgres://user:password@host/name; by default SQLite in task.db of the data folder.",
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
        "SQLite: normal, or full to outlive a power cut at the price of speed.",
        |s, _, v| {
            s.database.synchronous = v.choice(&[("normal", Synchronous::Normal), ("full", Synchronous::Full)])?;
            Ok(())
        },
    ),
    setting("database", "max_connections", "10", "PostgreSQL: connections at once, 2 to 1000.", |s, _, v| {
        s.database.max_connections = v.number(2..=1000)?;
        Ok(())
    }),
    setting(
        "log",
        "level",
        "\"info\"",
        "error, warn, info, debug or trace; RUST_LOG overrides it with finer rules.",
        |s, _, v| {
            s.log.level = v.choice(&LEVELS.map(|level| (level, level)))?.to_owned();
            Ok(())
        },
    ),
    setting("log", "format", "\"text\"", "text for people, json for programs.", |s, _, v| {
        s.log.format = v.choice(&[("text", LogFormat::Text), ("json", LogFormat::Json)])?;
        Ok(())
    }),
    setting("log", "file_max_mb", "20", "scheduler.log becomes scheduler.log.1 at this size, 1 to 10000.", |s, _, v| {
        s.log.file_max_bytes = v.number::<u64>(1..=10_000)? << 20;
        Ok(())
    }),
    setting("log", "keep", "5", "How many older log files are kept, 0 to 1000.", |s, _, v| {
        s.log.keep = v.number(0..=1000)?;
        Ok(())
    }),
    setting("workers", "limit", "64", "Runs at once on this node, 1 to 10000.", |s, _, v| {
        s.workers.limit = v.number(1..=10_000)?;
        Ok(())
    }),
    setting(
        "workers",
        "shutdown_timeout_seconds",
        "30",
        "What running work is given to end when the server stops, 0 to 86400.",
        |s, _, v| {
            s.workers.shutdown_timeout = Duration::from_secs(v.number(0..=86_400)?);
            Ok(())
        },
    ),
    setting("workers", "output_limit_kb", "1024", "Output kept of one run, 1 to 1048576 KiB.", |s, _, v| {
        s.workers.output_limit = v.number::<usize>(1..=1_048_576)? << 10;
        Ok(())
    }),
    setting(
        "workers.queues",
        "*",
        "",
        "A named queue and its runs at once, 1 to 10000; tasks choose it by their policy. There is one named slow, with 16.",
        |s, name, v| {
            check_name("queue", name)?;
            s.workers.queues.insert(name.to_owned(), v.number(1..=10_000)?);
            Ok(())
        },
    ),
    setting("history", "keep_days", "90", "Executions older than this are deleted, 0 to 36500; 0 keeps all.", |s, _, v| {
        s.history.keep_days = v.number(0..=36_500)?;
        Ok(())
    }),
    setting("history", "keep_per_task", "10000", "Executions kept of one task, 0 to 1000000000; 0 keeps all.", |s, _, v| {
        s.history.keep_per_task = v.number(0..=1_000_000_000)?;
        Ok(())
    }),
    setting("auth", "session_days", "30", "A sign-in ends after so many days, 1 to 365.", |s, _, v| {
        s.auth.session_days = v.number(1..=365)?;
        Ok(())
    }),
    setting("auth", "session_idle_hours", "168", "A sign-in ends after so many hours without use, 1 to 8760.", |s, _, v| {
        s.auth.session_idle_hours = v.number(1..=8760)?;
        Ok(())
    }),
    setting(
        "auth",
        "second_factor",
        "\"optional\"",
        "A code besides the password: optional, or required (who has none must set it up first).",
        |s, _, v| {
            s.auth.second_factor_required = v.choice(&[("optional", false), ("required", true)])?;
            Ok(())
        },
    ),
    setting(
        "commands",
        "enabled",
        "true",
        "false: task types that can do anything on this machine are neither offered nor run.",
        |s, _, v| {
            s.commands.enabled = v.boolean()?;
            Ok(())
        },
    ),
    setting(
        "commands",
        "programs",
        "[]",
        "The programs that may be started, by name or path, such as [\"python3\"]; then no shell either. Empty: any.",
        |s, _, v| {
            s.commands.programs = v.texts()?;
            Ok(())
        },
    ),
    setting("commands", "folders", "[]", "The folders in which commands may work. Empty: any.", |s, _, v| {
        s.commands.folders = v.folders()?;
        Ok(())
    }),
    setting("commands", "environment", "[]", "The variables that parameters may read as env.NAME. Empty: none.", |s, _, v| {
        s.commands.environment = v.texts()?;
        Ok(())
    }),
    setting(
        "tasks",
        "folder",
        "",
        "The folder whose executables are task types; by default the folder tasks in the data folder.",
        |s, _, v| {
            s.tasks.folder = Some(PathBuf::from(v.text()?));
            Ok(())
        },
    ),
    setting(
        "tasks",
        "file",
        "",
        "A file of tasks in YAML or JSON that Belfry keeps in step with: what it names is changed there alone.",
        |s, _, v| {
            s.tasks.file = Some(PathBuf::from(v.text()?));
            Ok(())
        },
    ),
    setting(
        "files",
        "folders",
        "[]",
        "The folders whose files tasks may read and write, beside the folder files in the data folder.",
        |s, _, v| {
            s.files.folders = v.folders()?;
            Ok(())
        },
    ),
    setting(
        "network",
        "private_addresses",
        "true",
        "false: HTTP tasks reach no private, loopback or link-local address.",
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
            "The key of secrets, 32 bytes in base64; by default in secret.key of the data folder, made on first use.",
            |s, _, v| {
                s.secrets.key = Some(Secret::new(v.text().map_err(|_| "must be 32 bytes in base64".to_owned())?));
                Ok(())
            },
        )
    },
];

/// From quiet to talkative.
pub const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

impl Setting {
    /// `section.key`.
    pub fn path(&self) -> String {
        if self.section.is_empty() { self.key.to_owned() } else { format!("{}.{}", self.section, self.key) }
    }

    /// The variable that sets it, with `*` in the place of the user's own name.
    pub fn variable(&self) -> String {
        format!("BELFRY_{}", self.path().replace('.', "_").to_uppercase())
    }

    /// The user's own name in a variable that sets this, empty where there is none in it; `None` where it sets something
    /// else.
    pub(super) fn named_by(&self, variable: &str) -> Option<String> {
        let own = self.variable();
        let Some((before, after)) = own.split_once('*') else { return (own == variable).then(String::new) };
        let name = variable.strip_prefix(before)?.strip_suffix(after)?;
        (!name.is_empty()).then(|| name.to_lowercase())
    }
}

/// The setting that a variable sets, with the user's own name. Of two that would fit, the one with the longer fixed part:
/// `BELFRY_SMTP_OFFICE_OAUTH_USER` is `oauth_user` of `office`, not `user` of `office_oauth`.
pub fn of_variable(variable: &str) -> Option<(&'static Setting, String)> {
    let fitting = all().filter_map(|setting| Some((setting, setting.named_by(variable)?)));
    fitting.min_by_key(|(_, name)| name.len())
}

/// The setting of a section and key, with the user's own name where the key is one.
pub fn find(section: &str, key: &str) -> Option<(&'static Setting, String)> {
    let own_name = |setting: &Setting| {
        if let Some(name) = name_in(setting.section, section) {
            return (setting.key == key).then(|| name.to_owned());
        }
        match setting.key {
            _ if setting.section != section => None,
            "*" => Some(key.to_owned()),
            fixed => (fixed == key).then(String::new),
        }
    };
    all().find_map(|setting| Some((setting, own_name(setting)?)))
}

/// The user's own name in a section: `office` where `smtp.office` is read as `smtp.*`.
pub fn name_in<'a>(pattern: &str, section: &'a str) -> Option<&'a str> {
    let name = section.strip_prefix(pattern.strip_suffix('*')?)?;
    (!name.is_empty() && !name.contains('.')).then_some(name)
}

/// `; did you mean …?` with the nearest candidate, or nothing where none is near.
pub fn did_you_mean(given: &str, candidates: impl Iterator<Item = String>) -> String {
    let near = candidates.map(|word| (strsim::damerau_levenshtein(given, &word), word)).min();
    match near {
        Some((distance, word)) if distance <= 1 + word.len() / 4 => format!("; did you mean {word}?"),
        _ => String::new(),
    }
}

fn database_url(value: &Value) -> Result<Secret, String> {
    let known = |text: &str| ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    match value.text() {
        Ok(text) if known(&text) => Ok(Secret::new(text)),
        // The value is not shown: it may hold a password.
        _ => {
            Err("the value is not a PostgreSQL URL; use postgres://user:password@host:5432/name, or leave it out for SQLite"
                .into())
        }
    }
}

/// Names that the user chooses: they stand in variables too, so lower case alone.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(format!("a {what}'s name has 1 to 64 lower-case letters, digits, '_' and '-'"));
    }
    Ok(())
}
