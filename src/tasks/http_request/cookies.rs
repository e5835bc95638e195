//! Cookies of one exchange: those that a response sets go along with the following requests to the same host, as a redirect may need.

use reqwest::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use reqwest::{Request, Url};

/// The most cookies kept.
const COOKIES_MAX: usize = 100;

/// The cookies that the responses of an exchange have set.
#[derive(Debug, Default)]
pub(super) struct Cookies(Vec<Cookie>);

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    /// The host that set it.
    host: String,
    /// The domain that it names, without a point before it.
    domain: Option<String>,
    path: String,
    secure: bool,
    deleted: bool,
}

impl Cookies {
    /// Takes the cookies of a response from this URL.
    pub fn take(&mut self, url: &Url, headers: &HeaderMap) {
        let host = url.host_str().unwrap_or_default();
        for given in headers.get_all(SET_COOKIE) {
            let Some(cookie) = given.to_str().ok().and_then(|text| Cookie::parse(text, host)) else { continue };
            self.0.retain(|known| !(known.host == host && known.name == cookie.name && known.path == cookie.path));
            if !cookie.deleted && self.0.len() < COOKIES_MAX {
                self.0.push(cookie);
            }
        }
    }

    /// Adds the cookies for its URL to a request.
    pub fn put(&self, request: &mut Request) {
        let own = request.headers().get(COOKIE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let fitting = self.0.iter().filter(|cookie| cookie.fits(request.url()));
        let all: Vec<String> = own.into_iter().chain(fitting.map(|cookie| format!("{}={}", cookie.name, cookie.value))).collect();
        if let Ok(mut value) = HeaderValue::from_str(&all.join("; "))
            && !all.is_empty()
        {
            value.set_sensitive(true);
            request.headers_mut().insert(COOKIE, value);
        }
    }
}

impl Cookie {
    /// Parses a header `Set-Cookie`; `None` if it is none, or if the host may not set it.
    fn parse(text: &str, host: &str) -> Option<Cookie> {
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value, host) = (name.trim().to_owned(), value.trim().to_owned(), host.to_owned());
        let mut cookie = Cookie { name, value, host, domain: None, path: "/".to_owned(), secure: false, deleted: false };
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            match attribute.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    cookie.domain = Some(value.trim_start_matches('.').to_ascii_lowercase()).filter(|domain| !domain.is_empty())
                }
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "secure" => cookie.secure = true,
                "max-age" => cookie.deleted = value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                _ => {}
            }
        }
        // A domain of one label would cover whole top-level domains.
        let may_set = |domain: &String| *domain == cookie.host || (domain.contains('.') && is_below(&cookie.host, domain));
        (!cookie.name.is_empty() && cookie.domain.as_ref().is_none_or(may_set)).then_some(cookie)
    }

    fn fits(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let same_host = match &self.domain {
            Some(domain) => is_below(host, domain),
            None => host == self.host,
        };
        let rest = url.path().strip_prefix(self.path.trim_end_matches('/'));
        let below = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        same_host && below && (!self.secure || url.scheme() == "https")
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    host == domain || (!is_address && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header `Cookie` of a request to `to` after a response from `from`.
    fn sent(from: &str, set: &[&str], to: &str) -> Option<String> {
        let mut cookies = Cookies::default();
        let headers = set.iter().map(|value| (SET_COOKIE, HeaderValue::from_str(value).unwrap())).collect();
        cookies.take(&from.parse().unwrap(), &headers);
        let mut request = Request::new(reqwest::Method::GET, to.parse().unwrap());
        cookies.put(&mut request);
        request.headers().get(COOKIE).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn cookies_go_to_their_host_only() {
        let set = &["a=1; Path=/; HttpOnly", "b=2", "gone=; Max-Age=0"];
        assert_eq!(sent("http://h.example/login", set, "http://h.example/x").as_deref(), Some("a=1; b=2"));
        for to in ["http://other.example/", "http://sub.h.example/", "http://h.example.evil/"] {
            assert_eq!(sent("http://h.example/login", set, to), None, "{to}");
        }
        assert_eq!(sent("http://www.h.example/", &["a=1; Domain=h.example"], "http://app.h.example/").as_deref(), Some("a=1"));
        assert_eq!(sent("http://h.example/", &["a=1; Domain=example", "b=1; Domain=other.example"], "http://x.example/"), None);
        assert_eq!(sent("http://127.0.0.1/", &["a=1"], "http://127.0.0.1:8080/").as_deref(), Some("a=1"));
    }

    #[test]
    fn cookies_keep_to_their_path_and_scheme() {
        assert_eq!(sent("https://h/", &["a=1; Secure"], "http://h/"), None);
        assert_eq!(sent("https://h/", &["a=1; Secure"], "https://h/").as_deref(), Some("a=1"));
        assert_eq!(sent("http://h/", &["a=1; Path=/app"], "http://h/app/x").as_deref(), Some("a=1"));
        assert_eq!(sent("http://h/", &["a=1; Path=/app"], "http://h/apple"), None);
    }

    #[test]
    fn a_cookie_of_the_task_stays() {
        let mut request = Request::new(reqwest::Method::GET, "http://h/".parse().unwrap());
        request.headers_mut().insert(COOKIE, HeaderValue::from_static("own=1"));
        let mut cookies = Cookies::default();
        cookies.take(&"http://h/".parse().unwrap(), &[(SET_COOKIE, HeaderValue::from_static("a=2"))].into_iter().collect());
        cookies.put(&mut request);
        assert_eq!(request.headers()[COOKIE], "own=1; a=2");
    }
}
