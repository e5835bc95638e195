//! Reads the `BELFRY_*` variables. One that names no setting is refused: a mistyped name would otherwise do nothing, in silence.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::given::{Given, Place, SettingsError};
use super::table::{self, Setting};
use super::value::Value;
use super::{Admin, Secret};
use crate::domain::user::{check_password, check_token, check_user_name};

/// What the variables give.
#[derive(Default)]
pub struct Environment {
    pub settings: Vec<Given>,
    /// `BELFRY_CONFIG`.
    pub config: Option<PathBuf>,
    pub admin: Option<Admin>,
}

const ADMIN_USER: &str = "BELFRY_ADMIN_USER";
const ADMIN_PASSWORD: &str = "BELFRY_ADMIN_PASSWORD";
const ADMIN_TOKEN: &str = "BELFRY_ADMIN_TOKEN";
const CONFIG: &str = "BELFRY_CONFIG";
/// The administrator's name where only a token or a password is given.
const DEFAULT_ADMIN: &str = "admin";
/// What the commands read by themselves: which server to ask, as whom, and in which language to answer.
const OF_COMMANDS: [&str; 4] = ["BELFRY_SERVER_URL", "BELFRY_TOKEN", "BELFRY_TOKEN_FILE", "BELFRY_LANG"];
/// Of the tests (`BELFRY_TEST_…`), and what Kubernetes and container links put in for a service named "belfry".
const FOREIGN: [&str; 3] = ["BELFRY_TEST_", "BELFRY_SERVICE_", "BELFRY_PORT"];

/// Reads what starts with `BELFRY_`. An empty value counts as not given.
///
/// # Errors
/// The first variable, by name, that is not understood.
pub fn read(variables: &[(OsString, OsString)]) -> Result<Environment, SettingsError> {
    let mut ours = with_files(of_belfry(variables)?)?;
    let mut read = Environment { config: ours.remove(CONFIG).map(PathBuf::from), ..Environment::default() };
    let mut take = |name| ours.remove(name);
    read.admin = admin(take(ADMIN_USER), take(ADMIN_PASSWORD), take(ADMIN_TOKEN))?;
    for (variable, text) in ours {
        let (setting, name) = table::of_variable(&variable).ok_or_else(|| unknown(&variable))?;
        read.settings.push(Given { setting, name, value: Value::Untyped(text), place: Place::Variable(variable) });
    }
    Ok(read)
}

fn of_belfry(variables: &[(OsString, OsString)]) -> Result<BTreeMap<String, String>, SettingsError> {
    let mut ours = BTreeMap::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with("BELFRY_")) else { continue };
        if FOREIGN.iter().any(|prefix| name.starts_with(prefix)) || OF_COMMANDS.contains(&name) || value.is_empty() {
            continue;
        }
        let value = value.to_str().ok_or_else(|| SettingsError(format!("{name}: is not UTF-8 text")))?;
        ours.insert(name.to_owned(), value.to_owned());
    }
    Ok(ours)
}

/// Secrets may stand in files: `BELFRY_DATABASE_URL_FILE=/run/secrets/url`.
fn with_files(mut ours: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, SettingsError> {
    let by_file: Vec<String> = ours.keys().filter(|name| name.strip_suffix("_FILE").is_some_and(is_secret)).cloned().collect();
    for by_file in by_file {
        let (name, path) = (by_file.trim_end_matches("_FILE").to_owned(), ours.remove(&by_file).unwrap_or_default());
        let text = std::fs::read_to_string(&path)
            .map_err(|error| SettingsError(format!("{by_file}: cannot read {path}: {}", super::reason(&error))))?;
        if ours.insert(name.clone(), text.trim_end_matches(['\r', '\n']).to_owned()).is_some() {
            return Err(SettingsError(format!("{by_file}: {name} is given too; give one of them")));
        }
    }
    Ok(ours)
}

fn secrets() -> impl Iterator<Item = String> {
    let settings = table::all().filter(|setting| setting.secret).map(Setting::variable);
    settings.chain([ADMIN_PASSWORD.to_owned(), ADMIN_TOKEN.to_owned()])
}

fn admin(user: Option<String>, password: Option<String>, token: Option<String>) -> Result<Option<Admin>, SettingsError> {
    if password.is_none() && token.is_none() {
        return match user {
            None => Ok(None),
            Some(_) => Err(SettingsError(format!("{ADMIN_USER}: give {ADMIN_PASSWORD} or {ADMIN_TOKEN} as well"))),
        };
    }
    let user = user.unwrap_or_else(|| DEFAULT_ADMIN.to_owned());
    check_user_name(&user).map_err(|message| by_variable(ADMIN_USER, &message))?;
    if let Some(password) = &password {
        check_password(password, &user).map_err(|message| by_variable(ADMIN_PASSWORD, &message))?;
    }
    if let Some(token) = &token {
        check_token(token).map_err(|message| by_variable(ADMIN_TOKEN, &message))?;
    }
    Ok(Some(Admin { user, password: password.map(Secret::new), token: token.map(Secret::new) }))
}

/// The domain's messages begin with their field; here the variable is the field.
fn by_variable(variable: &str, message: &str) -> SettingsError {
    let message = message.split_once(": ").map_or(message, |(_, rest)| rest);
    SettingsError(format!("{variable}: {message}"))
}

fn is_secret(variable: &str) -> bool {
    [ADMIN_PASSWORD, ADMIN_TOKEN].contains(&variable) || table::of_variable(variable).is_some_and(|(setting, _)| setting.secret)
}

fn unknown(variable: &str) -> SettingsError {
    let own = [CONFIG, ADMIN_USER, ADMIN_PASSWORD, ADMIN_TOKEN].map(str::to_owned);
    let all = table::all().map(Setting::variable).chain(own).chain(secrets().map(|name| format!("{name}_FILE")));
    SettingsError(format!("{variable}: names no setting{}", table::did_you_mean(variable, all)))
}
