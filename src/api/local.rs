//! The API within this process, without a network, for an actor that is known already; used by the command line.

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderName, HeaderValue, Method, Uri};
use poem::{Endpoint, EndpointExt, Request, Response};

use super::auth::InProcessActor;
use super::{Options, routes};
use crate::domain::user::Actor;
use crate::service::Services;

/// The API on behalf of one actor.
pub struct Local(BoxEndpoint<'static, Response>);

/// A response.
#[derive(Debug)]
pub struct LocalAnswer {
    pub status: u16,
    /// Names in lower case; values that are not text are omitted.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Local {
    /// `actor` is trusted; the caller has authenticated it.
    pub fn new(services: Services, actor: Actor, options: Options) -> Self {
        Self(routes(services, options).data(InProcessActor(actor)).map_to_response().boxed())
    }

    /// Sends one request. `target` is a path with its query, such as `/api/v1/tasks?search=a`. `None` if the method, target or a
    /// header is not valid HTTP.
    pub async fn call(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Option<LocalAnswer> {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).ok()?).uri(target.parse::<Uri>().ok()?);
        for (name, value) in headers {
            request = request.header(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
        }
        let response = match self.0.call(request.body(body.unwrap_or_default())).await {
            Ok(response) => response,
            Err(error) => error.into_response(),
        };
        let status = response.status().as_u16();
        let named = response.headers().iter();
        let headers = named.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect();
        let body = response.into_body().into_vec().await.ok()?;
        Some(LocalAnswer { status, headers, body })
    }
}
