//! `/docs`: Swagger UI (npm's swagger-ui-dist 5.35.0, Apache-2.0), embedded in the program. The page has no inline script or style,
//! so a strict content security policy applies.

use data_encoding::HEXLOWER;
use poem::http::{StatusCode, header};
use poem::web::Path;
use poem::{Body, IntoResponse, Request, Response, handler};
use rust_embed::RustEmbed;

use super::error::Problem;
use crate::i18n::message;

#[derive(RustEmbed)]
#[folder = "static/vendor/swagger-ui/"]
struct SwaggerUi;

const PAGE: &str = include_str!("docs/index.html");
const INIT: &str = include_str!("docs/init.js");
const STYLE: &str = include_str!("docs/page.css");

/// No external and no inline content.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
#[handler]
pub fn page() -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(header::CACHE_CONTROL, "no-cache")
        .body(PAGE)
}

/// The files of the page.
#[handler]
pub fn asset(request: &Request, Path(name): Path<String>) -> Response {
    let kind = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        _ => return Problem::not_found(message!("request.no_such_file")).into_response(),
    };
    match name.as_str() {
        "init.js" => Response::builder().content_type(kind).header(header::CACHE_CONTROL, "no-cache").body(INIT),
        "page.css" => Response::builder().content_type(kind).header(header::CACHE_CONTROL, "no-cache").body(STYLE),
        _ => vendored(request, &name, kind),
    }
}

fn vendored(request: &Request, name: &str, kind: &str) -> Response {
    let Some(file) = SwaggerUi::get(name) else { return Problem::not_found(message!("request.no_such_file")).into_response() };
    let tag = format!("\"{}\"", HEXLOWER.encode(&file.metadata.sha256_hash()[..16]));
    let known = request.headers().get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == tag.as_bytes());
    let answer = Response::builder().header(header::ETAG, tag).header(header::CACHE_CONTROL, "public, max-age=86400");
    match known {
        true => answer.status(StatusCode::NOT_MODIFIED).finish(),
        false => answer.content_type(kind).body(Body::from_vec(file.data.into_owned())),
    }
}
