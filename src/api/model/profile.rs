//! The response models of profiles that administrators store, and the parsers of their requests.

use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::named::{AnyValue, Timestamp};
use super::timestamp;
use crate::api::answer::resource;
use crate::api::error::Problem;
use crate::domain::input::Fields;
use crate::domain::profile::Http;
use crate::i18n::message;
use crate::service::ProfileInfo;

/// Maximum length of the URL of a test, in characters.
const URL_MAX: usize = 2_000;

view! {
    /// A mail server, SMS provider, datasource or HTTP service, without its secrets.
    #[oai(rename = "Profile", read_only_all)]
    pub struct ProfileView from (info: ProfileInfo) where
        (updated_at, updated_by) = info.updated.unzip();
    {
        /// The name that tasks use.
        name: String = info.name,
        /// `smtp`, `sms`, `datasource` or `http`.
        kind: String = info.kind.as_str().to_owned(),
        /// `file` for a profile of the settings file, which can be changed only there; otherwise null.
        managed_by: Option<String> = managed_by(info.from_file),
        /// 0 for a profile of the settings file.
        version: i64 = info.version,
        /// Its settings by key, as in the settings file, without secrets; null for a profile of the settings file, and if they cannot be
        /// decrypted with the present key.
        settings: AnyValue = AnyValue(info.values.map_or(Value::Null, Value::Object)),
        /// The keys of the secrets that are set.
        secrets: Vec<String> = info.secrets.into_iter().map(str::to_owned).collect(),
        /// The ids of the tasks that name it.
        tasks: Vec<String> = info.tasks,
        /// The notification channels that name it.
        channels: Vec<String> = info.channels,
        /// When it was changed last; null for a profile of the settings file.
        updated_at: Option<Timestamp> = updated_at.map(|at| timestamp(at, Tz::UTC)),
        updated_by: Option<String> = updated_by,
    }
}

resource!(ProfileView, "profile", Some(|profile| profile.version));

view! {
    /// An HTTP service that tasks may use.
    #[oai(rename = "HttpProfile", read_only_all)]
    pub struct HttpProfileView new(name: &str, http: &Http, from_file: bool) {
        /// The name that tasks use.
        name: String = name.to_owned(),
        /// Requests go below this URL.
        base_url: String = http.base_url.clone().unwrap_or_default(),
        /// `none`, `bearer`, `basic`, `api_key` or `token`.
        sign_in: String = http.sign_in().as_str().to_owned(),
        /// `file` for a profile of the settings file, which can be changed only there; otherwise null.
        managed_by: Option<String> = managed_by(from_file),
    }
}

/// The value of `managed_by`.
pub fn managed_by(from_file: bool) -> Option<String> {
    from_file.then(|| "file".to_owned())
}

/// Reads a new profile: its name and its settings, which the service checks.
///
/// # Errors
/// 422 without an object or a name, and for each null.
pub fn new_profile(body: &Value) -> Result<(String, Map<String, Value>), Problem> {
    let mut f = Fields::new(body, "");
    let is_named = body.get("name").is_some();
    let name = f.text("name", 64, "");
    if body.is_object() && !is_named {
        f.fault("name", message!("value.required"));
    }
    let mut values = settings(f, body)?;
    values.shift_remove("name");
    Ok((name, values))
}

/// Reads the settings of a profile, which the service checks.
///
/// # Errors
/// 422 without an object, and for each null.
pub fn changed_profile(body: &Value) -> Result<Map<String, Value>, Problem> {
    settings(Fields::new(body, ""), body)
}

fn settings(mut f: Fields, body: &Value) -> Result<Map<String, Value>, Problem> {
    let values = body.as_object().cloned().unwrap_or_default();
    values.keys().for_each(|key| drop(f.take(key)));
    f.finish(values).map_err(Problem::invalid)
}

/// Reads the URL of a test.
///
/// # Errors
/// 422 with every fault.
pub fn http_test(body: &Value) -> Result<String, Problem> {
    let mut f = Fields::new(body, "");
    let url = f.text("url", URL_MAX, "");
    f.finish(url).map_err(Problem::invalid)
}
