//! Settings: typed, each with a default, so that none at all is a working set. They are laid over one another in this
//! order: defaults, `belfry.toml`, `BELFRY_*` variables, flags. Whatever is not understood stops the start with one line
//! that names the place, the setting and what would be right.

mod environment;
mod file;
mod gate;
mod given;
mod profiles;
mod single_sign_on;
mod table;
mod value;
mod zone;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;

use crate::domain::profile::Profiles;
use crate::domain::single_sign_on::IdentityProvider;

pub use gate::{Gate, ProxyHeader};
pub use given::SettingsError;
pub use table::{Setting, all as settings};

pub use crate::domain::secret::Secret;

/// All settings of a process.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Holds the database, the log and whatever else Belfry writes.
    pub data_dir: PathBuf,
    pub server: Server,
    pub database: Database,
    pub log: Log,
    pub workers: Workers,
    pub history: History,
    pub auth: Auth,
    /// The identity provider of single sign-on; without an issuer there is none.
    pub oidc: IdentityProvider,
    pub commands: Commands,
    pub tasks: Tasks,
    pub files: Files,
    pub network: Network,
    pub secrets: Secrets,
    /// What task types sign in to: mail servers, SMS gateways, databases, HTTP services.
    pub profiles: Profiles,
    /// The first administrator, for set-ups without hands; from variables alone.
    pub admin: Option<Admin>,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// `host:port`; port 0 takes a free one.
    pub listen: String,
    /// The zone of triggers that name none.
    pub zone: Tz,
    /// What this node is called in the lists of people.
    pub name: String,
    /// Where readers reach Belfry from outside: scheme, host and port, without a path.
    pub public_url: Option<String>,
    pub gate: Gate,
}

/// `[database]`
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// PostgreSQL; `None`: SQLite in `task.db` of the data folder.
    pub url: Option<Secret>,
    pub synchronous: Synchronous,
    /// PostgreSQL only, 2 to 1000.
    pub max_connections: u32,
}

/// How far SQLite goes before a change counts as made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// Safe against a crash of the process; a power cut may take the last seconds.
    Normal,
    /// Safe against a power cut too, and slower.
    Full,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    pub format: LogFormat,
    /// `scheduler.log` is set aside when it would grow past this many bytes.
    pub file_max_bytes: u64,
    /// How many set-aside files are kept.
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
    /// Runs at once on this node, 1 to 10000.
    pub limit: usize,
    /// What running work is given to end when the server stops.
    pub shutdown_timeout: Duration,
    /// Bytes of output kept of one run.
    pub output_limit: usize,
    /// Named queues, each with its own limit of runs at once; `default` is bounded by `limit` alone where it is not named.
    pub queues: BTreeMap<String, usize>,
}

/// `[history]`; zero keeps all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    pub keep_days: u32,
    /// Executions kept of one task.
    pub keep_per_task: u64,
}

/// `[auth]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Auth {
    /// A sign-in ends after this long.
    pub session_days: u32,
    /// A sign-in ends after this long without use.
    pub session_idle_hours: u32,
    /// Whoever signs in by password must set up a second factor.
    pub second_factor_required: bool,
}

/// `[commands]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// False: task types that can do anything on this machine are neither offered nor run.
    pub enabled: bool,
    /// Programs that may be started, by name or whole path; empty: any.
    pub programs: Vec<String>,
    /// Folders in which commands may work; empty: any.
    pub folders: Vec<PathBuf>,
    /// Variables of the server's environment that parameters may read.
    pub environment: Vec<String>,
}

/// `[tasks]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tasks {
    /// The folder whose executables are task types; `None`: `tasks` in the data folder.
    pub folder: Option<PathBuf>,
    /// The file that says how tasks are to be; `None`: none does.
    pub file: Option<PathBuf>,
}

/// `[files]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Folders whose files task types may read and write, beside Belfry's own data folder's `files`.
    pub folders: Vec<PathBuf>,
}

/// `[secrets]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The key that secrets are encrypted with, 32 bytes in base64; `None`: in a file of the data folder, made on first use.
    pub key: Option<Secret>,
}

/// `[network]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// False: task types reach no private, loopback or link-local addresses over HTTP.
    pub private_addresses: bool,
}

/// The account to make where there is none yet (`BELFRY_ADMIN_USER`, `_PASSWORD`, `_TOKEN`).
#[derive(Debug, Clone, PartialEq)]
pub struct Admin {
    pub user: String,
    /// `None`: no sign-in by password.
    pub password: Option<Secret>,
    pub token: Option<Secret>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./data"),
            server: Server {
                listen: "127.0.0.1:8398".into(),
                zone: zone::of_machine(),
                name: host_name(),
                public_url: None,
                gate: Gate::default(),
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
            files: Files { folders: Vec::new() },
            network: Network { private_addresses: true },
            secrets: Secrets { key: None },
            profiles: Profiles::default(),
            admin: None,
        }
    }
}

/// An input or output error in words, without the number that Rust adds.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn host_name() -> String {
    sysinfo::System::host_name().ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "belfry".to_owned())
}

/// Where settings are read from. Given by the caller, so that tests need not touch their own environment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`.
    pub config: Option<PathBuf>,
    pub environment: Vec<(OsString, OsString)>,
    /// In the order given; a later one wins.
    pub flags: Vec<Flag>,
}

/// A setting given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// As it was written: `--listen`, `--set workers.limit`.
    pub shown: String,
    /// `section.key`.
    pub setting: String,
    pub text: String,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first thing that is not right, as one line for people.
    pub fn load(sources: &Sources) -> Result<Settings, SettingsError> {
        let environment = environment::read(&sources.environment)?;
        let mut settings = Settings::default();
        let config = sources.config.clone().map(|path| ("--config", path));
        for given in file::read(config.or(environment.config.map(|path| ("BELFRY_CONFIG", path))))? {
            given.apply(&mut settings)?;
        }
        for given in environment.settings {
            given.apply(&mut settings)?;
        }
        for flag in &sources.flags {
            given::from_flag(flag)?.apply(&mut settings)?;
        }
        settings.admin = environment.admin;
        profiles::check(&settings.profiles)?;
        single_sign_on::finish(&mut settings)?;
        Ok(settings)
    }

    /// Reads the settings from the process's own environment.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn of_process(config: Option<PathBuf>, flags: Vec<Flag>) -> Result<Settings, SettingsError> {
        Settings::load(&Sources { config, environment: std::env::vars_os().collect(), flags })
    }
}
