//! Error responses: maps every error to a problem document (RFC 9457).

use std::marker::PhantomData;
use std::sync::Arc;

use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object};

use crate::domain::fault::Fault;
use crate::i18n::{Language, Message, message};
use crate::service::Error;

/// The media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error response: the document and its headers.
#[derive(Debug, Clone)]
pub struct Problem(Arc<ProblemParts>);

#[derive(Debug, Clone)]
struct ProblemParts {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: Message,
    errors: Vec<Fault>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: Message) -> Self {
        Self(Arc::new(ProblemParts { status, slug, title, detail, errors: Vec::new(), header: None }))
    }

    /// 400: the request is malformed.
    pub fn malformed(detail: Message) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    /// 401, with a `WWW-Authenticate` challenge.
    pub fn unauthorized(detail: Message) -> Self {
        let challenge = HeaderValue::from_static("Bearer realm=\"belfry\"");
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not signed in", detail).with(header::WWW_AUTHENTICATE, challenge)
    }

    /// 401: a signature is missing or wrong.
    pub fn bad_signature(detail: Message) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "The signature was refused", detail)
    }

    pub fn forbidden(detail: Message) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    pub fn not_found(detail: Message) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 405; `allow` lists the allowed methods.
    pub fn method_not_allowed(allow: &str) -> Self {
        let problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
            message!("request.allowed_methods", allow),
        );
        match HeaderValue::from_str(allow) {
            Ok(value) => problem.with(header::ALLOW, value),
            Err(_) => problem,
        }
    }

    /// 413; `limit` in bytes.
    pub fn too_large(limit: usize) -> Self {
        let detail = message!("request.body_too_large", limit);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    pub fn unsupported_media_type(detail: Message) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type", detail)
    }

    /// 422: well-formed, but not valid.
    pub fn invalid(errors: Vec<Fault>) -> Self {
        let detail = match errors.as_slice() {
            [] => message!("request.invalid"),
            [one] => one.message.clone(),
            [first, rest @ ..] => message!("request.several_faults", first = first.message.clone(), count = rest.len()),
        };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request is not valid", detail);
        Arc::make_mut(&mut problem.0).errors = errors;
        problem
    }

    /// 500. The cause is logged.
    pub fn internal() -> Self {
        let detail = message!("request.server_failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    pub fn unavailable(detail: Message) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now", detail)
    }

    /// Any other status set by the web framework.
    pub fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::malformed(message!("request.unreadable")),
            StatusCode::NOT_FOUND => Self::not_found(message!("request.no_such_path")),
            other if other.is_client_error() => {
                let reason = Message::verbatim(other.canonical_reason().unwrap_or("refused"));
                Self::new(other, "refused", "The request was refused", reason)
            }
            _ => Self::internal(),
        }
    }

    #[must_use]
    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        Arc::make_mut(&mut self.0).header = Some((name, value));
        self
    }

    fn document(&self, language: Language) -> serde_json::Value {
        let parts = &self.0;
        let place = |fault: &Fault| serde_json::json!({"pointer": fault.pointer, "message": fault.message.text(language)});
        serde_json::json!({
            "type": format!("urn:belfry:problem:{}", parts.slug), "title": parts.title, "status": parts.status.as_u16(),
            "detail": parts.detail.text(language), "errors": parts.errors.iter().map(place).collect::<Vec<_>>(),
        })
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.message();
        match error {
            Error::NotFound(_) => Self::not_found(text),
            Error::Forbidden(_) => Self::forbidden(text),
            Error::Invalid(faults) => Self::invalid(faults),
            Error::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", "Conflict", text),
            Error::Stale { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "version-changed", "Changed by somebody else", text)
            }
            Error::Unauthorized(_) => Self::unauthorized(text),
            Error::TooManyRequests(_) => Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests", text),
            Error::TooSlow => Self::unavailable(text),
            Error::Unavailable(cause) => {
                tracing::warn!(error = %chain(&cause), "request refused: database unavailable");
                Self::unavailable(text)
            }
            Error::Internal(cause) => {
                tracing::error!(error = %chain(cause.as_ref()), "request failed");
                Self::internal()
            }
        }
    }
}

/// An error with its causes, for the log.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |e| e.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let response = Response::builder().status(self.0.status).content_type(PROBLEM_JSON);
        let mut response = response.body(self.document(Language::English).to_string());
        if let Some((name, value)) = self.0.header.clone() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts the problem document of a response, if it is one, into a language.
