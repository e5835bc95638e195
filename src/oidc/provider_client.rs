//! HTTP client of the identity provider: with a timeout and a size limit, without redirects.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::OidcError;
use crate::domain::input::{percent_encoded, truncate};
use crate::domain::secret::Secret;
use crate::domain::single_sign_on::IdentityProvider;

const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest response accepted, in bytes.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// The HTTP client, created at its first use. Clones share it.
#[derive(Clone, Default)]
pub(super) struct ProviderClient(Arc<OnceCell<Client>>);

/// How Belfry authenticates at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientAuth {
    Basic,
    Post,
}

/// The response of the token endpoint.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub id_token: String,
    pub access_token: Secret,
}

impl ProviderClient {
    async fn client(&self) -> Result<&Client, OidcError> {
        let create = async || {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default(); // fails if one is installed already
            let builder = || {
                let agent = concat!("belfry/", env!("CARGO_PKG_VERSION"));
                Client::builder().user_agent(agent).timeout(TIMEOUT).redirect(Policy::none()).referer(false)
            };
            // Without any trusted certificate on the machine, plain HTTP to a local provider still works.
            let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
            client.map_err(|error| OidcError::Unreachable(format!("failed to create HTTP client: {}", error.without_url())))
        };
        self.0.get_or_try_init(create).await
    }

    /// Fetches a JSON document. `what` names it in errors.
    pub async fn get(&self, url: &str, what: &str) -> Result<Value, OidcError> {
        let request = self.client().await?.get(url);
        let (status, body) = send(request, what).await?;
        if status != 200 {
            return Err(OidcError::Unreachable(format!("{what}: the provider responded with status {status}")));
        }
        Ok(body)
    }

    /// Exchanges a code for tokens at the token endpoint.
    pub async fn exchange(
        &self,
        endpoint: &str,
        client_auth: ClientAuth,
        settings: &IdentityProvider,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, OidcError> {
        let redirect_uri = settings.redirect_uri();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", verifier),
        ];
        let mut request = self.client().await?.post(endpoint);
        match (&settings.client_secret, client_auth) {
            (Some(secret), ClientAuth::Basic) => {
                request = request.basic_auth(percent_encoded(&settings.client_id), Some(percent_encoded(secret.reveal())));
            }
            (Some(secret), ClientAuth::Post) => {
                form.extend([("client_id", settings.client_id.as_str()), ("client_secret", secret.reveal())]);
            }
            (None, _) => form.push(("client_id", settings.client_id.as_str())),
        }
        let (status, body) = send(request.form(&form), "the token endpoint").await?;
        if let Some(error) = body.get("error").and_then(Value::as_str) {
            return Err(OidcError::Refused(truncate(error, 64)));
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        match (status, text("id_token"), text("access_token")) {
            (200, Some(id_token), Some(access_token)) => Ok(Tokens { id_token, access_token: Secret::new(access_token) }),
            (200, ..) => Err(OidcError::Untrusted("the provider returned no ID token".to_owned())),
            _ => Err(OidcError::Unreachable(format!("the token endpoint: the provider responded with status {status}"))),
        }
    }

    /// Fetches the claims of the userinfo endpoint.
    pub async fn userinfo(&self, endpoint: &str, access_token: &Secret) -> Result<Value, OidcError> {
        let request = self.client().await?.get(endpoint).bearer_auth(access_token.reveal());
        let (status, body) = send(request, "userinfo").await?;
        if status != 200 {
            return Err(OidcError::Unreachable(format!("userinfo: the provider responded with status {status}")));
        }
        Ok(body)
    }
}

async fn send(request: RequestBuilder, what: &str) -> Result<(u16, Value), OidcError> {
    let failed = |error: reqwest::Error| OidcError::Unreachable(format!("{what}: {}", causes(&error.without_url())));
    let mut response = request.header("accept", "application/json").send().await.map_err(failed)?;
    let body = read(&mut response, what).await?;
    let status = response.status().as_u16();
    match serde_json::from_slice(&body) {
        Ok(body) => Ok((status, body)),
        Err(_) if status != 200 => Ok((status, Value::Null)),
        Err(_) => Err(OidcError::Unreachable(format!("{what}: the provider's response is not JSON"))),
    }
}

async fn read(response: &mut Response, what: &str) -> Result<Vec<u8>, OidcError> {
    let mut body = Vec::new();
    let failed = |error: reqwest::Error| OidcError::Unreachable(format!("{what}: {}", causes(&error.without_url())));
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_RESPONSE_BYTES {
            return Err(OidcError::Unreachable(format!("{what}: the provider's response is too large")));
        }
    }
    Ok(body)
}

/// An error with its sources, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
