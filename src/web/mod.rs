//! HTML pages: handlers that read a request, call the services and render a template. They contain no business rules.

pub mod ansi;
pub mod assets;
pub mod auth;
pub mod csrf;
pub mod display;
mod download;
pub mod error;
mod error_page;
pub mod events;
pub mod form;
mod pages;
pub mod request_context;
pub mod row_cache;
pub mod session;
pub mod templates;
pub mod theme;
pub mod urls;
pub mod view;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, get};
use tokio_util::sync::CancellationToken;

use self::error::Failure;
use self::request_context::RequestContext;
use self::row_cache::RowCache;
use self::templates::Templates;
use self::view::executions::ExecutionState;
use self::view::tasks::TaskState;
use crate::net::content_encoding;
use crate::service::Services;
use crate::stats::outcome_history::OutcomeHistory;

/// Settings of the pages.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests that take longer get status 503.
    pub request_timeout: Duration,
    /// Maximum size of a form in bytes; larger ones get status 413.
    pub body_limit: usize,
    /// Ends the event streams at shutdown.
    pub shutdown: CancellationToken,
    /// The path below which a proxy serves Belfry, empty for the root.
    pub base_path: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            body_limit: 1 << 20,
            shutdown: CancellationToken::new(),
            base_path: String::new(),
        }
    }
}

/// Shared state of all handlers.
pub struct Web {
    pub services: Services,
    pub templates: Templates,
    pub options: Options,
    pub task_rows: RowCache<TaskState>,
    pub execution_rows: RowCache<ExecutionState>,
    /// The tabs and the histogram above the executions.
    pub workbenches: RowCache<Option<Arc<OutcomeHistory>>>,
}

/// Builds the routes of all pages, from `/` on; more specific routes (`/api`, `/docs`, `/metrics`) must come first.
///
/// # Panics
/// If an embedded template or locale file does not parse; the first start shows it.
pub fn routes(services: Services, options: Options) -> impl Endpoint<Output = Response> + 'static {
    let templates = Templates::load(&options.base_path).expect("embedded templates and locale files are valid");
    let web = Arc::new(Web {
        services,
        templates,
        options,
        task_rows: RowCache::default(),
        execution_rows: RowCache::default(),
        workbenches: RowCache::of_parts(),
    });
    let all = pages::routes(&web)
        .at("/live", get(auth::require_session(&web, events::stream)))
        .at("/live/changes", get(auth::require_session(&web, events::changes)))
        .at("/static/*path", get(poem::endpoint::make(static_file)));
    all.around(move |inner, request| {
        let web = web.clone();
        async move { Ok(serve_page(&web, &inner, request).await) }
    })
}

/// Calls a page, turns router errors and panics into error pages, and sets the security headers.
async fn serve_page(web: &Arc<Web>, inner: &impl Endpoint<Output: IntoResponse>, request: Request) -> Response {
    let mut ctx = RequestContext::from_request(web, &request);
    let is_file = request.uri().path().starts_with("/static/");
    let accepts_gzip = content_encoding::accepts(request.headers(), "gzip");
    let called = AssertUnwindSafe(inner.call(request)).catch_unwind().await;
    let mut response = match called {
        Ok(Ok(response)) => response.into_response(),
        Err(_) => error_page::respond(&Failure::Internal("handler panicked".to_owned()), &ctx).await,
        Ok(Err(error)) => {
            let _ = ctx.authenticate().await; // the error page is shown without the user name
            let failure = match error.status() {
                StatusCode::NOT_FOUND => Failure::NotFound,
                StatusCode::METHOD_NOT_ALLOWED => Failure::MethodNotAllowed,
                _ => Failure::Internal(error.to_string()),
            };
            error_page::respond(&failure, &ctx).await
        }
    };
    set_security_headers(&mut response, is_file);
    content_encoding::compressed(response, accepts_gzip).await
}

/// Sets the security headers: only own resources, no MIME sniffing, no framing, no caching of pages.
fn set_security_headers(response: &mut Response, is_file: bool) {
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

async fn static_file(request: Request) -> poem::Result<Response> {
    let path = request.raw_path_param("path").unwrap_or_default();
    let query: Vec<(String, String)> = request.params().unwrap_or_default();
    let version = urls::Pairs(query);
    assets::respond(path, version.get("v"), request.headers()).ok_or_else(|| poem::error::NotFoundError.into())
}