pub fn localize(response: &mut Response, language: Language) {
    if let Some(problem) = response.extensions().get::<Problem>().filter(|_| language != Language::English) {
        let body = problem.document(language).to_string();
        response.set_body(body);
    }
}

impl From<Problem> for poem::Error {
    fn from(problem: Problem) -> Self {
        // The conversion of an error into a response drops the extensions of its response.
        let mut error = poem::Error::from_response(problem.clone().into_response());
        error.set_data(problem);
        error
    }
}

/// An error that an endpoint may return; `K` lists the statuses that it declares in the document.
pub struct Rejected<K>(Problem, PhantomData<fn() -> K>);

/// The result of an endpoint: its response, or a declared error.
pub type ApiResult<T, K> = Result<T, Rejected<K>>;

/// The error statuses of a kind of endpoint.
pub trait DeclaredErrors: 'static {
    const STATUSES: &'static [u16];
}

/// Reads a list or statistics.
pub struct ReadErrors;
/// Reads one resource.
pub struct ReadOneErrors;
/// Changes one resource, without a body.
pub struct ChangeErrors;
/// Evaluates a body, or acts on many resources.
pub struct BatchErrors;
/// Creates a resource from a body.
pub struct CreateErrors;
/// Changes one resource, with a body.
pub struct WriteErrors;

impl DeclaredErrors for ReadErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 422, 429, 500, 503];
}
impl DeclaredErrors for ReadOneErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 422, 429, 500, 503];
}
impl DeclaredErrors for ChangeErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 409, 412, 422, 429, 500, 503];
}
impl DeclaredErrors for BatchErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 413, 415, 422, 429, 500, 503];
}
impl DeclaredErrors for CreateErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 409, 413, 415, 422, 429, 500, 503];
}
impl DeclaredErrors for WriteErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 503];
}

impl<K, E: Into<Problem>> From<E> for Rejected<K> {
    fn from(error: E) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<K> From<Rejected<K>> for poem::Error {
    fn from(refused: Rejected<K>) -> Self {
        refused.0.into()
    }
}

impl<K: DeclaredErrors> ApiResponse for Rejected<K> {
    fn meta() -> MetaResponses {
        MetaResponses { responses: K::STATUSES.iter().map(|status| error_response(*status)).collect() }
    }

    fn register(registry: &mut Registry) {
        ProblemDocument::register(registry);
    }
}

fn error_response(status: u16) -> MetaResponse {
    let schema: MetaSchemaRef = ProblemDocument::schema_ref();
    MetaResponse {
        description: status_description(status),
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType { content_type: PROBLEM_JSON, schema }],
        headers: vec![],
    }
}

/// The description of an error status, for the document.
fn status_description(status: u16) -> &'static str {
    match status {
        400 => "The request is malformed: the body is not JSON, or a header is invalid.",
        401 => "Not signed in, or the token is unknown, revoked or expired.",
        403 => "The account's role does not allow this, or the request came from another site.",
        404 => "It does not exist.",
        409 => "It already exists, or its state does not allow this.",
        412 => "Somebody else changed it: the version in `If-Match` is not the current one.",
        413 => "The body is too large.",
        415 => "The body is not declared as JSON.",
        422 => "The request is not valid; `errors` lists each fault.",
        429 => "Too many requests or sign-in attempts; wait before trying again.",
        503 => "Not available now; try again later.",
        _ => "The server failed; see its log for the cause.",
    }
}

/// A problem document (RFC 9457).
#[derive(Default, Object)]
#[oai(rename = "Problem", read_only_all)]
pub struct ProblemDocument {
    /// A stable identifier of the kind of problem: `urn:belfry:problem:` with `malformed`, `unauthorized`, `forbidden`,
    /// `not-found`, `method-not-allowed`, `conflict`, `version-changed`, `too-large`, `unsupported-media-type`, `invalid`,
    /// `too-many-requests`, `refused`, `internal` or `unavailable`.
    #[oai(rename = "type")]
    kind: String,
    /// The kind of problem in a few words; always the same for a `type`.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, in English or, if `Accept-Language` prefers it, Chinese.
    detail: String,
    /// Each invalid part of the request; empty if the problem is not about a part.
    errors: Vec<ProblemPlace>,
}

/// One fault of a request.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct ProblemPlace {
    /// A JSON Pointer into the body (`/trigger/hour`), or `/` and the name of a query parameter (`/page_size`). Empty: the
    /// whole body.
    pointer: String,
    /// What is wrong, and what is allowed.
    message: String,
}
