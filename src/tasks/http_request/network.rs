//! Network restrictions: with `[network] private_addresses = false`, requests to private addresses are blocked, whether the
//! address comes from a URL, a DNS name or a redirect.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, redirect};

use super::redacted_url::redacted_url;
use crate::i18n::{Message, message};
use crate::tasks::Limits;

/// The reason why a request is not sent, for messages.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct RequestRefused(pub Message);

/// Checks a URL whose host is an IP address. DNS names are checked when they are resolved.
pub(super) fn check_url(limits: &Limits, url: &Url) -> Result<(), RequestRefused> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(address) => limits.check_address(address).map_err(RequestRefused),
        Err(_) => Ok(()),
    }
}

/// A policy that follows at most `max` redirects: none to a blocked address, and none to another origin if the request is
/// `authenticated`, because its credentials may be in a header that would be sent along.
pub(super) fn redirects(limits: Arc<Limits>, max: usize, authenticated: bool) -> redirect::Policy {
    if max == 0 {
        return redirect::Policy::none();
    }
    redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > max {
            return attempt.error(RequestRefused(message!("http.too_many_redirects")));
        }
        if let Err(RequestRefused(problem)) = check_url(&limits, attempt.url()) {
            let message = message!("http.redirect_refused", url = redacted_url(attempt.url()), problem);
            return attempt.error(RequestRefused(message));
        }
        let cross_origin = attempt.previous().last().is_some_and(|from| from.origin() != attempt.url().origin());
        if authenticated && cross_origin {
            let message = message!("http.redirect_cross_origin", url = redacted_url(attempt.url()));
            return attempt.error(RequestRefused(message));
        }
        attempt.follow()
    })
}

/// A DNS resolver that leaves out blocked addresses. The connection then uses one of the checked addresses, so that a later
/// change of the DNS record has no effect.
pub(super) struct FilteringResolver {
    pub limits: Arc<Limits>,
    /// The proxies of the server's environment, which are exempt because the administrator set them.
    pub proxies: Vec<String>,
}

impl FilteringResolver {
    pub fn new(limits: Arc<Limits>) -> FilteringResolver {
        let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let host = |name: &str| Url::parse(&std::env::var(name).ok()?).ok()?.host_str().map(str::to_owned);
        FilteringResolver { limits, proxies: proxies.into_iter().filter_map(host).collect() }
    }
}

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (limits, name) = (self.limits.clone(), name.as_str().to_owned());
        let is_proxy = self.proxies.contains(&name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if is_proxy {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let (allowed, refused): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|address| limits.check_address(address.ip()).is_ok());
            match refused.first() {
                Some(first) if allowed.is_empty() => {
                    limits.check_address(first.ip()).map_err(|problem| {
                        let message = message!("http.resolves_to_private", name = name.as_str(), problem);
                        Box::new(RequestRefused(message)) as Box<dyn Error + Send + Sync>
                    })?;
                    Ok(Box::new(std::iter::empty()) as Addrs)
                }
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A server that redirects every request.
    async fn redirecting_server(location: &'static str) -> Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let _ = connection.read(&mut [0; 4096]).await;
                let answer = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()
    }

    async fn refusal(limits: Limits, location: &'static str, authenticated: bool) -> String {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let policy = redirects(Arc::new(limits), 3, authenticated);
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(policy).build().unwrap();
        let error = client.get(redirecting_server(location).await).send().await.unwrap_err();
        super::super::failure::classify(&error, std::time::Duration::from_secs(1)).message.to_string()
    }

    #[tokio::test]
    async fn redirects_to_private_addresses_and_authenticated_ones_to_other_origins_are_blocked() {
        let closed = || Limits { private_addresses: false, ..Limits::within("") };
        let refused = refusal(closed(), "http://169.254.169.254/secrets", false).await;
        assert!(refused.starts_with("redirected to http://169.254.169.254/secrets: 169.254.169.254 is a private"), "{refused}");
        let refused = refusal(Limits::within(""), "http://127.0.0.1:1/", true).await;
        assert!(refused.contains("credentials must not be sent to another origin"), "{refused}");
        assert_eq!(refusal(Limits::within(""), "/", true).await, "too many redirects");
    }
}
