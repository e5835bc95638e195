//! URLs: percent-encoding, query strings and checks of redirect targets.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::error::Failure;
use crate::domain::input::quoted;
use crate::i18n::message;

/// The page of export and import; an uploaded document may be larger than other forms.
pub const TRANSFER_PATH: &str = "/settings/transfer";

/// Name-value pairs of a query string or form; a name may occur more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

impl Pairs {
    /// Returns the first value of a name, trimmed; `None` if it is absent or blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Returns the first value of a name, unchanged.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Returns the first value of a name that has a fixed set of values; `None` if it is absent or blank.
    ///
    /// # Errors
    /// [`Failure::BadRequest`] for a value that is none of them: a page must not silently show something else.
    pub fn one_of(&self, name: &str, known: &[&str]) -> Result<Option<&str>, Failure> {
        let given = || self.all(name).map(str::trim).filter(|value| !value.is_empty());
        if let Some(wrong) = given().find(|value| !known.contains(value)) {
            let message = message!("value.not_one_of", value = quoted(wrong, 40), known = known.join(", "));
            return Err(Failure::BadRequest(message.of(name)));
        }
        Ok(self.get(name))
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

pub use crate::domain::input::percent_encoded as encode;

/// Appends a query of the pairs with a non-empty value to a path.
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<_> = given.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Returns the address if it is a path on this server, else `None`: prevents redirects to other hosts.
pub fn local(address: &str) -> Option<&str> {
    let plain = address.starts_with('/')
        && !address.starts_with("//")
        && !address.contains('\\')
        && !address.chars().any(|c| c.is_control() || c.is_whitespace());
    plain.then_some(address)
}

/// Returns path and query of an absolute URL whose host is `host` (for `Referer`).
pub fn local_part<'a>(address: &'a str, host: &str) -> Option<&'a str> {
    let rest = address.split_once("://")?.1.strip_prefix(host)?;
    local(rest)
}

/// Returns path and query below the base path of the page with this absolute URL, if it is a page of this server.
pub fn page_of(address: &str, host: &str, base: &str) -> Option<String> {
    let path = local_part(address, host)?;
    let below = path.strip_prefix(base)?;
    match below.chars().next() {
        Some('/') => local(below).map(str::to_owned),
        None | Some('?') if !base.is_empty() => Some(format!("/{below}")),
        _ => None,
    }
}

/// Percent-encodes everything but printable ASCII in a path, for the `Location` header.
pub fn header_safe(path: &str) -> String {
    const UNSAFE: &AsciiSet = &CONTROLS.add(b' ');
    utf8_percent_encode(path, UNSAFE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_accepts_only_paths_of_this_server() {
        for good in ["/", "/tasks?type=echo&x=%2F", "/tasks/%E6%97%A5"] {
            assert_eq!(local(good), Some(good));
        }
        for bad in ["", "//evil", "https://evil", "/\\evil", "javascript:x", "/a\nb", "tasks"] {
            assert_eq!(local(bad), None, "{bad:?}");
        }
        assert_eq!(local_part("http://a:1/tasks?x=1", "a:1"), Some("/tasks?x=1"));
        assert_eq!(local_part("http://evil/tasks", "a:1"), None);
        assert_eq!(local_part("http://a:1//evil", "a:1"), None);
        assert_eq!(page_of("http://a:1/b/tasks?x=1", "a:1", "/b").as_deref(), Some("/tasks?x=1"));
        assert_eq!(page_of("http://a:1/b", "a:1", "/b").as_deref(), Some("/"));
        assert_eq!(page_of("http://a:1/tasks", "a:1", "").as_deref(), Some("/tasks"));
        for foreign in ["http://a:1/tasks", "http://a:1/bc/tasks", "http://a:1/b//evil", "http://c/b/tasks"] {
            assert_eq!(page_of(foreign, "a:1", "/b"), None, "{foreign}");
        }
    }

    #[test]
    fn one_of_refuses_values_outside_the_set() {
        let pairs = |value: &str| Pairs(vec![("status".to_owned(), "open".to_owned()), ("status".to_owned(), value.to_owned())]);
        let known = ["open", "closed"];
        assert_eq!(pairs("closed").one_of("status", &known).ok(), Some(Some("open")));
        assert_eq!(pairs(" ").one_of("status", &known).ok(), Some(Some("open")), "blank is absent");
        assert_eq!(Pairs::default().one_of("status", &known).ok(), Some(None));
        let Err(Failure::BadRequest(message)) = pairs("Open").one_of("status", &known) else { panic!("accepted") };
        assert_eq!(message.to_string(), "status: 'Open' is not one of open, closed");
    }

    #[test]
    fn with_query_omits_empty_values() {
        assert_eq!(with_query("/t", &[("a", "1 日"), ("b", "")]), "/t?a=1%20%E6%97%A5");
        assert_eq!(with_query("/t", &[("b", "")]), "/t");
    }
}
