//! Profiles: named connection settings (mail servers, SMS providers, databases, HTTP services) that tasks refer to.

use std::collections::BTreeMap;

use super::input::truncate;
use super::notify::channel::ChannelSettings;

pub mod datasource;
pub mod http;
pub mod sms;
pub mod smtp;

pub use datasource::Datasource;
pub use http::Http;
pub use sms::Sms;
pub use smtp::Smtp;

use crate::domain::secret::Secret;
use crate::i18n::{Message, message};

/// The profiles of the settings, by kind and name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profiles {
    pub smtp: BTreeMap<String, Smtp>,
    pub sms: BTreeMap<String, Sms>,
    pub datasource: BTreeMap<String, Datasource>,
    pub http: BTreeMap<String, Http>,
    /// Notification channels.
    pub notify: BTreeMap<String, ChannelSettings>,
}

impl Profiles {
    /// The secrets of all profiles, to be masked in output.
    pub fn secrets(&self) -> Vec<&Secret> {
        let smtp = self.smtp.values().flat_map(|smtp| [&smtp.password, &smtp.oauth_token]);
        let sms = self.sms.values().map(|sms| &sms.secret_key);
        let datasource = self.datasource.values().map(|datasource| &datasource.password);
        let http = self.http.values().flat_map(|http| [&http.bearer, &http.password, &http.api_key, &http.token.app_secret]);
        let notify = self.notify.values().flat_map(|channel| {
            let credentials = &channel.credentials;
            [&credentials.secret, &credentials.token, &credentials.key]
        });
        smtp.chain(sms).chain(datasource).chain(http).chain(notify).flatten().collect()
    }
}

/// The profile with this name; without a name, the only profile. `kind` is the settings section, such as `smtp`.
///
/// # Errors
/// A message with the existing names.
pub fn choose<'p, T>(kind: &str, profiles: &'p BTreeMap<String, T>, name: Option<&str>) -> Result<(&'p str, &'p T), Message> {
    let names = || profiles.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut all = profiles.iter();
    match (name, all.next(), all.next()) {
        (_, None, _) => Err(message!("profile.none", kind)),
        (None, Some((name, only)), None) => Ok((name, only)),
        (None, ..) => Err(message!("profile.several", known = names())),
        (Some(name), ..) => match profiles.get_key_value(name) {
            Some((name, found)) => Ok((name, found)),
            None => Err(message!("profile.unknown", kind, name = truncate(name, 64), known = names())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_profile_needs_no_name() {
        let mut profiles = BTreeMap::new();
        let refused = |name| choose("x", &profiles, name).map_err(|message| message.to_string());
        assert_eq!(refused(None), Err("there is no [x.<name>] in the settings".into()));
        profiles.insert("a".to_owned(), 1);
        assert_eq!((choose("x", &profiles, None), choose("x", &profiles, Some("a"))), (Ok(("a", &1)), Ok(("a", &1))));
        profiles.insert("b".to_owned(), 2);
        assert_eq!(choose("x", &profiles, Some("b")), Ok(("b", &2)));
        let refused = |name| choose("x", &profiles, name).map_err(|message| message.to_string());
        assert_eq!(refused(None), Err("name one of a, b; there are several in the settings".into()));
        assert_eq!(refused(Some("c")), Err("there is no [x.c] in the settings; there is a, b".into()));
    }
}
