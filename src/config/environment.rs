//! Reader of the `BELFRY_*` environment variables. Unknown names are rejected, so that a typo is not silently ignored.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::assignment::{Assignment, Origin};
use super::error::SettingsError;
use super::setting::Setting;
use super::table;
use super::value::Value;
use super::{Admin, Secret};
use crate::domain::user::{check_password, check_token, check_user_name};
use crate::i18n::{Message, message};

/// The values read from the environment.
#[derive(Default)]
pub struct Environment {
    pub settings: Vec<Assignment>,
    /// `BELFRY_CONFIG`.
    pub config: Option<PathBuf>,
    pub admin: Option<Admin>,
}

const ADMIN_USER: &str = "BELFRY_ADMIN_USER";
const ADMIN_PASSWORD: &str = "BELFRY_ADMIN_PASSWORD";
const ADMIN_TOKEN: &str = "BELFRY_ADMIN_TOKEN";
const CONFIG: &str = "BELFRY_CONFIG";
/// The administrator's name if only a token or a password is set.
const DEFAULT_ADMIN: &str = "admin";
/// The token that commands send to a server.
const TOKEN: &str = "BELFRY_TOKEN";
/// Variables that the commands read themselves: the server's URL, the token and the language.
const COMMAND_VARIABLES: [&str; 4] = ["BELFRY_SERVER_URL", TOKEN, "BELFRY_TOKEN_FILE", "BELFRY_LANG"];
/// Ignored prefixes: of the tests (`BELFRY_TEST_…`), and of variables that Kubernetes and container links set for a service named
/// "belfry".
const IGNORED_PREFIXES: [&str; 3] = ["BELFRY_TEST_", "BELFRY_SERVICE_", "BELFRY_PORT"];

/// Reads the variables that start with `BELFRY_`. An empty value counts as unset.
///
/// # Errors
/// The first invalid variable, in order of the names.
pub fn read(variables: &[(OsString, OsString)]) -> Result<Environment, SettingsError> {
    let mut ours = resolve_files(belfry_variables(variables)?)?;
    let mut read = Environment { config: ours.remove(CONFIG).map(PathBuf::from), ..Environment::default() };
    let mut take = |name| ours.remove(name);
    read.admin = admin(take(ADMIN_USER), take(ADMIN_PASSWORD), take(ADMIN_TOKEN))?;
    for (variable, text) in ours {
        let (setting, name) = table::find_by_variable(&variable).ok_or_else(|| unknown(&variable))?;
        read.settings.push(Assignment { setting, name, value: Value::Untyped(text), origin: Origin::Variable(variable) });
    }
    Ok(read)
}

fn belfry_variables(variables: &[(OsString, OsString)]) -> Result<BTreeMap<String, String>, SettingsError> {
    let mut ours = BTreeMap::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with("BELFRY_")) else { continue };
        if IGNORED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || COMMAND_VARIABLES.contains(&name) || value.is_empty()
        {
            continue;
        }
        let value = value.to_str().ok_or_else(|| SettingsError(message!("value.not_utf8").of(name)))?;
        ours.insert(name.to_owned(), value.to_owned());
    }
    Ok(ours)
}

/// Replaces variables that name a file with a secret, such as `BELFRY_DATABASE_URL_FILE=/run/secrets/url`, by its content.
fn resolve_files(mut ours: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, SettingsError> {
    let by_file: Vec<String> = ours.keys().filter(|name| name.strip_suffix("_FILE").is_some_and(is_secret)).cloned().collect();
    for by_file in by_file {
        let (name, path) = (by_file.trim_end_matches("_FILE").to_owned(), ours.remove(&by_file).unwrap_or_default());
        let text = std::fs::read_to_string(&path).map_err(|error| {
            SettingsError(message!("setting.unreadable", path = &path, reason = super::reason(&error)).of(&by_file))
        })?;
        if ours.insert(name.clone(), text.trim_end_matches(['\r', '\n']).to_owned()).is_some() {
            return Err(SettingsError(message!("setting.set_twice", name).of(by_file)));
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
            Some(_) => Err(SettingsError(
                message!("setting.admin_credential", password = ADMIN_PASSWORD, token = ADMIN_TOKEN).of(ADMIN_USER),
            )),
        };
    }
    let user = user.unwrap_or_else(|| DEFAULT_ADMIN.to_owned());
    check_user_name(&user).map_err(|message| by_variable(ADMIN_USER, message))?;
    if let Some(password) = &password {
        check_password(password, &user).map_err(|message| by_variable(ADMIN_PASSWORD, message))?;
    }
    if let Some(token) = &token {
        check_token(token).map_err(|message| by_variable(ADMIN_TOKEN, message))?;
    }
    Ok(Some(Admin { user, password: password.map(Secret::new), token: token.map(Secret::new) }))
}

/// The error of an account's field, with the variable in place of the field.
fn by_variable(variable: &str, message: Message) -> SettingsError {
    SettingsError(message.without_field().of(variable))
}

/// Whether a variable of the process holds a secret.
pub fn is_secret_variable(name: &str) -> bool {
    name == TOKEN || is_secret(name)
}

fn is_secret(variable: &str) -> bool {
    [ADMIN_PASSWORD, ADMIN_TOKEN].contains(&variable)
        || table::find_by_variable(variable).is_some_and(|(setting, _)| setting.secret)
}

fn unknown(variable: &str) -> SettingsError {
    let own = [CONFIG, ADMIN_USER, ADMIN_PASSWORD, ADMIN_TOKEN].map(str::to_owned);
    let all = table::all().map(Setting::variable).chain(own).chain(secrets().map(|name| format!("{name}_FILE")));
    SettingsError(table::did_you_mean(message!("setting.unknown"), variable, all).of(variable))
}
