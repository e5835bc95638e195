//! The target of a request: a URL, which must be below the base URL of the profile if one is named.

use std::collections::BTreeMap;

use reqwest::Url;

use super::advice;
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::domain::profile::Http;
use crate::i18n::{Message, message};

/// The profile of this name.
pub(super) fn profile<'p>(profiles: &'p BTreeMap<String, Http>, name: &str) -> Result<&'p Http, Fault> {
    profiles.get(name).ok_or_else(|| {
        let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
        let name = truncate(name, 64);
        let message = match known[..] {
            [] => message!("http.no_profiles", name),
            _ => message!("http.unknown_profile", name, known = known.join(", ")),
        };
        Fault::new("/http", message.of("http"))
    })
}

/// The URL of a request. With a profile it may be relative to the profile's base URL, and must be below it.
pub(super) fn url(text: &str, profile: Option<&Http>) -> Result<Url, Fault> {
    match profile.and_then(|profile| profile.base_url.as_deref()) {
        None => read(text.trim()).map_err(|fault| advice::fault(text.trim(), false).unwrap_or(fault)),
        Some(base) => below(text.trim(), base),
    }
}

fn below(text: &str, base: &str) -> Result<Url, Fault> {
    let base = read(&format!("{}/", base.trim_end_matches('/')))?;
    let is_whole = text.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let url = if is_whole { read(text)? } else { read(&format!("{base}{}", text.trim_start_matches('/')))? };
    let slashed = format!("{}/", url.path());
    if url.origin() != base.origin() || !slashed.starts_with(base.path()) {
        return Err(fault(message!("http.url_outside_base", base = base.as_str())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault(message!("http.url_with_credentials")));
    }
    Ok(url)
}

fn read(text: &str) -> Result<Url, Fault> {
    let url = Url::parse(text).map_err(|error| fault(message!("http.url_invalid", error = error.to_string())))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "http" | "https" => Err(fault(message!("http.url_no_host"))),
        other => Err(fault(message!("http.url_scheme", scheme = truncate(other, 40)))),
    }
}

fn fault(message: Message) -> Fault {
    Fault::new("/url", message.of("url"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_must_be_below_the_base_url_of_the_profile() {
        let profile = Http { base_url: Some("https://api.example.com/v1".into()), ..Http::default() };
        let read = |text: &str| url(text, Some(&profile)).map(String::from).map_err(|fault| fault.message.to_string());
        for below in ["users?a=1", "/users?a=1", "https://api.example.com/v1/users?a=1"] {
            assert_eq!(read(below).as_deref(), Ok("https://api.example.com/v1/users?a=1"));
        }
        assert_eq!(read("").as_deref(), Ok("https://api.example.com/v1/"));
        assert_eq!(read("https://api.example.com/v1").as_deref(), Ok("https://api.example.com/v1"));
        assert_eq!(read("login?next=https://elsewhere.example/").map(|url| url.contains("/v1/login")), Ok(true));
        let away = [
            "../v2",
            "/%2e%2e/v2",
            "https://evil.example/v1/",
            "http://api.example.com/v1/",
            "https://api.example.com:8443/v1/",
            "https://api.example.com/v10",
            "//evil.example/../..",
            "https://me:pw@api.example.com/v1/x",
        ];
        for url in away {
            let refused = read(url);
            let harmless = refused.as_ref().is_ok_and(|url| url.starts_with("https://api.example.com/v1/"));
            assert!(refused.is_err() || harmless, "{url}: {refused:?}");
        }
        assert!(read("../v2").unwrap_err().contains("must be below https://api.example.com/v1/"));
    }
}
