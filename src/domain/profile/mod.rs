//! Profiles: named connection settings (mail servers, SMS providers, databases, HTTP services) that tasks refer to.

use std::collections::BTreeMap;

use super::input::truncate;
use super::notify::channel::ChannelSettings;
use super::text_enum::text_enum;

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

text_enum! {
    /// The kinds of profiles that administrators may store beside those of the settings; named after the section of the settings.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum ProfileKind {
        /// Mail servers.
        Smtp = "smtp",
        /// SMS providers.
        Sms = "sms",
        /// Databases.
        Datasource = "datasource",
        /// HTTP services.
        Http = "http",
    }
}

/// Profiles by kind and name.
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
    pub fn secrets(&self) -> Vec<Secret> {
        let smtp = self.smtp.values().flat_map(|smtp| [&smtp.password, &smtp.oauth_token]);
        let sms = self.sms.values().map(|sms| &sms.secret_key);
        let http = self.http.values().flat_map(|http| [&http.bearer, &http.password, &http.api_key, &http.token.app_secret]);
        let notify = self.notify.values().flat_map(|channel| {
            let credentials = &channel.credentials;
            [&credentials.secret, &credentials.token, &credentials.key]
        });
        // The password of a datasource may be part of its URL.
        let datasource = self.datasource.values().filter_map(|datasource| datasource.address().ok()?.password);
        smtp.chain(sms).chain(http).chain(notify).flatten().cloned().chain(datasource).collect()
    }

    /// Whether there is a profile of this kind and name.
    pub fn contains(&self, kind: ProfileKind, name: &str) -> bool {
        match kind {
            ProfileKind::Smtp => self.smtp.contains_key(name),
            ProfileKind::Sms => self.sms.contains_key(name),
            ProfileKind::Datasource => self.datasource.contains_key(name),
            ProfileKind::Http => self.http.contains_key(name),
        }
    }

    /// The number of profiles of a kind.
    pub fn count(&self, kind: ProfileKind) -> usize {
        match kind {
            ProfileKind::Smtp => self.smtp.len(),
            ProfileKind::Sms => self.sms.len(),
            ProfileKind::Datasource => self.datasource.len(),
            ProfileKind::Http => self.http.len(),
        }
    }

    /// Adds the profiles of `others` whose names are not taken.
    pub fn add_missing(&mut self, others: Profiles) {
        fn add<T>(own: &mut BTreeMap<String, T>, others: BTreeMap<String, T>) {
            for (name, profile) in others {
                own.entry(name).or_insert(profile);
            }
        }
        add(&mut self.smtp, others.smtp);
        add(&mut self.sms, others.sms);
        add(&mut self.datasource, others.datasource);
        add(&mut self.http, others.http);
        add(&mut self.notify, others.notify);
    }

    /// Validates the one profile of this kind and name.
    ///
    /// # Errors
    /// A message with the setting and the allowed values, without secrets.
    pub fn check(&self, kind: ProfileKind, name: &str) -> Result<(), Message> {
        match kind {
            ProfileKind::Smtp => self.smtp.get(name).cloned().unwrap_or_default().check(),
            ProfileKind::Sms => self.sms.get(name).cloned().unwrap_or_default().check(),
            ProfileKind::Datasource => self.datasource.get(name).cloned().unwrap_or_default().check(),
            ProfileKind::Http => self.http.get(name).cloned().unwrap_or_default().check(),
        }
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
    fn add_missing_keeps_profiles_of_the_same_name() {
        let smtp = |host: &str| Smtp { host: Some(host.into()), ..Smtp::default() };
        let of = |names: &[(&str, &str)]| Profiles {
            smtp: names.iter().map(|(name, host)| ((*name).to_owned(), smtp(host))).collect(),
            ..Profiles::default()
        };
        let mut profiles = of(&[("a", "file")]);
        profiles.add_missing(of(&[("a", "page"), ("b", "page")]));
        assert_eq!(profiles, of(&[("a", "file"), ("b", "page")]));
        assert!(profiles.contains(ProfileKind::Smtp, "b") && !profiles.contains(ProfileKind::Sms, "b"));
        assert_eq!(profiles.count(ProfileKind::Smtp), 2);
    }

    #[test]
    fn secrets_include_the_password_in_the_url_of_a_datasource() {
        let url = Datasource { url: Some(Secret::new("postgres://me:p%40ss@db/x")), ..Datasource::default() };
        let profiles = Profiles { datasource: [("a".to_owned(), url)].into(), ..Profiles::default() };
        assert_eq!(profiles.secrets(), [Secret::new("p@ss")]);
    }

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
