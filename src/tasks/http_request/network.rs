//! Where requests may go: with `[network] private_addresses = false` to no private address, whether a URL names it, a name
//! stands for it, or a redirect leads there.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, redirect};

use super::failure::shown_url;
use crate::tasks::Limits;

/// Why a request does not go out; for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub String);

/// Checks a URL that names an address. Names are looked at when they are resolved.
///
/// # Errors
/// The refusal.
pub(super) fn check_url(limits: &Limits, url: &Url) -> Result<(), Refused> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(address) => limits.check_address(address).map_err(Refused),
        Err(_) => Ok(()),
    }
}

/// Follows at most `most` redirects, none to where requests may not go, and none to another server where the request is
/// `signed`: what it is signed with may stand in a header that would be sent there too.
pub(super) fn redirects(limits: Arc<Limits>, most: usize, signed: bool) -> redirect::Policy {
    if most == 0 {
        return redirect::Policy::none();
    }
    redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > most {
            return attempt.error(Refused("too many redirects".to_owned()));
        }
        if let Err(refused) = check_url(&limits, attempt.url()) {
            let message = format!("redirected to {}: {refused}", shown_url(attempt.url()));
            return attempt.error(Refused(message));
        }
        let leaves = attempt.previous().last().is_some_and(|from| from.origin() != attempt.url().origin());
        if signed && leaves {
            let message =
                format!("redirected to {}, where what the request is signed with must not go", shown_url(attempt.url()));
            return attempt.error(Refused(message));
        }
        attempt.follow()
    })
}

/// Resolves names as the system does, and leaves out the addresses that are not allowed. The connection then goes to one of
/// the addresses that were checked, whatever the name stands for a moment later.
pub(super) struct Guarded {
    pub limits: Arc<Limits>,
    /// The proxies of the server's environment: set up by whoever runs the server.
    pub proxies: Vec<String>,
}

impl Guarded {
    pub fn new(limits: Arc<Limits>) -> Guarded {
        let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let host = |name: &str| Url::parse(&std::env::var(name).ok()?).ok()?.host_str().map(str::to_owned);
        Guarded { limits, proxies: proxies.into_iter().filter_map(host).collect() }
    }
}

impl Resolve for Guarded {
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
                    let message = limits.check_address(first.ip()).err().unwrap_or_default();
                    Err(Box::new(Refused(format!("'{name}' stands for {message}"))) as Box<dyn Error + Send + Sync>)
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

    /// A server that sends everybody elsewhere.
    async fn sends_to(location: &'static str) -> Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let _asked = connection.read(&mut [0; 4096]).await;
                let answer = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
                let _gone = connection.write_all(answer.as_bytes()).await;
            }
        });
        Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()
    }

    async fn refusal(limits: Limits, location: &'static str, signed: bool) -> String {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let policy = redirects(Arc::new(limits), 3, signed);
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(policy).build().unwrap();
        let error = client.get(sends_to(location).await).send().await.unwrap_err();
        super::super::failure::classify(&error, std::time::Duration::from_secs(1)).message
    }

    #[tokio::test]
    async fn a_redirect_leads_to_no_private_address_and_no_signature_elsewhere() {
        let closed = || Limits { private_addresses: false, ..Limits::within("") };
        let refused = refusal(closed(), "http://169.254.169.254/secrets", false).await;
        assert!(refused.starts_with("redirected to http://169.254.169.254/secrets: 169.254.169.254 is a private"), "{refused}");
        let refused = refusal(Limits::within(""), "http://127.0.0.1:1/", true).await;
        assert!(refused.contains("where what the request is signed with must not go"), "{refused}");
        assert_eq!(refusal(Limits::within(""), "/", true).await, "too many redirects");
    }
}
