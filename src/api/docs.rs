//! `/docs`: Swagger UI (npm's swagger-ui-dist 5.35.0, Apache-2.0), embedded in the program. The page has no inline script or style,
//! so a strict content security policy applies. Its URLs are relative, so that it also works below a base path.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use poem::http::{HeaderValue, header};
use poem::web::Path;
use poem::{IntoResponse, Request, Response, handler};

use super::error::Problem;
use crate::embedded;
use crate::i18n::message;
use crate::net::static_file::StaticFile;

const SWAGGER_UI: &str = "static/vendor/swagger-ui";

/// No external and no inline content.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static PAGE: LazyLock<StaticFile> =
    LazyLock::new(|| StaticFile::new("index.html", include_bytes!("docs/index.html").as_slice().into()));

/// The scripts and style sheets of the page by name, unpacked once.
static FILES: LazyLock<BTreeMap<String, StaticFile>> = LazyLock::new(|| {
    let own = [
        ("init.js", include_bytes!("docs/init.js").as_slice()),
        ("theme.js", include_bytes!("docs/theme.js").as_slice()),
        ("page.css", include_bytes!("docs/page.css").as_slice()),
    ];
    let own = own.into_iter().map(|(name, content)| (name.to_owned(), content.into()));
    let vendored = embedded::names(SWAGGER_UI).into_iter().filter(|name| name.ends_with(".js") || name.ends_with(".css"));
    let vendored = vendored.filter_map(|name| Some((name.clone(), embedded::read(SWAGGER_UI, &name)?)));
    own.chain(vendored).map(|(name, content)| (name.clone(), StaticFile::new(&name, content))).collect()
});

/// The page.
#[handler]
pub fn page(request: &Request) -> Response {
    let mut response = PAGE.respond(None, request.headers());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// The files of the page.
#[handler]
pub fn asset(request: &Request, Path(name): Path<String>) -> Response {
    match FILES.get(&name) {
        Some(file) => file.respond(None, request.headers()),
        None => Problem::not_found(message!("request.no_such_file")).into_response(),
    }
}
