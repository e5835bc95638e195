//! The settings of profiles: tables with a name chosen by the user, such as `[smtp.office]`.

use super::error::SettingsError;
use super::setting::{Setting, check_name};
use crate::domain::profile::Profiles;
use crate::i18n::Message;

mod datasource;
mod http;
mod notify;
mod sms;
mod smtp;
pub mod stored;

pub(super) const SETTINGS: &[&[Setting]] =
    &[smtp::SETTINGS, sms::SETTINGS, datasource::SETTINGS, http::SETTINGS, notify::SETTINGS];

/// The words of a list of choices.
fn words<T>(choices: &[(&'static str, T)]) -> Vec<&'static str> {
    choices.iter().map(|(word, _)| *word).collect()
}

/// Validates the profiles once all settings are read.
pub(super) fn check(profiles: &Profiles) -> Result<(), SettingsError> {
    fn each<'a, T: 'a>(
        kind: &str,
        profiles: impl IntoIterator<Item = (&'a String, &'a T)>,
        check: impl Fn(&T) -> Result<(), Message>,
    ) -> Result<(), SettingsError> {
        let faulty = profiles.into_iter().find_map(|(name, profile)| {
            let fault = check_name(name).and_then(|()| check(profile)).err()?;
            Some(SettingsError(fault.of(format!("[{kind}.{name}]"))))
        });
        faulty.map_or(Ok(()), Err)
    }
    each("smtp", &profiles.smtp, |profile| profile.check())?;
    each("sms", &profiles.sms, |profile| profile.check())?;
    each("datasource", &profiles.datasource, |profile| profile.check())?;
    each("http", &profiles.http, |profile| profile.check())?;
    each("notify", &profiles.notify, |channel| channel.check())
}
