//! The cookies: the session, the language, the theme, and a message for the next page.

use std::time::Duration;

use poem::web::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};

pub const SESSION: &str = "belfry_session";
pub const LANGUAGE: &str = "belfry_lang";
pub const THEME: &str = "belfry_theme";
pub const FLASH: &str = "belfry_flash";
/// What a browser is known by when it comes back from the identity provider.
pub const PROVIDER: &str = "belfry_provider";
/// Stands for a sign-in whose second step is to come.
pub const PENDING: &str = "belfry_pending";

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The session's cookie: out of reach for scripts and other sites, and over TLS alone where the request came by TLS. It may
/// outlive its session, whose end the services decide.
pub fn session_cookie(secret: &str, secure: bool) -> Cookie {
    cookie(SESSION, secret, Some(YEAR), true, secure)
}

/// A cookie that keeps a choice of the reader.
pub fn choice_cookie(name: &str, value: &str, secure: bool) -> Cookie {
    cookie(name, value, Some(YEAR), false, secure)
}

/// A cookie of a sign-in under way: out of reach for scripts, for so many seconds.
pub fn short_cookie(name: &str, value: &str, seconds: u64, secure: bool) -> Cookie {
    cookie(name, value, Some(Duration::from_secs(seconds)), true, secure)
}

/// Takes a cookie back.
pub fn removal(name: &str) -> Cookie {
    let mut cookie = cookie(name, "", Some(Duration::ZERO), true, false);
    cookie.make_removal();
    cookie
}

fn cookie(name: &str, value: &str, age: Option<Duration>, http_only: bool, secure: bool) -> Cookie {
    let mut cookie = Cookie::new_with_str(name, value);
    cookie.set_path("/");
    cookie.set_http_only(http_only);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(secure);
    if let Some(age) = age {
        cookie.set_max_age(age);
    }
    cookie
}

/// A message shown once, on the next page: the key of its text (below `flash.`), what it is about, and where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    pub key: String,
    pub about: String,
    /// A path of this server, or empty.
    pub link: String,
}

impl Flash {
    pub fn new(key: &str, about: &str, link: &str) -> Self {
        Self { key: key.to_owned(), about: about.to_owned(), link: link.to_owned() }
    }

    pub fn cookie(&self, secure: bool) -> Cookie {
        let json = serde_json::json!([self.key, self.about, self.link]).to_string();
        let hex: String = json.bytes().map(|byte| format!("{byte:02x}")).collect();
        cookie(FLASH, &hex, Some(Duration::from_secs(60)), true, secure)
    }

    /// Reads the cookie; a foreign or broken one is no message.
    pub fn read(hex: &str) -> Option<Flash> {
        let digits = hex.as_bytes();
        if digits.len() > 2048 || !digits.len().is_multiple_of(2) {
            return None;
        }
        let digit = |byte: u8| (byte as char).to_digit(16).map(|d| d as u8);
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?)).collect();
        let (key, about, link): (String, String, String) = serde_json::from_slice(&bytes?).ok()?;
        let link = super::urls::local(&link).unwrap_or_default().to_owned();
        Some(Flash { key, about, link })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back_and_links_nowhere_else() {
        let flash = Flash::new("started", "日报", "/executions/1");
        assert_eq!(Flash::read(flash.cookie(false).value_str()), Some(flash));
        let foreign = Flash::new("started", "x", "https://evil");
        assert_eq!(Flash::read(foreign.cookie(false).value_str()).map(|f| f.link), Some(String::new()));
        assert_eq!(Flash::read("zz"), None);
    }
}
