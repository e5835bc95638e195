//! Failures of page requests and their responses: an error page, or a toast message for requests of the page's script.

use poem::Response;
use poem::http::{StatusCode, header};
use serde_json::json;

use super::request_context::{RequestContext, redirect, trigger_event};
use super::urls;
use super::view::error::ErrorPage;
use crate::service::Error;

/// Reason why a request failed.
#[derive(Debug)]
pub enum Failure {
    Service(Error),
    Template(tera::Error),
    /// Nobody is signed in.
    SignIn,
    /// The user must set up a second factor first.
    MustEnrol,
    /// The form lacks this session's CSRF token or comes from another site.
    OtherSite,
    NotFound,
    MethodNotAllowed,
    TooLarge,
    TooSlow,
    BadRequest(String),
    /// A bug or panic, with its message.
    Internal(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Service(error)
    }
}

impl From<tera::Error> for Failure {
    fn from(error: tera::Error) -> Self {
        Failure::Template(error)
    }
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Failure::Service(Error::NotFound(_)) | Failure::NotFound => StatusCode::NOT_FOUND,
            Failure::Service(Error::Forbidden(_)) | Failure::OtherSite => StatusCode::FORBIDDEN,
            Failure::Service(Error::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Failure::Service(Error::Conflict(_)) => StatusCode::CONFLICT,
            Failure::Service(Error::Stale { .. }) => StatusCode::PRECONDITION_FAILED,
            Failure::Service(Error::Unauthorized(_)) | Failure::SignIn | Failure::MustEnrol => StatusCode::UNAUTHORIZED,
            Failure::Service(Error::TooManyRequests(_)) => StatusCode::TOO_MANY_REQUESTS,
            Failure::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Failure::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Failure::TooSlow => StatusCode::SERVICE_UNAVAILABLE,
            Failure::BadRequest(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the details that the user may see.
    fn detail(&self, ctx: &RequestContext) -> String {
        match self {
            Failure::Service(Error::Internal(_)) | Failure::Template(_) | Failure::Internal(_) => String::new(),
            Failure::Service(Error::Invalid(faults)) => {
                ctx.translate_faults(faults).iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            Failure::Service(error) => ctx.translate(&error.to_string()),
            Failure::BadRequest(message) => message.clone(),
            _ => String::new(),
        }
    }

    /// Logs an internal error; returns the reference that is shown to the user.
    fn log(&self) -> String {
        let mut bytes = [0; 6];
        let _ = getrandom::fill(&mut bytes); // without randomness the reference is all zeros
        let reference: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Failure::Service(Error::Internal(cause)) => tracing::error!(reference, error = %cause, "failed to serve page"),
            Failure::Template(error) => tracing::error!(reference, error = %error, "failed to render template"),
            Failure::Internal(error) => tracing::error!(reference, error, "failed to serve page"),
            other => tracing::error!(reference, error = ?other, "failed to serve page"),
        }
        reference
    }

    /// Builds the response.
    pub async fn into_response(self, ctx: &RequestContext) -> Response {
        match self {
            Failure::SignIn => return sign_in(ctx).await,
            Failure::MustEnrol => return redirect_page_or_script(ctx, "/account/second-factor"),
            _ => {}
        }
        let status = self.status();
        let reference = if status == StatusCode::INTERNAL_SERVER_ERROR { self.log() } else { String::new() };
        if ctx.partial {
            return toast(ctx, &self, status, &reference);
        }
        let view = ErrorPage::new(ctx, status.as_u16(), self.text_key(), self.detail(ctx), reference);
        ctx.page_with(status, "", &view).unwrap_or_else(|failure| plain_text(status, &failure))
    }

    /// Returns the key of its texts, after `error.`.
    fn text_key(&self) -> &'static str {
        match self {
            Failure::OtherSite => "other_site",
            _ => match self.status().as_u16() {
                400 => "bad_request",
                403 => "forbidden",
                404 => "not_found",
                405 => "method",
                409 => "conflict",
                412 => "stale",
                413 => "too_large",
                422 => "invalid",
                429 => "too_many",
                503 => "too_slow",
                _ => "internal",
            },
        }
    }
}

/// Plain text, used if the error page itself cannot be rendered.
fn plain_text(status: StatusCode, failure: &Failure) -> Response {
    failure.log();
    Response::builder().status(status).content_type("text/plain; charset=utf-8").body(status.to_string())
}

fn toast(ctx: &RequestContext, failure: &Failure, status: StatusCode, reference: &str) -> Response {
    let mut text = ctx.t(&format!("error.{}.title", failure.text_key())).to_owned();
    for part in [failure.detail(ctx).as_str(), reference] {
        if !part.is_empty() {
            text = format!("{text} ({part})");
        }
    }
    trigger_event(status, &json!({"belfry:done": {"kind": "danger", "text": text}}))
}

/// Redirects to the sign-in page, or to setup while no account exists.
async fn sign_in(ctx: &RequestContext) -> Response {
    let needs_setup = ctx.service().needs_setup().await.unwrap_or(false);
    let next = if ctx.partial { ctx.referer.clone().unwrap_or_default() } else { ctx.path_and_query() };
    let next = if next == "/" { String::new() } else { next };
    let path = if needs_setup { "/setup".to_owned() } else { urls::with_query("/login", &[("next", &next)]) };
    redirect_page_or_script(ctx, &path)
}

fn redirect_page_or_script(ctx: &RequestContext, path: &str) -> Response {
    if !ctx.partial {
        return redirect(path);
    }
    Response::builder()
        .status(StatusCode::UNAUTHORIZED)
        .header("hx-redirect", path)
        .header(header::CACHE_CONTROL, "no-store")
        .finish()
}
