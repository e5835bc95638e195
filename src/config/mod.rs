//! Settings: typed, each with a default. Sources in order of precedence, lowest first: defaults, `belfry.toml`, `BELFRY_*`
//! environment variables, flags. An invalid setting stops the start with one line that names its origin, the setting and what
//! is allowed.

mod assignment;
mod environment;
mod error;
mod file;
mod http_limits;
mod profiles;
mod reference;
mod setting;
mod single_sign_on;
mod table;
mod value;
pub mod zone;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;

use crate::domain::profile::Profiles;
use crate::domain::single_sign_on::IdentityProvider;
use crate::i18n::message;

pub use environment::is_secret_variable;
pub use error::SettingsError;
pub use http_limits::{HttpLimits, ProxyHeader};
pub use profiles::stored::{profile_choices, profile_settings, read_profile};
pub use reference::markdown as settings_reference;
pub use setting::{Setting, ValueType};
pub use table::all as settings;

pub use crate::domain::secret::Secret;

/// All settings of a process.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The folder of the database, the log and all other files that Belfry writes.
    pub data_dir: PathBuf,
    pub server: Server,
    pub database: Database,
    pub log: Log,
    pub workers: Workers,
    pub history: History,
    pub auth: Auth,
    /// The identity provider of single sign-on; disabled without an issuer.
    pub oidc: IdentityProvider,
    pub commands: Commands,
    pub tasks: Tasks,
    pub files: Files,
    pub backup: Backup,
    pub network: Network,
    pub secrets: Secrets,
    /// Connections of task types: mail servers, SMS gateways, databases, HTTP services.
    pub profiles: Profiles,
    /// The first administrator, for unattended setup; only from environment variables.
    pub admin: Option<Admin>,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// `host:port`; port 0 chooses a free port.
    pub listen: String,
    /// The time zone of triggers without their own.
    pub zone: Tz,
    /// The name of this node in lists.
    pub name: String,
    /// The public URL of Belfry: scheme, host and port, without a path.
    pub public_url: Option<String>,
    /// The path below which a reverse proxy serves Belfry: empty, or with a leading and without a trailing slash.
    pub base_path: String,
    pub http: HttpLimits,
}

/// `[database]`
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// A PostgreSQL URL; `None`: SQLite in `task.db` of the data folder.
    pub url: Option<Secret>,
    pub synchronous: Synchronous,
    /// PostgreSQL only, 2 to 1000.
    pub max_connections: u32,
}

/// The durability of SQLite commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// Safe against a crash of the process; a power cut may lose the last seconds.
    Normal,
    /// Safe against power cuts too; slower.
    Full,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    pub format: LogFormat,
    /// `scheduler.log` is rotated before it exceeds this many bytes.
    pub file_max_bytes: u64,
    /// The number of rotated files kept.
    pub keep: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// `[workers]`
#[derive(Debug, Clone, PartialEq)]
pub struct Workers {
    /// The maximum number of concurrent runs on this node, 1 to 10000.
    pub limit: usize,
    /// How long a shutdown waits for running executions.
    pub shutdown_timeout: Duration,
    /// Bytes of output kept per run.
    pub output_limit: usize,
    /// Named queues with their maximum number of concurrent runs; `default` has `limit` if it is not named.
    pub queues: BTreeMap<String, usize>,
}

/// `[history]`; 0 keeps all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    pub keep_days: u32,
    /// Executions kept per task.
    pub keep_per_task: u64,
}

/// `[auth]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Auth {
    /// A session ends this many days after the sign-in.
    pub session_days: u32,
    /// A session ends after this many hours without use.
    pub session_idle_hours: u32,
    /// Accounts that sign in with a password must set up a second factor.
    pub second_factor_required: bool,
}

/// `[commands]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// False disables the task types that can run arbitrary commands on this machine.
    pub enabled: bool,
    /// Programs that may be started, by name or absolute path; empty: any.
    pub programs: Vec<String>,
    /// Folders that commands may use as working directory; empty: any.
    pub folders: Vec<PathBuf>,
    /// Environment variables of the server that parameters may read.
    pub environment: Vec<String>,
}

/// `[tasks]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tasks {
    /// The folder whose executables are task types; `None`: `tasks` in the data folder.
    pub folder: Option<PathBuf>,
    /// The tasks file; `None`: no tasks file.
    pub file: Option<PathBuf>,
}

/// `[files]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Folders whose files all tasks may read and write, in addition to `files` in the data folder.
    pub folders: Vec<PathBuf>,
    /// Folders for tasks with given tags, by name.
    pub named: BTreeMap<String, TaggedFolder>,
}

