//! The path below which a reverse proxy serves Belfry, such as `/belfry`: taken off requests, put before the paths that responses
//! name. Handlers know nothing of it; the texts of pages get it when their templates are loaded.

use poem::http::uri::PathAndQuery;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use poem::{Endpoint, IntoResponse, Request, Response, Result};

/// The headers whose value is a path of this server.
const PATH_HEADERS: [HeaderName; 2] = [header::LOCATION, HeaderName::from_static("hx-redirect")];

/// An endpoint below a base path. Requests without the base path are accepted too: a proxy may have removed it.
pub struct WithBasePath<E> {
    inner: E,
    /// Empty, or a path with a leading and without a trailing slash.
    base: String,
}

impl<E> WithBasePath<E> {
    pub fn new(inner: E, base: &str) -> Self {
        Self { inner, base: base.to_owned() }
    }
}

impl<E: Endpoint> Endpoint for WithBasePath<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        if self.base.is_empty() {
            return Ok(self.inner.call(request).await?.into_response());
        }
        if let Some(uri) = without_base(request.uri(), &self.base) {
            *request.uri_mut() = uri;
        }
        let mut response = self.inner.call(request).await?.into_response();
        add_base(response.headers_mut(), &self.base);
        Ok(response)
    }
}

/// The URI without the base path; `None` if it is not below it.
fn without_base(uri: &Uri, base: &str) -> Option<Uri> {
    let whole = uri.path_and_query()?.as_str();
    let rest = whole.strip_prefix(base)?;
    let rest = match rest.chars().next() {
        Some('/') => rest.to_owned(),
        None | Some('?') => format!("/{rest}"),
        Some(_) => return None,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}

/// Puts the base path before the paths in the headers.
fn add_base(headers: &mut HeaderMap, base: &str) {
    for name in PATH_HEADERS {
        let Some(path) = headers.get(&name).and_then(|value| value.to_str().ok()) else { continue };
        if path.starts_with('/')
            && !path.starts_with("//")
            && let Ok(value) = HeaderValue::try_from(format!("{base}{path}"))
        {
            headers.insert(name, value);
        }
    }
    let cookies: Vec<String> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(|text| below(text, base))
        .collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        if let Ok(value) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}

/// A cookie whose path is the base path.
fn below(cookie: &str, base: &str) -> String {
    let part = |part: &str| match part.trim().eq_ignore_ascii_case("path=/") {
        true => format!(" Path={base}/"),
        false => part.to_owned(),
    };
    cookie.split(';').map(part).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_path_is_taken_off_requests() {
        let stripped = |uri: &str| without_base(&Uri::try_from(uri).unwrap(), "/belfry").map(|uri| uri.to_string());
        assert_eq!(stripped("/belfry/tasks?a=/belfry"), Some("/tasks?a=/belfry".to_owned()));
        assert_eq!(stripped("/belfry"), Some("/".to_owned()));
        assert_eq!(stripped("/belfry?a=1"), Some("/?a=1".to_owned()));
        for other in ["/tasks", "/belfry-2/tasks", "/"] {
            assert_eq!(stripped(other), None, "{other}");
        }
    }

    #[test]
    fn base_path_is_put_before_paths_in_headers() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::LOCATION, "/tasks/a"),
            (HeaderName::from_static("hx-redirect"), "/login"),
            (header::SET_COOKIE, "belfry_session=x; HttpOnly; Path=/; Max-Age=1"),
            (header::SET_COOKIE, "other=y; Path=/deep"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        add_base(&mut headers, "/belfry");
        assert_eq!(headers[header::LOCATION], "/belfry/tasks/a");
        assert_eq!(headers["hx-redirect"], "/belfry/login");
        let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(cookies, ["belfry_session=x; HttpOnly; Path=/belfry/; Max-Age=1", "other=y; Path=/deep"]);
        headers.insert(header::LOCATION, HeaderValue::from_static("https://idp.example.com/authorize"));
        add_base(&mut headers, "/belfry");
        assert_eq!(headers[header::LOCATION], "https://idp.example.com/authorize");
    }
}
