//! SMTP profiles: a mail server and its credentials (`[smtp.<name>]`).

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::secret::Secret;
use crate::i18n::{Message, message};

/// The default of `timeout_seconds`.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A mail server in the settings. Absent values come from the preset.
#[derive(Debug, Clone, PartialEq)]
pub struct Smtp {
    pub preset: Option<Preset>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub tls: Option<Tls>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// An access token for XOAUTH2, instead of a password.
    pub oauth_token: Option<Secret>,
    /// The default sender: an address, optionally with a display name.
    pub from: Option<String>,
    /// The time limit of each server response.
    pub timeout: Duration,
    /// False: the server's certificate is not verified.
    pub verify_tls: bool,
    /// CA certificates (PEM) trusted in addition to the system's.
    pub ca_file: Option<PathBuf>,
}

/// The TLS mode of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the start, usually on port 465.
    Implicit,
    /// Required STARTTLS, usually on port 587.
    Starttls,
    /// No TLS, for a server on the same machine.
    None,
}

impl Tls {
    /// The name in the settings and in API responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Tls::Implicit => "implicit",
            Tls::Starttls => "starttls",
            Tls::None => "none",
        }
    }
}

/// The known host, port and TLS mode of a mail service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    pub name: &'static str,
    pub host: &'static str,
    pub port: u16,
    pub tls: Tls,
    /// What the service requires in place of the account's password.
    pub requires: Option<SignInSecret>,
}

/// What a mail service requires to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInSecret {
    /// A code created in the mailbox settings.
    AuthorisationCode,
    AppPassword,
    /// An OAuth token, unless SMTP AUTH is enabled for the account.
    OauthToken,
}

const CODE: Option<SignInSecret> = Some(SignInSecret::AuthorisationCode);
const APP: Option<SignInSecret> = Some(SignInSecret::AppPassword);
const TOKEN: Option<SignInSecret> = Some(SignInSecret::OauthToken);
const PLAIN: Option<SignInSecret> = None;

/// The presets of known mail services.
pub const PRESETS: [Preset; 10] = [
    preset("163", "smtp.163.com", CODE),
    preset("126", "smtp.126.com", CODE),
    preset("qq", "smtp.qq.com", CODE),
    preset("exmail", "smtp.exmail.qq.com", CODE),
    preset("aliyun", "smtp.aliyun.com", PLAIN),
    preset("aliyun-qiye", "smtp.qiye.aliyun.com", PLAIN),
    preset("feishu", "smtp.feishu.cn", CODE),
    preset("gmail", "smtp.gmail.com", APP),
    Preset { port: 587, tls: Tls::Starttls, ..preset("office365", "smtp.office365.com", TOKEN) },
    Preset { port: 587, tls: Tls::Starttls, ..preset("outlook", "smtp-mail.outlook.com", TOKEN) },
];

const fn preset(name: &'static str, host: &'static str, requires: Option<SignInSecret>) -> Preset {
    Preset { name, host, port: 465, tls: Tls::Implicit, requires }
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            preset: None,
            host: None,
            port: None,
            tls: None,
            user: None,
            password: None,
            oauth_token: None,
            from: None,
            timeout: TIMEOUT,
            verify_tls: true,
            ca_file: None,
        }
    }
}

impl Smtp {
    /// The server's host name; empty in an invalid profile.
    pub fn host(&self) -> &str {
        self.host.as_deref().or(self.preset.map(|preset| preset.host)).unwrap_or_default()
    }

    /// The TLS mode; [`Tls::Implicit`] by default.
    pub fn tls(&self) -> Tls {
        self.tls.or(self.preset.map(|preset| preset.tls)).unwrap_or(Tls::Implicit)
    }

    /// The port: as given, else the preset's if the TLS mode is the preset's, else the default of the TLS mode.
    pub fn port(&self) -> u16 {
        let usual = match self.tls() {
            Tls::Implicit => 465,
            Tls::Starttls => 587,
            Tls::None => 25,
        };
        let of_preset = self.preset.filter(|preset| preset.tls == self.tls()).map(|preset| preset.port);
        self.port.or(of_preset).unwrap_or(usual)
    }

    /// The default sender: `from`, or the user if that is an address.
    pub fn sender(&self) -> Option<&str> {
        self.from.as_deref().or(self.user.as_deref().filter(|user| user.contains('@')))
    }

    /// Validates the profile.
    ///
    /// # Errors
    /// A message with the setting and the allowed values, without secrets.
    pub fn check(&self) -> Result<(), Message> {
        let names = || PRESETS.map(|preset| preset.name).join(", ");
        if self.host().is_empty() {
            return Err(message!("smtp_profile.no_host", presets = names()));
        }
        if self.host().contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@')) {
            return Err(message!("smtp_profile.not_host"));
        }
        if self.password.is_some() && self.oauth_token.is_some() {
            return Err(message!("smtp_profile.two_credentials"));
        }
        match (&self.user, self.password.is_some() || self.oauth_token.is_some()) {
            (Some(_), false) => return Err(message!("smtp_profile.no_credential")),
            (None, true) => return Err(message!("smtp_profile.no_user")),
            _ => {}
        }
        match &self.from {
            Some(from) if !from.contains('@') || from.contains(char::is_control) => Err(message!("smtp_profile.from")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_override_the_preset() {
        let preset = |name: &str| PRESETS.iter().find(|preset| preset.name == name).copied();
        let mut smtp = Smtp { preset: preset("office365"), ..Smtp::default() };
        assert_eq!((smtp.host(), smtp.port(), smtp.tls()), ("smtp.office365.com", 587, Tls::Starttls));
        smtp.tls = Some(Tls::Implicit);
        assert_eq!(smtp.port(), 465, "another TLS, another usual port");
        (smtp.host, smtp.port) = (Some("relay".into()), Some(2525));
        assert_eq!((smtp.host(), smtp.port()), ("relay", 2525));
        assert_eq!((Smtp::default().port(), Smtp { tls: Some(Tls::None), ..Smtp::default() }.port()), (465, 25));
    }

    #[test]
    fn check_names_missing_and_conflicting_settings() {
        let host = || Smtp { host: Some("h".into()), ..Smtp::default() };
        let secret = || Some(Secret::new("hunter2"));
        assert_eq!(host().check(), Ok(()));
        let faulty = [
            (Smtp::default(), "host is missing"),
            (Smtp { host: Some("smtp://h".into()), ..Smtp::default() }, "host must be a host name only"),
            (Smtp { user: Some("u".into()), ..host() }, "user is given without"),
            (Smtp { password: secret(), ..host() }, "user is missing"),
            (Smtp { user: Some("u".into()), password: secret(), oauth_token: secret(), ..host() }, "give one of them"),
            (Smtp { from: Some("me".into()), ..host() }, "from is an address"),
        ];
        for (smtp, part) in faulty {
            let message = smtp.check().unwrap_err().to_string();
            assert!(message.contains(part) && !message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn sender_defaults_to_the_user() {
        let mut smtp = Smtp { user: Some("me@example.com".into()), ..Smtp::default() };
        assert_eq!(smtp.sender(), Some("me@example.com"));
        smtp.from = Some("Belfry <b@example.com>".into());
        assert_eq!(smtp.sender(), Some("Belfry <b@example.com>"));
        assert_eq!(Smtp { user: Some("me".into()), ..Smtp::default() }.sender(), None);
    }
}
