//! Responses with headers: a resource with its version, a created resource with its URL, and the end of a resource.

use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaHeader, MetaResponses, Registry};
use poem_openapi::types::{ToJSON, Type};

use super::guard;
use super::headers::etag;
use crate::domain::input::percent_encoded;

/// A response model that is read and created as a resource of its own.
pub trait Resource: ToJSON {
    /// What the document says of the responses.
    const TEXTS: ResourceTexts;
    /// Returns the version, for the `ETag`. `None`: it has no versions.
    const VERSION: Option<fn(&Self) -> i64>;
}

pub struct ResourceTexts {
    pub found: &'static str,
    pub created: &'static str,
    pub version: &'static str,
    pub url: &'static str,
}

/// Makes a response model a [`Resource`]: `resource!(TaskView, "task", Some(|task| task.version))`.
macro_rules! resource {
    ($view:ty, $noun:literal, $version:expr) => {
        impl crate::api::answer::Resource for $view {
            const TEXTS: crate::api::answer::ResourceTexts = crate::api::answer::ResourceTexts {
                found: concat!("The ", $noun, "."),
                created: concat!("The new ", $noun, "."),
                version: concat!("The ", $noun, "'s version, for `If-Match`."),
                url: concat!("The ", $noun, "'s URL."),
            };
            const VERSION: Option<fn(&Self) -> i64> = $version;
        }
    };
}
pub(super) use resource;

/// A resource, with its version in `ETag`.
pub struct Found<T>(pub T);

/// A new resource, with its URL in `Location`, and its version in `ETag` if it has versions.
pub struct Created<T> {
    item: T,
    location: String,
}

impl<T> Created<T> {
    /// `path` is that of the list, such as `/tasks`; `name` the resource's own part of its URL.
    pub fn new(item: T, path: &str, name: &str) -> Self {
        Self { item, location: format!("{}{path}/{}", guard::BASE, percent_encoded(name)) }
    }
}

impl<T: Resource> IntoResponse for Found<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::OK, self.0, None)
    }
}

impl<T: Resource> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::CREATED, self.item, Some(self.location))
    }
}

fn respond<T: Resource>(status: StatusCode, item: T, location: Option<String>) -> Response {
    let tag = T::VERSION.map(|version| etag(version(&item)));
    let mut response = Json(item).into_response();
    response.set_status(status);
    let given: [(HeaderName, Option<String>); 2] = [(header::ETAG, tag), (header::LOCATION, location)];
    for (name, value) in given {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

impl<T: Resource> ApiResponse for Found<T> {
    fn meta() -> MetaResponses {
        describe::<T>(200, T::TEXTS.found, &[("ETAG", T::TEXTS.version)])
    }

    fn register(registry: &mut Registry) {
        <Json<T> as Payload>::register(registry);
    }
}

impl<T: Resource> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        let headers = [("ETAG", T::TEXTS.version), ("LOCATION", T::TEXTS.url)];
        describe::<T>(201, T::TEXTS.created, if T::VERSION.is_some() { &headers } else { &headers[1..] })
    }

    fn register(registry: &mut Registry) {
        <Json<T> as Payload>::register(registry);
    }
}

/// A response as the document describes it. `headers`: names and descriptions.
fn describe<T: Resource>(status: u16, description: &'static str, headers: &[(&str, &str)]) -> MetaResponses {
    let header = |(name, text): &(&str, &str)| MetaHeader {
        name: (*name).to_owned(),
        description: Some((*text).to_owned()),
        required: true,
        deprecated: false,
        schema: String::schema_ref(),
    };
    let mut responses = <Json<T> as ApiResponse>::meta();
    for response in &mut responses.responses {
        (response.status, response.description) = (Some(status), description);
        response.headers = headers.iter().map(header).collect();
    }
    responses
}

/// A successful deletion.
#[derive(ApiResponse)]
pub enum DeletedResponse {
    /// Deleted.
    #[oai(status = 204)]
    Deleted,
}
