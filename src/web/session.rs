//! Cookies: session, language, theme, sign-in state and flash message.

use std::time::Duration;

use data_encoding::HEXLOWER;
use poem::web::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};

pub const SESSION: &str = "belfry_session";
pub const LANGUAGE: &str = "belfry_lang";
pub const THEME: &str = "belfry_theme";
pub const FLASH: &str = "belfry_flash";
/// Binds a sign-in through the identity provider to the browser.
pub const PROVIDER: &str = "belfry_provider";
/// Token of a sign-in that awaits its second step.
pub const PENDING: &str = "belfry_pending";

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The session cookie: `HttpOnly`, `SameSite=Lax`, and `Secure` if the request came over TLS. It may outlive its session,
/// whose expiry the services check.
pub fn session_cookie(secret: &str, secure: bool) -> Cookie {
    cookie(SESSION, secret, Some(YEAR), true, secure)
}

/// A cookie for a preference, readable by scripts.
pub fn choice_cookie(name: &str, value: &str, secure: bool) -> Cookie {
    cookie(name, value, Some(YEAR), false, secure)
}

/// A cookie of a sign-in in progress: `HttpOnly`, valid for `seconds`.
pub fn short_cookie(name: &str, value: &str, seconds: u64, secure: bool) -> Cookie {
    cookie(name, value, Some(Duration::from_secs(seconds)), true, secure)
}

/// Returns a cookie that removes another.
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

/// A message for the next page: key of its text (after `flash.`), name of the object and a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    pub key: String,
    pub about: String,
    /// Path on this server, or empty.
    pub link: String,
}

impl Flash {
    pub fn new(key: &str, about: &str, link: &str) -> Self {
        Self { key: key.to_owned(), about: about.to_owned(), link: link.to_owned() }
    }

    pub fn cookie(&self, secure: bool) -> Cookie {
        let json = serde_json::json!([self.key, self.about, self.link]).to_string();
        cookie(FLASH, &HEXLOWER.encode(json.as_bytes()), Some(Duration::from_secs(60)), true, secure)
    }

    /// Parses the cookie; returns `None` if it is invalid.
    pub fn read(hex: &str) -> Option<Flash> {
        if hex.len() > 2048 {
            return None;
        }
        let bytes = HEXLOWER.decode(hex.as_bytes()).ok()?;
        let (key, about, link): (String, String, String) = serde_json::from_slice(&bytes).ok()?;
        let link = super::urls::local(&link).unwrap_or_default().to_owned();
        Some(Flash { key, about, link })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flash_cookie_round_trips_and_drops_foreign_links() {
        let flash = Flash::new("started", "日报", "/executions/1");
        assert_eq!(Flash::read(flash.cookie(false).value_str()), Some(flash));
        let foreign = Flash::new("started", "x", "https://evil");
        assert_eq!(Flash::read(foreign.cookie(false).value_str()).map(|f| f.link), Some(String::new()));
        assert_eq!(Flash::read("zz"), None);
    }
}
