//! Cookies: session, language, theme, sign-in state and flash message.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use data_encoding::HEXLOWER;
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
    cookie(SESSION, secret, YEAR, true, secure)
}

/// A cookie for a preference, readable by scripts.
pub fn choice_cookie(name: &str, value: &str, secure: bool) -> Cookie {
    cookie(name, value, YEAR, false, secure)
}

/// A cookie of a sign-in in progress: `HttpOnly`, valid for `seconds`.
pub fn short_cookie(name: &str, value: &str, seconds: u64, secure: bool) -> Cookie {
    cookie(name, value, Duration::from_secs(seconds), true, secure)
}

/// Returns a cookie that removes another.
pub fn removal(name: &str) -> Cookie {
    cookie(name, "", Duration::ZERO, true, false)
}

fn cookie(name: &str, value: &str, age: Duration, http_only: bool, secure: bool) -> Cookie {
    Cookie { name: name.to_owned(), value: value.to_owned(), age, http_only, secure }
}

/// A cookie to be set; displayed as the value of `Set-Cookie`. Names and values consist of characters that need no quoting.
pub struct Cookie {
    name: String,
    value: String,
    age: Duration,
    http_only: bool,
    secure: bool,
}

impl Display for Cookie {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, value, age, http_only, secure } = self;
        let http_only = if *http_only { "; HttpOnly" } else { "" };
        let secure = if *secure { "; Secure" } else { "" };
        write!(f, "{name}={value}{http_only}; SameSite=Lax{secure}; Path=/; Max-Age={}", age.as_secs())
    }
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
        cookie(FLASH, &HEXLOWER.encode(json.as_bytes()), Duration::from_secs(60), true, secure)
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
        assert_eq!(Flash::read(&flash.cookie(false).value), Some(flash));
        let foreign = Flash::new("started", "x", "https://evil");
        assert_eq!(Flash::read(&foreign.cookie(false).value).map(|f| f.link), Some(String::new()));
        assert_eq!(Flash::read("zz"), None);
    }

    #[test]
    fn cookies_are_limited_to_this_site() {
        let all = [session_cookie("s3", true), choice_cookie(THEME, "dark", false), removal(PENDING)];
        assert_eq!(
            all.map(|cookie| cookie.to_string()),
            [
                "belfry_session=s3; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=31536000",
                "belfry_theme=dark; SameSite=Lax; Path=/; Max-Age=31536000",
                "belfry_pending=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
            ]
        );
    }
}
