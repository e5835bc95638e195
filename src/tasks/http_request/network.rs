//! Network restrictions: with `[network] private_addresses = false`, requests to private addresses are blocked, whether the
//! address comes from a URL, a DNS name or a redirect.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::i18n::{Message, message};
use crate::tasks::Limits;

/// The reason why a request is not sent, for messages.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(in crate::tasks) struct RequestRefused(pub Message);

/// Checks a URL whose host is an IP address. DNS names are checked when they are resolved.
pub(in crate::tasks) fn check_url(limits: &Limits, url: &Url) -> Result<(), RequestRefused> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(address) => limits.check_address(address).map_err(RequestRefused),
        Err(_) => Ok(()),
    }
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
