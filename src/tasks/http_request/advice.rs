//! Advice on a mistyped URL: the corrected form.

use reqwest::Url;
use serde_json::Value;

use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::i18n::message;

/// Schemes that are no misspelt `http`.
const OTHER_SCHEMES: [&str; 10] = ["file", "ftp", "ftps", "ldap", "mailto", "sftp", "ssh", "tcp", "ws", "wss"];

/// The fault of the parameter `url` of a task that is saved, unless another one is known.
pub(super) fn url_fault(params: &Value, known: &[Fault]) -> Option<Fault> {
    let text = params.get("url")?.as_str()?.trim();
    let is_relative = params.get("http").is_some();
    if known.iter().any(|fault| fault.pointer == "/url") {
        return None;
    }
    fault(text, is_relative)
}

/// The fault of a URL for which there is advice. One relative to a profile has no scheme of its own.
pub(super) fn fault(text: &str, is_relative: bool) -> Option<Fault> {
    let suggestion = corrected(text, is_relative).filter(|suggestion| suggestion != text)?;
    Some(Fault::new("/url", message!("http.url_write", url = truncate(&suggestion, 300)).of("url")))
}

/// The URL as it should be written.
fn corrected(text: &str, is_relative: bool) -> Option<String> {
    let typed = half_width(text);
    let is_whole = typed.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let url = if is_relative && !is_whole { typed } else { with_scheme(&typed)? };
    let url = url.replace(char::is_whitespace, "%20");
    (is_relative || Url::parse(&url).is_ok_and(|url| url.has_host())).then_some(url)
}

/// Full-width letters, digits and punctuation as ASCII, and blanks of any width.
fn half_width(text: &str) -> String {
    let ascii = |character: char| match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        '。' => '.',
        '、' => '/',
        _ => character,
    };
    text.chars().filter(|character| !matches!(character, '\u{200b}'..='\u{200d}' | '\u{feff}')).map(ascii).collect()
}

/// The URL with the scheme that was meant: a misspelt one is corrected, a missing one is `https`, or `http` for a host of the local
/// network.
fn with_scheme(text: &str) -> Option<String> {
    let word = &text[..text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len())];
    let rest = &text[word.len()..];
    let after = rest.trim_start_matches([':', ';', ',', '.', ' ']).trim_start_matches(['/', '\\']);
    let has_separator =
        rest.starts_with([':', ';']) || rest.starts_with("//") || rest.starts_with("\\\\") || rest.starts_with(".//");
    match meant(&word.to_ascii_lowercase()).filter(|_| has_separator) {
        // Written twice.
        Some(_) if ["http:", "https:"].iter().any(|scheme| after.to_ascii_lowercase().starts_with(scheme)) => with_scheme(after),
        Some(scheme) if rest.starts_with("://") && word.eq_ignore_ascii_case(scheme) && !rest[3..].starts_with(['/', '\\']) => {
            Some(text.to_owned())
        }
        Some(scheme) => Some(format!("{scheme}://{after}")),
        None if rest.starts_with("://") => None,
        None if OTHER_SCHEMES.contains(&word) && rest.starts_with(':') => None,
        None => without_scheme(text.trim_start_matches([':', '/', '\\'])),
    }
}

/// `http` or `https`, if the word is one of them or a misspelling.
fn meant(word: &str) -> Option<&'static str> {
    if OTHER_SCHEMES.contains(&word) || word.len() < 3 {
        return None;
    }
    let distance = |scheme: &str| strsim::osa_distance(word, scheme);
    let (http, https) = (distance("http"), distance("https"));
    (http.min(https) <= 2).then_some(if https < http { "https" } else { "http" })
}

fn without_scheme(text: &str) -> Option<String> {
    let host = text.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let is_local = host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok() || !host.contains('.');
    let names_a_host = host.contains('.') || host.eq_ignore_ascii_case("localhost") || text[host.len()..].starts_with(':');
    names_a_host.then(|| format!("{}://{text}", if is_local { "http" } else { "https" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_urls_are_answered_with_what_to_write() {
        for (typed, written) in [
            ("example.com/health", "https://example.com/health"),
            ("//example.com/health", "https://example.com/health"),
            ("localhost:8080/x", "http://localhost:8080/x"),
            ("10.0.0.1:80", "http://10.0.0.1:80"),
            ("app-server:9000/run", "http://app-server:9000/run"),
            ("htp://example.com", "http://example.com"),
            ("htps://example.com", "https://example.com"),
            ("hhttps://example.com", "https://example.com"),
            ("ttp://example.com", "http://example.com"),
            ("http:/example.com", "http://example.com"),
            ("http//example.com", "http://example.com"),
            ("http:example.com", "http://example.com"),
            ("http;//example.com", "http://example.com"),
            ("https:///example.com", "https://example.com"),
            ("http:\\\\example.com\\a", "http://example.com\\a"),
            ("http://http://example.com", "http://example.com"),
            ("http：//example.com/a？b=1", "http://example.com/a?b=1"),
            ("ｈｔｔｐ://example。com", "http://example.com"),
            ("http://example.com/a b", "http://example.com/a%20b"),
            ("http://example.com/a\u{3000}b?c= d", "http://example.com/a%20b?c=%20d"),
            ("http://exa\u{200b}mple.com/", "http://example.com/"),
        ] {
            assert_eq!(corrected(typed, false).as_deref(), Some(written), "{typed}");
            assert!(fault(typed, false).is_some_and(|fault| fault.message.to_string().contains(written)), "{typed}");
        }
    }

    #[test]
    fn proper_urls_are_left_alone() {
        for url in [
            "http://example.com",
            "HTTPS://Example.com/路径?q=钟楼#x",
            "https://httpbin.org/http:/x",
            "http://[::1]:8080/",
            "http://localhost/a?next=//b",
        ] {
            assert_eq!(fault(url, false), None, "{url}");
        }
        for url in ["users?a=1", "/users", "", "http/x", "v1.2/a//b", "x?next=http://h", "http://h/v1/users"] {
            assert_eq!(fault(url, true), None, "{url}, below a profile's");
        }
        assert!(fault("/users/a b", true).is_some_and(|fault| fault.message.to_string().contains("/users/a%20b")));
        for url in ["ftp://example.com", "example", "", "mailto:me@example.com", "urn:x"] {
            assert_eq!(fault(url, false), None, "{url}: no advice");
        }
    }
}