/// `[files.<name>]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaggedFolder {
    pub path: PathBuf,
    /// The tags of the tasks that may use the folder.
    pub tags: Vec<String>,
}

/// `[backup]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Folders that backups may be written to, in addition to `backups` in the data folder.
    pub folders: Vec<PathBuf>,
}

/// `[secrets]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The encryption key of secrets, 32 bytes in base64; `None`: a file in the data folder, created on first use.
    pub key: Option<Secret>,
}

/// `[network]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// False: HTTP tasks may connect only to public addresses, not to private, loopback or other special-purpose ones.
    pub private_addresses: bool,
}

/// The account to create if there is none yet (`BELFRY_ADMIN_USER`, `_PASSWORD`, `_TOKEN`).
#[derive(Debug, Clone, PartialEq)]
pub struct Admin {
    pub user: String,
    /// `None`: no sign-in with a password.
    pub password: Option<Secret>,
    pub token: Option<Secret>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./data"),
            server: Server {
                listen: "127.0.0.1:8398".into(),
                zone: zone::system_zone(),
                name: host_name(),
                public_url: None,
                base_path: String::new(),
                http: HttpLimits::default(),
            },
            database: Database { url: None, synchronous: Synchronous::Normal, max_connections: 10 },
            log: Log { level: "info".into(), format: LogFormat::Text, file_max_bytes: 20 << 20, keep: 5 },
            workers: Workers {
                limit: 64,
                shutdown_timeout: Duration::from_secs(30),
                output_limit: 1 << 20,
                queues: BTreeMap::from([("slow".to_owned(), 16)]),
            },
            history: History { keep_days: 90, keep_per_task: 10_000 },
            auth: Auth { session_days: 30, session_idle_hours: 168, second_factor_required: false },
            oidc: IdentityProvider::default(),
            commands: Commands { enabled: true, programs: Vec::new(), folders: Vec::new(), environment: Vec::new() },
            tasks: Tasks { folder: None, file: None },
            files: Files { folders: Vec::new(), named: BTreeMap::new() },
            backup: Backup { folders: Vec::new() },
            network: Network { private_addresses: true },
            secrets: Secrets { key: None },
            profiles: Profiles::default(),
            admin: None,
        }
    }
}

/// Validates the folders with tags once all settings are read.
fn check_folders(files: &Files) -> Result<(), SettingsError> {
    for (name, folder) in &files.named {
        if folder.path.as_os_str().is_empty() {
            return Err(SettingsError(message!("setting.no_folder").of(format!("[files.{name}]"))));
        }
        if folder.tags.is_empty() {
            return Err(SettingsError(message!("setting.no_tags").of(format!("[files.{name}]"))));
        }
    }
    Ok(())
}

/// The text of an I/O error, without the error number that Rust appends.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn host_name() -> String {
    sysinfo::System::host_name().ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "belfry".to_owned())
}

/// The sources of settings. Passed by the caller, so that tests need not change their own environment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`.
    pub config: Option<PathBuf>,
    pub environment: Vec<(OsString, OsString)>,
    /// In order; a later one overrides an earlier one.
    pub flags: Vec<Flag>,
}

/// A setting on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// As written: `--listen`, `--set workers.limit`.
    pub shown: String,
    /// `section.key`.
    pub setting: String,
    pub text: String,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first invalid setting, as one line for the user.
    pub fn load(sources: &Sources) -> Result<Settings, SettingsError> {
        let environment = environment::read(&sources.environment)?;
        let mut settings = Settings::default();
        let config = sources.config.clone().map(|path| ("--config", path));
        for assignment in file::read(config.or(environment.config.map(|path| ("BELFRY_CONFIG", path))))? {
            assignment.apply(&mut settings)?;
        }
        for assignment in environment.settings {
            assignment.apply(&mut settings)?;
        }
        for flag in &sources.flags {
            assignment::from_flag(flag)?.apply(&mut settings)?;
        }
        settings.admin = environment.admin;
        profiles::check(&settings.profiles)?;
        check_folders(&settings.files)?;
        single_sign_on::finish(&mut settings)?;
        Ok(settings)
    }

    /// Reads the settings with the environment variables of this process.
    pub fn from_process(config: Option<PathBuf>, flags: Vec<Flag>) -> Result<Settings, SettingsError> {
        Settings::load(&Sources { config, environment: std::env::vars_os().collect(), flags })
    }
}
