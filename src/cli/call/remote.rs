//! A server, asked over HTTP with a token.

use std::time::Duration;

use reqwest::{Client, Method, Url};

use super::{Answer, Call, Failure};
use crate::domain::secret::Secret;

/// A server that does not even take the connection within this time is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest wait for an answer; the server itself gives up earlier.
const ANSWER: Duration = Duration::from_secs(120);

/// A server by its address, and the token to show it.
pub(in crate::cli) struct Remote {
    client: Client,
    base: Url,
    token: Secret,
}

impl Remote {
    /// # Errors
    /// [`Failure::Usage`] for an address that is none.
    pub(in crate::cli) fn new(shown: &str, address: &str, token: Secret) -> Result<Remote, Failure> {
        let wrong = || {
            Failure::Usage(format!("{shown}: '{address}' is not the address of a server; write http://host:8398 or https://host"))
        };
        let base: Url = address.trim_end_matches('/').parse().map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() || base.query().is_some() || base.fragment().is_some() {
            return Err(wrong());
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(Failure::Usage(format!("{shown}: leave name and password out of the address, and give a token")));
        }
        // Another part of the process may have chosen a provider of TLS already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            // A redirect would carry the token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::Failed(format!("no HTTP client can be made: {error}")))?;
        Ok(Remote { client, base, token })
    }

    pub(super) async fn send(&self, call: &Call) -> Result<Answer, Failure> {
        let method = Method::from_bytes(call.method.as_bytes()).map_err(Failure::failed)?;
        let url = format!("{}{}", self.base.as_str().trim_end_matches('/'), call.target());
        let mut request = self.client.request(method, url).bearer_auth(self.token.reveal());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or("another address");
            return Err(Failure::Unreachable(format!("{} sends on to {to}; give that server's own address", self.base)));
        }
        let named = response.headers().iter();
        let headers = named.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect();
        let body = response.bytes().await.map_err(|error| self.unreachable(error))?.to_vec();
        Ok(Answer { status: status.as_u16(), headers, body })
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        let why = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source()).last();
        let why = why.map_or_else(String::new, ToString::to_string);
        let advice = if error.is_timeout() { "it did not answer in time" } else { "is it running, and is the address right?" };
        Failure::Unreachable(format!("cannot reach {}: {why}; {advice}", self.base))
    }
}
