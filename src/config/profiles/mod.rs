//! The settings of profiles: tables with a name chosen by the user, such as `[smtp.office]`.

use super::error::SettingsError;
use super::setting::{Setting, check_name};
use super::value::Value;
use crate::domain::profile::Profiles;
use crate::domain::secret::Secret;

mod datasource;
mod http;
mod sms;
mod smtp;

pub(super) const SETTINGS: &[&[Setting]] = &[smtp::SETTINGS, sms::SETTINGS, datasource::SETTINGS, http::SETTINGS];

/// Validates the profiles once all settings are read.
pub(super) fn check(profiles: &Profiles) -> Result<(), SettingsError> {
    fn each<'a, T: 'a>(
        kind: &str,
        profiles: impl IntoIterator<Item = (&'a String, &'a T)>,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> Result<(), SettingsError> {
        let faulty = profiles.into_iter().find_map(|(name, profile)| {
            let fault = check_name("profile", name).and_then(|()| check(profile)).err()?;
            Some(SettingsError(format!("[{kind}.{name}]: {fault}")))
        });
        faulty.map_or(Ok(()), Err)
    }
    each("smtp", &profiles.smtp, |profile| profile.check())?;
    each("sms", &profiles.sms, |profile| profile.check())?;
    each("datasource", &profiles.datasource, |profile| profile.check())?;
    each("http", &profiles.http, |profile| profile.check())
}

/// A secret; its value is not part of error messages.
fn secret(value: &Value) -> Result<Secret, String> {
    let text = value.text().map_err(|_| "the value is not a non-empty string".to_owned())?;
    Ok(Secret::new(text))
}
