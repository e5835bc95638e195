//! The one mapping from what went wrong to an answer: a problem document (RFC 9457) for every refusal, whoever refused.

use std::marker::PhantomData;

use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object};

use crate::domain::fault::Fault;
use crate::service::Error;

/// The media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal, with what the answer's headers need beyond the document.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<Fault>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts { status, slug, title, detail: detail.into(), errors: Vec::new(), header: None }))
    }

    /// 400: the request cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    /// 401, with the challenge that says how to sign in.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        let challenge = HeaderValue::from_static("Bearer realm=\"belfry\"");
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not signed in", detail).with(header::WWW_AUTHENTICATE, challenge)
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 405; `allow` names the methods there are.
    pub fn method_not_allowed(allow: &str) -> Self {
        let problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
            format!("this path answers to {allow}"),
        );
        match HeaderValue::from_str(allow) {
            Ok(value) => problem.with(header::ALLOW, value),
            Err(_) => problem,
        }
    }

    /// 413; `limit` in bytes.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("the body has more than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type", detail)
    }

    /// 422: readable, but not valid.
    pub fn invalid(errors: Vec<Fault>) -> Self {
        let detail = match errors.as_slice() {
            [] => "the request is not valid".to_owned(),
            [one] => one.message.clone(),
            [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
        };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request is not valid", detail);
        problem.0.errors = errors;
        problem
    }

    /// 500. The cause is in the log.
    pub fn internal() -> Self {
        let detail = "the server failed; its log has the cause";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now", detail)
    }

    /// Any other status, as the web framework found it.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::malformed("the request cannot be read"),
            StatusCode::NOT_FOUND => Self::not_found("there is no such path"),
            other if other.is_client_error() => {
                Self::new(other, "refused", "The request was refused", other.canonical_reason().unwrap_or("refused"))
            }
            _ => Self::internal(),
        }
    }

    #[must_use]
    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    fn document(&self) -> serde_json::Value {
        let parts = &self.0;
        serde_json::json!({
            "type": format!("urn:belfry:problem:{}", parts.slug), "title": parts.title, "status": parts.status.as_u16(),
            "detail": parts.detail, "errors": parts.errors,
        })
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
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
            Error::Internal(cause) => {
                tracing::error!(error = %chain(cause.as_ref()), "a request failed");
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
        let mut response = response.body(self.document().to_string());
        if let Some((name, value)) = self.0.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Problem> for poem::Error {
    fn from(problem: Problem) -> Self {
        poem::Error::from_response(problem.into_response())
    }
}

/// A problem that a call may answer with; `K` lists the statuses that the call declares in the document.
pub struct Refused<K>(Problem, PhantomData<fn() -> K>);

/// What a call gives: its answer, or a declared problem.
pub type Answer<T, K> = Result<T, Refused<K>>;

/// The statuses that a kind of call may be refused with.
pub trait Refusals: 'static {
    const STATUSES: &'static [u16];
}

/// Calls that read a list or figures.
pub struct Reading;
/// Calls that read one thing.
pub struct ReadingOne;
/// Calls without a body that change one thing.
pub struct Changing;
/// Calls that ask about a body, or do many things by one.
pub struct Asking;
/// Calls that create something from a body.
pub struct Creating;
/// Calls that change one thing by a body.
pub struct Writing;

impl Refusals for Reading {
    const STATUSES: &'static [u16] = &[400, 401, 403, 422, 429, 500, 503];
}
impl Refusals for ReadingOne {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 422, 429, 500, 503];
}
impl Refusals for Changing {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 409, 412, 422, 429, 500, 503];
}
impl Refusals for Asking {
    const STATUSES: &'static [u16] = &[400, 401, 403, 413, 415, 422, 429, 500, 503];
}
impl Refusals for Creating {
    const STATUSES: &'static [u16] = &[400, 401, 403, 409, 413, 415, 422, 429, 500, 503];
}
impl Refusals for Writing {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 503];
}

impl<K, E: Into<Problem>> From<E> for Refused<K> {
    fn from(error: E) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<K> From<Refused<K>> for poem::Error {
    fn from(refused: Refused<K>) -> Self {
        refused.0.into()
    }
}

impl<K: Refusals> ApiResponse for Refused<K> {
    fn meta() -> MetaResponses {
        MetaResponses { responses: K::STATUSES.iter().map(|status| declared(*status)).collect() }
    }

    fn register(registry: &mut Registry) {
        ProblemDocument::register(registry);
    }
}

fn declared(status: u16) -> MetaResponse {
    let schema: MetaSchemaRef = ProblemDocument::schema_ref();
    MetaResponse {
        description: meaning(status),
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType { content_type: PROBLEM_JSON, schema }],
        headers: vec![],
    }
}

/// What a refusal's status means, for the document.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read: not JSON, or a header that makes no sense.",
        401 => "Not signed in, or the token is not (or no longer) known.",
        403 => "The account's role does not allow this, or the request came from another site.",
        404 => "There is no such thing.",
        409 => "It exists already, or its state does not allow this.",
        412 => "Somebody else changed it: the version in `If-Match` is not the present one.",
        413 => "The body is too large.",
        415 => "The body is not declared as JSON.",
        422 => "The request is not valid; `errors` names each place.",
        429 => "Too many requests or sign-in tries; wait a little.",
        503 => "Not available now; try again later.",
        _ => "The server failed; its log has the cause.",
    }
}

/// A problem document (RFC 9457).
#[derive(Default, Object)]
#[oai(rename = "Problem", read_only_all)]
pub struct ProblemDocument {
    /// A stable name for the kind of problem: `urn:belfry:problem:` with `malformed`, `unauthorized`, `forbidden`,
    /// `not-found`, `method-not-allowed`, `conflict`, `version-changed`, `too-large`, `unsupported-media-type`, `invalid`,
    /// `too-many-requests`, `refused`, `internal` or `unavailable`.
    #[oai(rename = "type")]
    kind: String,
    /// The kind of problem in a few words; always the same for one `type`.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// Each place that is not valid; empty where the problem is not about places.
    errors: Vec<ProblemPlace>,
}

/// One thing wrong with a request.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct ProblemPlace {
    /// A JSON Pointer into the body (`/trigger/hour`), or `/` and the name of a query parameter (`/page_size`). Empty: the
    /// whole body.
    pointer: String,
    /// What is wrong there, and what would be right.
    message: String,
}
