//! The door of every page. [`signed`] and [`open`] turn a handler into an endpoint: they recognise the reader, read the
//! form, refuse what comes from another site, and turn every failure into a page of the house.

use std::future::Future;
use std::sync::Arc;

use poem::error::ReadBodyError;
use poem::http::{Method, header};
use poem::web::{Form, Multipart};
use poem::{Body, Endpoint, FromRequest, Request, RequestBody, Response};

use super::error::Failure;
use super::urls::Pairs;
use super::visit::{Answer, Visit};
use super::{Web, csrf, pages};
use crate::domain::transfer::MAX_DOCUMENT;

/// What can be reached before a second factor that is required is set up.
const ENROLMENT: [&str; 2] = ["/account/second-factor", "/logout"];

/// An endpoint for those who are signed in; forms must carry the session's token.
pub fn signed<F, Fut>(web: &Arc<Web>, handler: F) -> impl Endpoint<Output = Response> + 'static
where
    F: Fn(Arc<Visit>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    endpoint(web, handler, true)
}

/// An endpoint for everybody; forms must come from this site.
pub fn open<F, Fut>(web: &Arc<Web>, handler: F) -> impl Endpoint<Output = Response> + 'static
where
    F: Fn(Arc<Visit>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    endpoint(web, handler, false)
}

fn endpoint<F, Fut>(web: &Arc<Web>, handler: F, signed: bool) -> impl Endpoint<Output = Response> + 'static
where
    F: Fn(Arc<Visit>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    let web = web.clone();
    let handler = Arc::new(handler);
    poem::endpoint::make(move |mut request: Request| {
        let (web, handler) = (web.clone(), handler.clone());
        async move {
            let mut visit = Visit::begin(&web, &request);
            let admitted = admit(&mut visit, &mut request, signed).await;
            let visit = Arc::new(visit);
            let answer = match admitted {
                Ok(()) => answer_in_time(&web, handler(visit.clone())).await,
                Err(failure) => Err(failure),
            };
            match answer {
                Ok(response) => Ok::<_, poem::Error>(response),
                Err(failure) => Ok(failure.answer(&visit).await),
            }
        }
    })
}

async fn answer_in_time(web: &Web, answer: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(web.options.request_timeout, answer).await.unwrap_or(Err(Failure::TooSlow))
}

/// Recognises the reader and reads the form, or says why the request goes no further.
async fn admit(visit: &mut Visit, request: &mut Request, signed: bool) -> Result<(), Failure> {
    visit.recognise().await?;
    if signed && visit.actor.is_none() {
        return Err(Failure::SignIn);
    }
    if signed && visit.must_enrol && !ENROLMENT.iter().any(|path| visit.path.starts_with(path)) {
        return Err(Failure::MustEnrol);
    }
    if request.method() != Method::POST {
        return Ok(());
    }
    let limit = visit.web.options.request_timeout;
    let form = tokio::time::timeout(limit, read_form(request, visit.web.options.body_limit))
        .await
        .map_err(|_elapsed| Failure::TooSlow)??;
    visit.form = form;
    let sent = request.header(csrf::HEADER).or(visit.form.raw(csrf::FIELD)).unwrap_or_default();
    let trusted = match (&visit.session, signed) {
        (Some(session), true) => csrf::matches(session, sent),
        _ => csrf::same_site(request),
    };
    if trusted { Ok(()) } else { Err(Failure::OtherSite) }
}

async fn read_form(request: &mut Request, most: usize) -> Result<Pairs, Failure> {
    let kind = request.header(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let with_files = kind.starts_with("multipart/form-data");
    // A document may be larger than what people type; it is taken where one is asked for.
    let most = if with_files && request.uri().path() == pages::transfer::PATH { MAX_DOCUMENT + most } else { most };
    let bytes = match request.take_body().into_bytes_limit(most).await {
        Ok(bytes) => bytes,
        Err(ReadBodyError::PayloadTooLarge) => return Err(Failure::TooLarge),
        Err(error) => return Err(Failure::BadRequest(error.to_string())),
    };
    let mut body = RequestBody::new(Body::from(bytes));
    if with_files {
        return read_parts(request, &mut body).await;
    }
    match Form::<Vec<(String, String)>>::from_request(request, &mut body).await {
        Ok(Form(pairs)) => Ok(Pairs(pairs)),
        Err(error) => Err(Failure::BadRequest(error.to_string())),
    }
}

/// The parts of a form with files, all of them texts.
async fn read_parts(request: &Request, body: &mut RequestBody) -> Result<Pairs, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::BadRequest(error.to_string());
    let mut parts = Multipart::from_request(request, body).await.map_err(|error| unreadable(&error))?;
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|error| unreadable(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|error| unreadable(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::BadRequest(format!("{name}: is not UTF-8")))?;
        pairs.push((name, text));
    }
    Ok(Pairs(pairs))
}
