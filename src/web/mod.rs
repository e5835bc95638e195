//! The pages: handlers that read a request, ask the services and draw a template. No rule lives here.

pub mod ansi;
pub mod assets;
pub mod csrf;
pub mod door;
mod download;
pub mod error;
pub mod events;
pub mod faults;
pub mod form;
pub mod language;
mod pages;
pub mod session;
pub mod templates;
pub mod urls;
pub mod view;
pub mod visit;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use poem::http::{HeaderValue, StatusCode, header};
use poem::middleware::{Compression, CookieJarManager};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Route, get};
use tokio_util::sync::CancellationToken;

use self::error::Failure;
use self::templates::Templates;
use self::visit::Visit;
use crate::service::Service;

/// What the operator may set.
#[derive(Debug, Clone)]
pub struct Options {
    /// A page that takes longer is answered 503.
    pub request_timeout: Duration,
    /// Forms are at most this large, in bytes; larger ones are answered 413.
    pub body_limit: usize,
    /// Ends the event streams, so that the server can stop.
    pub shutdown: CancellationToken,
}

impl Default for Options {
    fn default() -> Self {
        Self { request_timeout: Duration::from_secs(30), body_limit: 1 << 20, shutdown: CancellationToken::new() }
    }
}

/// What every page needs.
pub struct Web {
    pub service: Service,
    pub templates: Templates,
    pub options: Options,
}

/// All pages, from the root on; to be put behind more specific routes (`/api`, `/docs`, `/metrics`).
///
/// # Panics
/// Where a template or language file does not read: a fault of the program that the first start shows.
pub fn routes(service: Service, options: Options) -> impl Endpoint<Output = Response> + 'static {
    let templates = Templates::load().expect("the templates and texts that come with the program read");
    let web = Arc::new(Web { service, templates, options });
    let compressed = pages::routes(&web).at("/static/*path", get(poem::endpoint::make(file))).with(Compression::new());
    let all = Route::new().at("/live", get(door::signed(&web, events::stream))).nest_no_strip("/", compressed);
    let guarded = all.around(move |inner, request| {
        let web = web.clone();
        async move { Ok(guarded(&web, &inner, request).await) }
    });
    guarded.with(CookieJarManager::new())
}

/// Calls a page and turns what the router refuses into a page of the house; puts the headers on every answer.
async fn guarded(web: &Arc<Web>, inner: &impl Endpoint<Output: IntoResponse>, request: Request) -> Response {
    let mut visit = Visit::begin(web, &request);
    let is_file = request.uri().path().starts_with("/static/");
    let called = AssertUnwindSafe(inner.call(request)).catch_unwind().await;
    let mut response = match called {
        Ok(Ok(response)) => response.into_response(),
        Err(_) => Failure::Broken("it panicked".to_owned()).answer(&visit).await,
        Ok(Err(error)) => {
            let _shown_without_a_name = visit.recognise().await;
            let failure = match error.status() {
                StatusCode::NOT_FOUND => Failure::NotFound,
                StatusCode::METHOD_NOT_ALLOWED => Failure::MethodNotAllowed,
                _ => Failure::Broken(error.to_string()),
            };
            failure.answer(&visit).await
        }
    };
    put_headers(&mut response, is_file);
    response
}

/// Everything a page may load comes from this server; nothing is guessed, framed or kept.
fn put_headers(response: &mut Response, is_file: bool) {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
        img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if !is_file {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.append(header::VARY, HeaderValue::from_static("Cookie, HX-Request, Accept-Language"));
    }
}

async fn file(request: Request) -> poem::Result<Response> {
    let path = request.raw_path_param("path").unwrap_or_default();
    let query: Vec<(String, String)> = request.params().unwrap_or_default();
    let version = urls::Pairs(query);
    assets::answer(path, version.get("v"), request.headers()).ok_or_else(|| poem::error::NotFoundError.into())
}
