//! The table of all settings: name, default, meaning, type and how the value is read. The settings file, the environment
//! variables, the flags, the example file and docs/settings.md all follow it.

use std::path::PathBuf;
use std::time::Duration;

use super::setting::{Setting, check_name, settings};
use super::value::Value;
use super::{LogFormat, Secret, Synchronous, http_limits, profiles, single_sign_on};
use crate::i18n::{Message, message};

/// Every setting, in the order of the example file.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    let own = SETTINGS.iter().chain(http_limits::SETTINGS).chain(single_sign_on::SETTINGS);
    own.chain(profiles::SETTINGS.iter().copied().flatten())
}

settings! {
    SETTINGS |s, name, v|

    [""]
    "data_dir" Path "\"./data\"" "The folder of the database and the log; created if it is missing."
        => s.data_dir = PathBuf::from(v.text()?);

    ["server"]
    "listen" Address "\"127.0.0.1:8398\"" "Address and port of the web pages and the API; port 0 chooses a free port."
        => s.server.listen = v.address()?;
    "zone" Zone "" "IANA time zone of triggers without their own; by default the machine's." => s.server.zone = v.zone()?;
    "public_url" Url ""
        "The public URL of Belfry without a path, such as https://belfry.example.com. Required for single sign-on."
        => s.server.public_url = Some(v.origin()?);
    "base_path" Text "" "The path below which a reverse proxy serves Belfry, such as /belfry; by default the root of the host."
        => s.server.base_path = v.base_path()?;
    "name" Text "" "The name of this node in lists; by default the machine's host name." => s.server.name = v.text()?;

    ["database"]
    secret "url" Text "" "A PostgreSQL URL, postgres://user:password@host/name; by default SQLite in task.db of the data folder."
        => s.database.url = Some(database_url(v)?);
    "synchronous" Choice "\"normal\""
        "SQLite: normal (a power cut may lose the last seconds), or full (safe against power cuts, slower)."
        => s.database.synchronous = v.choice(&[("normal", Synchronous::Normal), ("full", Synchronous::Full)])?;
    "max_connections" Integer "10" "PostgreSQL: the maximum number of connections, 2 to 1000."
        => s.database.max_connections = v.number(2..=1000)?;

    ["log"]
    "level" Choice "\"info\"" "error, warn, info, debug or trace; RUST_LOG overrides it with rules per module."
        => s.log.level = v.choice(&LEVELS.map(|level| (level, level)))?.to_owned();
    "format" Choice "\"text\"" "text, or json (one object per line)."
        => s.log.format = v.choice(&[("text", LogFormat::Text), ("json", LogFormat::Json)])?;
    "file_max_mb" Integer "20" "The size at which scheduler.log is rotated to scheduler.log.1, 1 to 10000 MiB."
        => s.log.file_max_bytes = v.number::<u64>(1..=10_000)? << 20;
    "keep" Integer "5" "The number of rotated log files kept, 0 to 1000." => s.log.keep = v.number(0..=1000)?;

    ["workers"]
    "limit" Integer "64" "The maximum number of concurrent runs on this node, 1 to 10000."
        => s.workers.limit = v.number(1..=10_000)?;
    "shutdown_timeout_seconds" Integer "30"
        "How long a shutdown waits for running executions, 0 to 86400 seconds; then they are interrupted."
        => s.workers.shutdown_timeout = Duration::from_secs(v.number(0..=86_400)?);
    "output_limit_kb" Integer "1024" "The output kept per run, 1 to 1048576 KiB."
        => s.workers.output_limit = v.number::<usize>(1..=1_048_576)? << 10;

    ["workers.queues"]
    "*" Integer ""
        "A named queue and its maximum number of concurrent runs, 1 to 10000; tasks select it in their policy. The queue slow exists by default, with 16."
        => {
            check_name(name)?;
            s.workers.queues.insert(name.to_owned(), v.number(1..=10_000)?);
        };

    ["history"]
    "keep_days" Integer "90" "Executions older than this many days are deleted, 0 to 36500; 0 keeps all."
        => s.history.keep_days = v.number(0..=36_500)?;
    "keep_per_task" Integer "10000" "The number of executions kept per task, 0 to 1000000000; 0 keeps all."
        => s.history.keep_per_task = v.number(0..=1_000_000_000)?;

    ["auth"]
    "session_days" Integer "30" "A session ends this many days after the sign-in, 1 to 365."
        => s.auth.session_days = v.number(1..=365)?;
    "session_idle_hours" Integer "168" "A session ends after this many hours without use, 1 to 8760."
        => s.auth.session_idle_hours = v.number(1..=8760)?;
    "second_factor" Choice "\"optional\""
        "Two-factor authentication for sign-ins with a password: optional, or required (accounts without it must set it up first)."
        => s.auth.second_factor_required = v.choice(&[("optional", false), ("required", true)])?;

    ["commands"]
    "enabled" Boolean "true" "false disables the task types that can run arbitrary commands on this machine."
        => s.commands.enabled = v.boolean()?;
    "programs" TextList "[]"
        "The programs that tasks may start, by name or path, such as [\"python3\"]; if set, shell commands are not allowed. Empty: any."
        => s.commands.programs = v.texts()?;
    "folders" PathList "[]" "The folders that commands may use as working directory. Empty: any."
        => s.commands.folders = v.folders()?;
    "environment" TextList "[]" "The environment variables that templates in parameters may read as env.NAME. Empty: none."
        => s.commands.environment = v.texts()?;

    ["tasks"]
    "folder" Path "" "The folder whose executables are task types; by default tasks in the data folder."
        => s.tasks.folder = Some(PathBuf::from(v.text()?));
    "file" Path ""
        "A YAML or JSON file with tasks that Belfry applies at the start and whenever it changes; these tasks can be edited only there."
        => s.tasks.file = Some(PathBuf::from(v.text()?));

    ["files"]
    "folders" PathList "[]" "The folders whose files all tasks may read and write, in addition to files in the data folder."
        => s.files.folders = v.folders()?;

    ["files.*"]
    "folder" Path ""
        "A folder whose files tasks with one of the tags may read and write. Within a folder of files.folders it is closed to all other tasks."
        => {
            check_name(name)?;
            s.files.named.entry(name.to_owned()).or_default().path = v.folder()?;
        };
    "tags" TextList "" "The tags of the tasks that may use the folder; at least one."
        => {
            check_name(name)?;
            s.files.named.entry(name.to_owned()).or_default().tags = v.texts()?;
        };

    ["backup"]
    "folders" PathList "[]"
        "The folders that tasks of the type backup may write to, in addition to backups in the data folder. No task can read them."
        => s.backup.folders = v.folders()?;

    ["network"]
    "private_addresses" Boolean "true" "false: HTTP tasks may connect only to public addresses, not to private, loopback or other special-purpose ones."
        => s.network.private_addresses = v.boolean()?;

    ["secrets"]
    secret "key" Text ""
        "The encryption key of secrets, 32 bytes in base64; by default secret.key in the data folder, created on first use."
        => s.secrets.key = Some(Secret::new(v.text().map_err(|_| message!("setting.key"))?));
}

/// The log levels, from the least to the most verbose.
pub const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

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

/// The message with the nearest candidate, if one is near: `unknown key; did you mean …?`.
pub fn did_you_mean(unknown: Message, name: &str, candidates: impl Iterator<Item = String>) -> Message {
    let near = candidates.map(|word| (strsim::damerau_levenshtein(name, &word), word)).min();
    match near {
        Some((distance, word)) if distance <= 1 + word.len() / 4 => message!("setting.did_you_mean", unknown, word),
        _ => unknown,
    }
}

fn database_url(value: &Value) -> Result<Secret, Message> {
    let known = |text: &str| ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    match value.text() {
        Ok(text) if known(&text) => Ok(Secret::new(text)),
        // The value may contain a password, so it is not part of the message.
        _ => Err(message!("setting.not_database_url")),
    }
}
