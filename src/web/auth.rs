//! Authentication middleware. [`require_session`] and [`public`] turn a handler into an endpoint: they authenticate the
//! user, read the form, check its CSRF token and turn failures into error pages.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use poem::error::ReadBodyError;
use poem::http::{Method, header};
use poem::web::{Form, Multipart};
use poem::{Body, Endpoint, FromRequest, Request, RequestBody, Response};

use super::error::Failure;
use super::request_context::{HandlerResult, RequestContext};
use super::urls::{Pairs, TRANSFER_PATH};
use super::{Web, csrf, error_page};
use crate::domain::transfer::MAX_DOCUMENT;
use crate::i18n::{Message, message};

/// The largest form of a request without a session, in bytes, and the most fields of one.
const PUBLIC_FORM_MAX: usize = 16 << 10;
const PUBLIC_FIELDS_MAX: usize = 32;
/// The most fields of a form.
const FIELDS_MAX: usize = 10_000;
/// The longest value in a query, in bytes.
const QUERY_VALUE_MAX: usize = 8 << 10;

/// Paths that are accessible before a required second factor is set up.
const ENROLLMENT_PATHS: [&str; 2] = ["/account/second-factor", "/logout"];

/// A page: a handler behind the authentication. One type for all handlers, so that what surrounds them is compiled once.
pub struct Page {
    web: Arc<Web>,
    handler: Handler,
    needs_session: bool,
}

type Handler = Box<dyn Fn(Arc<RequestContext>) -> BoxFuture<'static, HandlerResult> + Send + Sync>;

