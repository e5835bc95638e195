//! HTTP clients, cached by their connection settings so that connections are reused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Proxy, redirect};

use super::network::FilteringResolver;
use crate::i18n::message;
use crate::tasks::{Limits, RunError};

/// The most clients cached; when there are more, the cache is cleared.
const CLIENTS_MAX: usize = 32;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The settings of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::tasks) struct Connection {
    pub verify_tls: bool,
    /// The URL of a proxy, or `none`; without it the environment decides.
    pub proxy: Option<String>,
}

/// A cache of clients.
pub(in crate::tasks) struct Clients {
    limits: Arc<Limits>,
    clients: Mutex<HashMap<Connection, Client>>,
}

impl Clients {
    pub fn new(limits: Arc<Limits>) -> Self {
        Self { limits, clients: Mutex::default() }
    }

    pub fn get(&self, connection: &Connection) -> Result<Client, RunError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(connection) {
            return Ok(client.clone());
        }
        let client = self.build_client(connection)?;
        if clients.len() >= CLIENTS_MAX {
            clients.clear();
        }
        clients.insert(connection.clone(), client.clone());
        Ok(client)
    }

    fn build_client(&self, connection: &Connection) -> Result<Client, RunError> {
        install_crypto();
        let client = self.builder(connection)?.build();
        // Without any trusted certificate on the machine, plain HTTP still works and HTTPS fails as untrusted.
        let client = client.or_else(|error| match self.builder(connection) {
            Ok(builder) => builder.tls_certs_only([]).build(),
            Err(_) => Err(error),
        });
        client.map_err(|error| RunError::fail(message!("http.client_failed", error = error.without_url().to_string())))
    }

    fn builder(&self, connection: &Connection) -> Result<ClientBuilder, RunError> {
        let mut builder = Client::builder()
            .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // An exchange follows them itself.
            .redirect(redirect::Policy::none())
            .referer(false)
            .tls_danger_accept_invalid_certs(!connection.verify_tls);
        if !self.limits.private_addresses {
            builder = builder.dns_resolver(FilteringResolver::new(self.limits.clone()));
        }
        match connection.proxy.as_deref() {
            None => Ok(builder),
            Some("none") => Ok(builder.no_proxy()),
            // The proxy would resolve names itself, so private addresses could not be blocked.
            Some(_) if !self.limits.private_addresses => Err(RunError::fail(message!("http.proxy_forbidden"))),
            Some(url) => {
                let proxy = Proxy::all(url).map_err(|_| RunError::fail(message!("http.proxy_invalid")))?;
                Ok(builder.proxy(proxy))
            }
        }
    }
}

/// Installs the cryptography provider of rustls once per process.
fn install_crypto() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default(); // fails if one is installed already
    });
}
