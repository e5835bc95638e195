//! What every call goes through: a readable path, a time limit, panics and refusals turned into problem documents, the
//! security headers, and a line in the log.

use std::any::Any;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use poem::endpoint::BoxEndpoint;
use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::{HeaderName, HeaderValue, Method, Uri, header};
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use poem_openapi::OpenApi;

use super::error::{PROBLEM_JSON, Problem};
use super::{Apis, Shared};

/// The base path of the calls.
pub const BASE: &str = "/api/v1";

/// Puts an endpoint behind all that every call goes through. `base` is taken off the path.
pub fn guarded(
    endpoint: BoxEndpoint<'static, Response>,
    base: &'static str,
    shared: &Arc<Shared>,
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
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let outcome = match check_path(&path) {
        Err(problem) => Err(problem.into()),
        Ok(()) => {
            take_off(&mut request, base);
            let call = tokio::time::timeout(limit, next.call(request)).await;
            call.unwrap_or_else(|_| Err(Problem::unavailable(format!("no answer within {} s", limit.as_secs())).into()))
        }
    };
    let mut response = match outcome {
        Ok(answer) => answer.into_response(),
        Err(error) => refuse(error, &path),
    };
    add_headers(&mut response);
    let (status, elapsed) = (response.status().as_u16(), begun.elapsed());
    tracing::debug!(http.method = %method, http.path = %path, http.status = status, duration_us = elapsed.as_micros() as u64, "answered");
    response
}

/// A path must be UTF-8 and hold no U+0000 once decoded.
fn check_path(path: &str) -> Result<(), Problem> {
    let decoded = percent_decode(path.as_bytes());
    match std::str::from_utf8(&decoded) {
        Ok(text) if !text.contains('\0') => Ok(()),
        Ok(_) => Err(Problem::malformed("the path holds the character U+0000")),
        Err(_) => Err(Problem::malformed("the path is not UTF-8")),
    }
}

fn percent_decode(path: &[u8]) -> Vec<u8> {
    let digit = |place: usize| path.get(place).and_then(|b| char::from(*b).to_digit(16));
    let mut decoded = Vec::with_capacity(path.len());
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}

/// Takes the base off a request's path. `/tasks/bulk` answers to POST; with any other method it is the task of that name, so
/// the router is shown another spelling of the same path.
fn take_off(request: &mut Request, base: &str) {
    let whole = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
    let mut rest = whole.strip_prefix(base).unwrap_or(whole).to_owned();
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

/// The answer for an error, whoever raised it.
fn refuse(error: poem::Error, path: &str) -> Response {
    if error.is::<MethodNotAllowedError>() {
        return Problem::method_not_allowed(&allowed(path)).into_response();
    }
    if error.is::<NotFoundError>() {
        return Problem::not_found("there is no such path").into_response();
    }
    let said = error.to_string();
    let response = error.into_response();
    if response.content_type() == Some(PROBLEM_JSON) {
        return response;
    }
    if response.status().is_server_error() {
        tracing::error!(error = %said, "a request failed");
    }
    Problem::of_status(response.status()).into_response()
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("without a message"), "a request panicked");
    Problem::internal().into_response()
}

/// The methods that a path answers to. A path described word for word counts by itself.
fn allowed(path: &str) -> String {
    static PATHS: LazyLock<Vec<(String, Vec<Method>)>> = LazyLock::new(described_paths);
    let rest = path.strip_prefix(BASE).unwrap_or_default();
    let exact = PATHS.iter().find(|(template, _)| template == rest);
    let found = exact.or_else(|| PATHS.iter().find(|(template, _)| fits(template, rest)));
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

/// Whether a path has the form of a template such as `/tasks/{id}`.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(want), Some(have)) if want == have || (want.starts_with('{') && !have.is_empty()) => {}
            _ => return false,
        }
    }
}

/// For answers that are no pages: nothing in them is loaded or run, should a browser show one.
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
    fn the_methods_of_a_path_are_those_it_answers_to() {
        assert_eq!(allowed("/api/v1/tasks"), "GET, HEAD, POST");
        assert_eq!(allowed("/api/v1/tasks/a"), "DELETE, GET, HEAD, PATCH, PUT");
        assert_eq!(allowed("/api/v1/tasks/a/run"), "POST");
        assert_eq!(allowed("/api/v1/tasks/bulk"), "POST");
        assert_eq!(allowed("/healthz"), "GET, HEAD");
    }

    #[test]
    fn paths_must_be_text() {
        assert!(check_path("/tasks/%E6%97%A5%e6%8a%a5").is_ok());
        assert!(check_path("/tasks/100%").is_ok());
        assert!(check_path("/tasks/%ff").is_err());
        assert!(check_path("/tasks/a%00").is_err());
    }
}
