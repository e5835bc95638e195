//! A mail server and how to sign in to it: `[smtp.<name>]`.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::secret::Secret;

/// Without `timeout_seconds`.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A mail server as the settings give it. What is left out comes from the preset.
#[derive(Debug, Clone, PartialEq)]
pub struct Smtp {
    pub preset: Option<Preset>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub tls: Option<Tls>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// An access token for XOAUTH2, in the place of a password.
    pub oauth_token: Option<Secret>,
    /// The sender of mails that name none: an address, with a name in front or without.
    pub from: Option<String>,
    /// The longest wait for each of the server's answers.
    pub timeout: Duration,
    /// False: whatever certificate the server shows is taken.
    pub verify_tls: bool,
    /// Certificates (PEM) that are trusted besides the machine's.
    pub ca_file: Option<PathBuf>,
}

/// How a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the first byte, usually on port 465.
    Implicit,
    /// Plain at first, then TLS without fail, usually on port 587.
    Starttls,
    /// No TLS at all: for a server on the same machine.
    None,
}

impl Tls {
    /// The word for it, in the settings and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Tls::Implicit => "implicit",
            Tls::Starttls => "starttls",
            Tls::None => "none",
        }
    }
}

/// A mail service whose host, port and TLS are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    pub name: &'static str,
    pub host: &'static str,
    pub port: u16,
    pub tls: Tls,
    /// What people stumble over when they sign in there.
    pub hint: &'static str,
}

const CODE: &str = "this service wants an authorisation code made in the mailbox's settings, not the password";
const APP: &str = "this service wants an app password, not the password of the account";
const TOKEN: &str = "this service wants an oauth_token, or an account on which SMTP AUTH is switched on";
const PLAIN: &str = "";

/// The mail services there are presets for.
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

const fn preset(name: &'static str, host: &'static str, hint: &'static str) -> Preset {
    Preset { name, host, port: 465, tls: Tls::Implicit, hint }
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
    /// The server's name; empty in a profile that was not checked.
    pub fn host(&self) -> &str {
        self.host.as_deref().or(self.preset.map(|preset| preset.host)).unwrap_or_default()
    }

    /// How the connection is secured; TLS from the first byte unless said otherwise.
    pub fn tls(&self) -> Tls {
        self.tls.or(self.preset.map(|preset| preset.tls)).unwrap_or(Tls::Implicit)
    }

    /// The port: as given, else the preset's unless TLS was changed, else the usual one of the TLS.
    pub fn port(&self) -> u16 {
        let usual = match self.tls() {
            Tls::Implicit => 465,
            Tls::Starttls => 587,
            Tls::None => 25,
        };
        let of_preset = self.preset.filter(|preset| preset.tls == self.tls()).map(|preset| preset.port);
        self.port.or(of_preset).unwrap_or(usual)
    }

    /// The sender of mails that name none: `from`, or the user where that is an address.
    pub fn sender(&self) -> Option<&str> {
        self.from.as_deref().or(self.user.as_deref().filter(|user| user.contains('@')))
    }

    /// What is missing or does not go together.
    ///
    /// # Errors
    /// A message that names the key and what would be right; no secret is in it.
    pub fn check(&self) -> Result<(), String> {
        let names = || PRESETS.map(|preset| preset.name).join(", ");
        if self.host().is_empty() {
            return Err(format!("host is missing; give the mail server's name, or a preset: {}", names()));
        }
        if self.host().contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@')) {
            return Err("host is the mail server's name alone, such as smtp.example.com".to_owned());
        }
        if self.password.is_some() && self.oauth_token.is_some() {
            return Err("password and oauth_token are given; give one of them".to_owned());
        }
        match (&self.user, self.password.is_some() || self.oauth_token.is_some()) {
            (Some(_), false) => return Err("user is given without password or oauth_token".to_owned()),
            (None, true) => return Err("user is missing; password and oauth_token belong to a user".to_owned()),
            _ => {}
        }
        match &self.from {
            Some(from) if !from.contains('@') || from.contains(char::is_control) => {
                Err("from is an address, such as belfry@example.com or Belfry <belfry@example.com>".to_owned())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_wins_over_the_preset() {
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
    fn what_does_not_go_together_is_named() {
        let host = || Smtp { host: Some("h".into()), ..Smtp::default() };
        let secret = || Some(Secret::new("hunter2"));
        assert_eq!(host().check(), Ok(()));
        let faulty = [
            (Smtp::default(), "host is missing"),
            (Smtp { host: Some("smtp://h".into()), ..Smtp::default() }, "host is the mail server's name alone"),
            (Smtp { user: Some("u".into()), ..host() }, "user is given without"),
            (Smtp { password: secret(), ..host() }, "user is missing"),
            (Smtp { user: Some("u".into()), password: secret(), oauth_token: secret(), ..host() }, "give one of them"),
            (Smtp { from: Some("me".into()), ..host() }, "from is an address"),
        ];
        for (smtp, part) in faulty {
            let message = smtp.check().unwrap_err();
            assert!(message.contains(part) && !message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn the_sender_is_the_user_where_none_is_given() {
        let mut smtp = Smtp { user: Some("me@example.com".into()), ..Smtp::default() };
        assert_eq!(smtp.sender(), Some("me@example.com"));
        smtp.from = Some("Belfry <b@example.com>".into());
        assert_eq!(smtp.sender(), Some("Belfry <b@example.com>"));
        assert_eq!(Smtp { user: Some("me".into()), ..Smtp::default() }.sender(), None);
    }
}
