//! Datasource profiles: databases for SQL tasks (`[datasource.<name>]`).

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::input::truncate;
use crate::domain::secret::Secret;
use crate::i18n::{Message, message};

mod address;

pub use address::{Address, Engine, KNOWN_SCHEMES};

/// A database for SQL tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Datasource {
    /// The database URL; may contain user and password.
    pub url: Option<Secret>,
    /// Overrides the URL's.
    pub user: Option<String>,
    /// Overrides the URL's.
    pub password: Option<Secret>,
    /// The maximum number of concurrent runs on this database, 1 to 1000; further runs wait.
    pub max_connections: u32,
    pub connect_timeout: Duration,
    /// True: statements that change data are refused.
    pub read_only: bool,
    /// `None`: as in the URL, otherwise [`Tls::Prefer`].
    pub tls: Option<Tls>,
    /// CA certificates (PEM) trusted instead of the system's.
    pub tls_ca: Option<PathBuf>,
}

/// The TLS mode of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Never encrypted.
    Off,
    /// Encrypted if the server supports it.
    Prefer,
    /// Encryption is required; the certificate is not verified.
    Require,
    /// Encryption is required; the server's certificate and name are verified.
    Verify,
}

impl Tls {
    /// Parses the URL options: libpq's `sslmode` and MySQL's `ssl-mode`.
    fn from_mode(word: &str) -> Option<Tls> {
        match word.to_ascii_lowercase().as_str() {
            "disable" | "disabled" => Some(Tls::Off),
            "allow" | "prefer" | "preferred" => Some(Tls::Prefer),
            "require" | "required" => Some(Tls::Require),
            "verify-ca" | "verify-full" | "verify_ca" | "verify_identity" => Some(Tls::Verify),
            _ => None,
        }
    }
}

impl Default for Datasource {
    fn default() -> Self {
        Self {
            url: None,
            user: None,
            password: None,
            max_connections: 5,
            connect_timeout: Duration::from_secs(10),
            read_only: false,
            tls: None,
            tls_ca: None,
        }
    }
}

impl Datasource {
    /// Validates the profile.
    ///
    /// # Errors
    /// A message with the setting and the allowed values, without secrets.
    pub fn check(&self) -> Result<(), Message> {
        let address = self.address()?;
        if let Some(feature) = address.engine.missing_feature() {
            return Err(message!("datasource_profile.no_driver", database = address.engine.to_string(), feature).of("url"));
        }
        if let Some(mode) = address.option("mode").filter(|mode| !["ro", "rw", "rwc"].contains(mode)) {
            return Err(
                message!("value.not_one_of", value = format!("mode={}", truncate(mode, 20)), known = "ro, rw, rwc").of("url")
            );
        }
        match mode_of(&address) {
            Some(word) if Tls::from_mode(word).is_none() => {
                Err(message!("datasource_profile.tls_mode", known = "disable, prefer, require, verify-full").of("url"))
            }
            _ => Ok(()),
        }
    }

    /// The parsed URL; the settings' user and password override those in the URL.
    ///
    /// # Errors
    /// A message about the missing or invalid URL, without secrets.
    pub fn address(&self) -> Result<Address, Message> {
        let url = self.url.as_ref().ok_or_else(|| message!("datasource_profile.no_url", known = KNOWN_SCHEMES).of("url"))?;
        let mut address = Address::parse(url.reveal())?;
        address.user = self.user.clone().or(address.user);
        address.password = self.password.clone().or(address.password);
        Ok(address)
    }

    /// The TLS mode: the setting, else the URL's, else [`Tls::Prefer`].
    pub fn tls(&self, address: &Address) -> Tls {
        let by_url = || mode_of(address).and_then(Tls::from_mode);
        self.tls.or_else(by_url).unwrap_or(Tls::Prefer)
    }
}

fn mode_of(address: &Address) -> Option<&str> {
    address.option("sslmode").or(address.option("ssl-mode"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_override_the_url() {
        let source = Datasource {
            url: Some(Secret::new("postgres://me:old@db/x?sslmode=require")),
            password: Some(Secret::new("new")),
            ..Datasource::default()
        };
        let address = source.address().unwrap();
        assert_eq!((address.user.as_deref(), address.password.as_ref().map(Secret::reveal)), (Some("me"), Some("new")));
        assert_eq!(source.tls(&address), Tls::Require);
        assert_eq!(Datasource { tls: Some(Tls::Off), ..source }.tls(&address), Tls::Off);
    }

    #[test]
    fn check_rejects_invalid_urls() {
        let of = |url: &str| Datasource { url: Some(Secret::new(url)), ..Datasource::default() }.check();
        assert!(Datasource::default().check().unwrap_err().to_string().starts_with("url: is required"));
        assert!(of("mongodb://h/d").unwrap_err().to_string().contains("known are"));
        assert!(of("postgres://h/d?sslmode=maybe").is_err());
        assert!(of("sqlite://a.db?mode=memory").is_err());
        assert_eq!(of("odbc:Driver=X").is_ok(), cfg!(feature = "odbc"));
        assert_eq!(of("oracle://me@h/d").is_ok(), cfg!(feature = "oracle"));
        assert_eq!(of("mssql://sa:secret@h/d"), Ok(()));
    }
}
