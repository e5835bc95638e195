//! The middleware of every endpoint: path validation, time limit, problem documents for panics and errors, security headers and
//! a log line.

use std::any::Any;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;
use poem::endpoint::BoxEndpoint;
use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::{HeaderName, HeaderValue, Method, Uri, header};
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use poem_openapi::OpenApi;

use super::error::{PROBLEM_JSON, Problem, localize};
use super::headers;
use super::{Apis, AppState};
use crate::i18n::message;

/// The base path of the API.
pub const BASE: &str = "/api/v1";

/// Wraps an endpoint in the middleware. `base` is stripped from the path.
pub fn wrap(
    endpoint: BoxEndpoint<'static, Response>,
    base: &'static str,
    shared: &Arc<AppState>,
) -> BoxEndpoint<'static, Response> {
    let limit = shared.options.request_timeout;
    endpoint
        .data(Arc::clone(shared))
        .with(CatchPanic::new().with_handler(panicked))
        .around(move |next, request| async move { Ok(answer(&next, request, base, limit).await) })
        .map_to_response()
        .boxed()
}

async fn answer<E: Endpoint>(next: &E, mut request: Request, base: &str, limit: Duration) -> Response {
    let started = Instant::now();
    let language = headers::accepted_language(&request);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let outcome = match check_path(&path) {
        Err(problem) => Err(problem.into()),
        Ok(()) => {
            strip_base(&mut request, base);
            let call = tokio::time::timeout(limit, next.call(request)).await;
            call.unwrap_or_else(|_| Err(Problem::unavailable(message!("request.timeout", seconds = limit.as_secs())).into()))
        }
    };
    let mut response = match outcome {
        Ok(answer) => answer.into_response(),
        Err(error) => error_response(error, &path),
    };
    add_headers(&mut response);
    localize(&mut response, language);
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    tracing::debug!(http.method = %method, http.path = shown(&path), http.status = status, duration_us = elapsed.as_micros() as u64, "answered");
    response
}

/// A path for the log: what follows in an address with a secret is left out.
fn shown(path: &str) -> &str {
    let secret = SECRET_PATHS.into_iter().find(|prefix| path.starts_with(prefix));
    secret.unwrap_or(path)
}

/// The beginnings of the paths whose rest is a secret.
const SECRET_PATHS: [&str; 2] = ["/hook/", "/ping/"];

/// A decoded path must be UTF-8 without U+0000.
fn check_path(path: &str) -> Result<(), Problem> {
    let decoded = Cow::from(percent_decode_str(path));
    match std::str::from_utf8(&decoded) {
        Ok(text) if !text.contains('\0') => Ok(()),
        Ok(_) => Err(Problem::malformed(message!("request.nul_in_path"))),
        Err(_) => Err(Problem::malformed(message!("request.path_not_utf8"))),
    }
}

/// Strips the base from a request's path. `/tasks/bulk` is an action for POST; for other methods it is the task of that name,
/// so the path is encoded differently to reach the task's route.
fn strip_base(request: &mut Request, base: &str) {
    let full = request.uri().path_and_query().map_or("/", |full| full.as_str());
    let mut rest = full.strip_prefix(base).unwrap_or(full).to_owned();
    if request.method() != Method::POST && request.uri().path() == format!("{base}/tasks/bulk") {
        rest = rest.replacen("bulk", "%62ulk", 1);
    }
    if !rest.starts_with('/') {
        rest.insert(0, '/');
    }
    if let Ok(uri) = rest.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
}

/// Converts an error into a response.
fn error_response(error: poem::Error, path: &str) -> Response {
    if error.is::<MethodNotAllowedError>() {
        return Problem::method_not_allowed(&allowed(path)).into_response();
    }
    if error.is::<NotFoundError>() {
        return Problem::not_found(message!("request.no_such_path")).into_response();
    }
    let message = error.to_string();
    let response = error.into_response();
    if response.content_type() == Some(PROBLEM_JSON) {
        return response;
    }
    if response.status().is_server_error() {
        tracing::error!(error = %message, "request failed");
    }
    Problem::from_status(response.status()).into_response()
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("without a message"), "request panicked");
    Problem::internal().into_response()
}

/// The methods that a path allows. An exact path takes precedence over one with parameters.
fn allowed(path: &str) -> String {
    if path.starts_with("/hook/") {
        return "POST".to_owned();
    }
    if path.starts_with("/ping/") {
        return "GET, HEAD, POST".to_owned();
    }
    static PATHS: LazyLock<Vec<(String, Vec<Method>)>> = LazyLock::new(described_paths);
    let rest = path.strip_prefix(BASE).unwrap_or_default();
    let exact = PATHS.iter().find(|(template, _)| template == rest);
    let found = exact.or_else(|| PATHS.iter().find(|(template, _)| matches_template(template, rest)));
    let mut methods: Vec<&str> = found.into_iter().flat_map(|(_, methods)| methods).map(Method::as_str).collect();
    if methods.is_empty() {
        methods.push("GET");
    }
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.dedup();
    methods.join(", ")
}

fn described_paths() -> Vec<(String, Vec<Method>)> {
    let paths = Apis::meta().into_iter().flat_map(|api| api.paths);
    paths.map(|path| (path.path, path.operations.into_iter().map(|operation| operation.method).collect())).collect()
}

/// Whether a path matches a template such as `/tasks/{id}`.
fn matches_template(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(want), Some(have)) if want == have || (want.starts_with('{') && !have.is_empty()) => {}
            _ => return false,
        }
    }
}

/// The policy for responses that are not pages: they load and run nothing if a browser shows one.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

fn add_headers(response: &mut Response) {
    const ALWAYS: [(HeaderName, &str); 2] =
        [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::REFERRER_POLICY, "same-origin")];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json; charset=utf-8") {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NO_PAGE));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_methods_are_those_of_the_path() {
        assert_eq!(allowed("/api/v1/tasks"), "GET, HEAD, POST");
        assert_eq!(allowed("/api/v1/tasks/a"), "DELETE, GET, HEAD, PATCH, PUT");
        assert_eq!(allowed("/api/v1/tasks/a/run"), "POST");
        assert_eq!(allowed("/api/v1/tasks/bulk"), "POST");
        assert_eq!(allowed("/healthz"), "GET, HEAD");
        assert_eq!(allowed("/hook/x"), "POST");
    }

    #[test]
    fn secrets_in_paths_are_not_shown() {
        assert_eq!(shown("/ping/secret/start"), "/ping/");
        assert_eq!((shown("/hook/blh_secret"), shown("/api/v1/tasks/a")), ("/hook/", "/api/v1/tasks/a"));
    }

    #[test]
    fn paths_must_be_utf8_without_nul() {
        assert!(check_path("/tasks/%E6%97%A5%e6%8a%a5").is_ok());
        assert!(check_path("/tasks/100%").is_ok());
        assert!(check_path("/tasks/%ff").is_err());
        assert!(check_path("/tasks/a%00").is_err());
    }
}
