//! Responses to failed page requests: an error page, or a toast message for requests of the page's script.

use poem::Response;
use poem::http::{StatusCode, header};
use serde_json::json;

use super::error::Failure;
use super::request_context::{RequestContext, redirect, trigger_event};
use super::urls;
use super::view::error::ErrorPage;
use crate::service::Error;

/// The response to a failed request.
pub async fn respond(failure: &Failure, ctx: &RequestContext) -> Response {
    match failure {
        Failure::SignIn => return sign_in(ctx).await,
        Failure::MustEnrol => return redirect_page_or_script(ctx, "/account/second-factor"),
        _ => {}
    }
    let status = failure.status();
    let reference = match failure {
        Failure::Service(Error::Unavailable(_)) => {
            failure.log();
            String::new()
        }
        _ if status == StatusCode::INTERNAL_SERVER_ERROR => failure.log(),
        _ => String::new(),
    };
    if ctx.partial {
        return toast(ctx, failure, status, &reference);
    }
    let is_of_query = matches!(failure, Failure::BadRequest(_)) && !ctx.is_post && !ctx.query.0.is_empty();
    let without_query = if is_of_query { ctx.path.clone() } else { String::new() };
    let view = ErrorPage::new(&ctx.view(), status.as_u16(), failure.text_key(), detail(failure, ctx), reference, without_query);
    ctx.page_with(status, "", &view).unwrap_or_else(|error| plain_text(status, &error))
}

/// Returns the details that the user may see.
fn detail(failure: &Failure, ctx: &RequestContext) -> String {
    match failure {
        Failure::Service(Error::Internal(_) | Error::Unavailable(_)) | Failure::Template(_) | Failure::Internal(_) => {
            String::new()
        }
        Failure::Service(Error::Invalid(faults)) => {
            ctx.translate_faults(faults).into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; ")
        }
        Failure::Service(error) => ctx.translate(&error.message()),
        Failure::BadRequest(message) => ctx.translate(message),
        _ => String::new(),
    }
}

/// Plain text, used if the error page itself cannot be rendered.
fn plain_text(status: StatusCode, failure: &Failure) -> Response {
    failure.log();
    Response::builder().status(status).content_type("text/plain; charset=utf-8").body(status.to_string())
}

fn toast(ctx: &RequestContext, failure: &Failure, status: StatusCode, reference: &str) -> Response {
    let mut text = ctx.t(&format!("error.{}.title", failure.text_key())).to_owned();
    for part in [detail(failure, ctx).as_str(), reference] {
        if !part.is_empty() {
            text = format!("{text} ({part})");
        }
    }
    trigger_event(status, &json!({"belfry:done": {"kind": "danger", "text": text}}))
}

/// Redirects to the sign-in page, or to setup while no account exists.
async fn sign_in(ctx: &RequestContext) -> Response {
    let needs_setup = ctx.services().setup.is_needed().await.unwrap_or(false);
    let next = if ctx.partial || ctx.is_post { ctx.referer.clone().unwrap_or_default() } else { ctx.path_and_query() };
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