/// Creates an endpoint for signed-in users; forms must carry the session's CSRF token.
pub fn require_session<F, Fut>(web: &Arc<Web>, handler: F) -> Page
where
    F: Fn(Arc<RequestContext>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = HandlerResult> + Send + 'static,
{
    Page { web: web.clone(), handler: Box::new(move |ctx| Box::pin(handler(ctx))), needs_session: true }
}

/// Creates an endpoint for everybody; forms must come from this site.
pub fn public<F, Fut>(web: &Arc<Web>, handler: F) -> Page
where
    F: Fn(Arc<RequestContext>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = HandlerResult> + Send + 'static,
{
    Page { needs_session: false, ..require_session(web, handler) }
}

impl Endpoint for Page {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let mut ctx = RequestContext::from_request(&self.web, &request);
        let access = check_access(&mut ctx, &mut request, self.needs_session).await;
        let ctx = Arc::new(ctx);
        let result = match access {
            Ok(()) => self.respond(ctx.clone()).await,
            Err(failure) => Err(failure),
        };
        match result {
            Ok(response) => Ok(response),
            Err(failure) => Ok(error_page::respond(&failure, &ctx).await),
        }
    }
}

impl Page {
    async fn respond(&self, ctx: Arc<RequestContext>) -> HandlerResult {
        let response = tokio::time::timeout(self.web.options.request_timeout, (self.handler)(ctx)).await;
        response.unwrap_or(Err(Failure::TooSlow))
    }
}

/// Authenticates the user and reads the form; returns the failure if the request is rejected.
async fn check_access(ctx: &mut RequestContext, request: &mut Request, needs_session: bool) -> Result<(), Failure> {
    check_address(ctx)?;
    ctx.authenticate().await?;
    if needs_session && ctx.actor.is_none() {
        return Err(Failure::SignIn);
    }
    if needs_session && ctx.must_enrol && !ENROLLMENT_PATHS.iter().any(|path| ctx.path.starts_with(path)) {
        return Err(Failure::MustEnrol);
    }
    if needs_session {
        ctx.read_banners().await?;
    }
    if request.method() != Method::POST {
        return Ok(());
    }
    let limit = ctx.web.options.request_timeout;
    let bounds = FormBounds::new(ctx, needs_session);
    let form = tokio::time::timeout(limit, read_form(request, bounds)).await.map_err(|_elapsed| Failure::TooSlow)??;
    ctx.form = form;
    let sent = request.header(csrf::HEADER).or(ctx.form.raw(csrf::FIELD)).unwrap_or_default();
    let trusted = match (&ctx.session, needs_session) {
        (Some(session), true) => csrf::matches(session, sent),
        _ => csrf::same_site(request),
    };
    if trusted { check_form(&ctx.form) } else { Err(Failure::OtherSite) }
}

/// Refuses forms with U+0000, which PostgreSQL cannot store.
fn check_form(form: &Pairs) -> Result<(), Failure> {
    let has_nul = form.0.iter().any(|(name, value)| name.contains('\0') || value.contains('\0'));
    if has_nul { Err(Failure::BadRequest(message!("value.nul_not_stored"))) } else { Ok(()) }
}

/// Refuses paths and queries that no page can use: with U+0000, which PostgreSQL cannot store, or with overlong values.
fn check_address(ctx: &RequestContext) -> Result<(), Failure> {
    let pairs = || ctx.query.0.iter().flat_map(|(name, value)| [name, value]);
    if ctx.id().contains('\0') || pairs().any(|text| text.contains('\0')) {
        return Err(Failure::BadRequest(message!("value.nul_not_stored")));
    }
    match pairs().any(|text| text.len() > QUERY_VALUE_MAX) {
        true => Err(Failure::BadRequest(message!("request.query_value_too_long", max = QUERY_VALUE_MAX))),
        false => Ok(()),
    }
}

/// What a form may contain. Requests without a session get little, because anybody can send them.
#[derive(Clone, Copy)]
struct FormBounds {
    bytes: usize,
    fields: usize,
    /// Whether an import document may be larger than other forms.
    has_document: bool,
}

impl FormBounds {
    fn new(ctx: &RequestContext, needs_session: bool) -> Self {
        let has_document = needs_session && ctx.path == TRANSFER_PATH;
        match needs_session {
            true => Self { bytes: ctx.web.options.body_limit, fields: FIELDS_MAX, has_document },
            false => Self { bytes: PUBLIC_FORM_MAX, fields: PUBLIC_FIELDS_MAX, has_document },
        }
    }

    fn check_fields(self, count: usize) -> Result<(), Failure> {
        match count > self.fields {
            true => Err(Failure::BadRequest(message!("request.too_many_fields", max = self.fields))),
            false => Ok(()),
        }
    }
}

async fn read_form(request: &mut Request, bounds: FormBounds) -> Result<Pairs, Failure> {
    let kind = request.header(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let with_files = kind.starts_with("multipart/form-data");
    let limit = bounds.bytes + if with_files && bounds.has_document { MAX_DOCUMENT } else { 0 };
    let bytes = match request.take_body().into_bytes_limit(limit).await {
        Ok(bytes) => bytes,
        Err(ReadBodyError::PayloadTooLarge) => return Err(Failure::TooLarge),
        Err(error) => return Err(Failure::BadRequest(Message::verbatim(error.to_string()))),
    };
    if !with_files {
        bounds.check_fields(bytes.iter().filter(|byte| **byte == b'&').count() + 1)?;
    }
    let mut body = RequestBody::new(Body::from(bytes));
    if with_files {
        return read_parts(request, &mut body, bounds).await;
    }
    match Form::<Vec<(String, String)>>::from_request(request, &mut body).await {
        Ok(Form(pairs)) => Ok(Pairs(pairs)),
        Err(error) => Err(Failure::BadRequest(Message::verbatim(error.to_string()))),
    }
}

/// Reads a multipart form; every part must be UTF-8.
async fn read_parts(request: &Request, body: &mut RequestBody, bounds: FormBounds) -> Result<Pairs, Failure> {
    let bad_request = |error: &dyn std::fmt::Display| Failure::BadRequest(Message::verbatim(error.to_string()));
    let mut parts = Multipart::from_request(request, body).await.map_err(|error| bad_request(&error))?;
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|error| bad_request(&error))? {
        bounds.check_fields(pairs.len() + 1)?;
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|error| bad_request(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::BadRequest(message!("value.not_utf8").of(&name)))?;
        pairs.push((name, text));
    }
    Ok(Pairs(pairs))
}
