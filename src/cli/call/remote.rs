//! API calls to a server over HTTP with a token.

use std::time::Duration;

use reqwest::{Client, Method, Url};

use super::{Answer, Call, Failure};
use crate::cli::words;
use crate::domain::secret::Secret;
use crate::i18n::message;

/// Timeout for connecting.
const CONNECT: Duration = Duration::from_secs(10);
/// Timeout for a response; the server's own is shorter.
const ANSWER: Duration = Duration::from_secs(120);

/// A server's address and the token for it.
pub(in crate::cli) struct Remote {
    client: Client,
    base: Url,
    token: Secret,
}

impl Remote {
    /// `shown` names the flag or variable in messages; [`Failure::Usage`] for an invalid address.
    pub(in crate::cli) fn new(shown: &str, address: &str, token: Secret) -> Result<Remote, Failure> {
        let wrong = || Failure::Usage(words(&message!("cli.not_server", address).of(shown)));
        let base: Url = address.trim_end_matches('/').parse().map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() || base.query().is_some() || base.fragment().is_some() {
            return Err(wrong());
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(Failure::Usage(words(&message!("cli.server_credentials").of(shown))));
        }
        // Fails if another part of the process has installed a provider already, which is fine.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            // Following a redirect would send the token to another server.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Failure::failed)?;
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
            let to = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or("?");
            return Err(Failure::Unreachable(words(&message!("cli.redirect", from = self.base.to_string(), to))));
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
        let advice = if error.is_timeout() { message!("cli.no_answer") } else { message!("cli.check_server") };
        Failure::Unreachable(words(&message!("cli.unreachable", server = self.base.to_string(), why, advice)))
    }
}
