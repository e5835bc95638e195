//! Clients, kept by the settings that a client is made with, so that connections are used again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Proxy};

use super::network::{self, Guarded};
use crate::tasks::{Limits, RunError};

/// Clients kept at most; with more settings than this all are made anew.
const CLIENTS_MAX: usize = 32;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// What a client is made with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::tasks) struct Connection {
    pub verify_tls: bool,
    /// Redirects followed, 0 for none.
    pub redirects: u8,
    /// A proxy's URL, `none`, or what the environment says.
    pub proxy: Option<String>,
    /// The requests are signed, so redirects may not leave the server.
    pub signed: bool,
}

/// The clients there are.
pub(in crate::tasks) struct Clients {
    limits: Arc<Limits>,
    made: Mutex<HashMap<Connection, Client>>,
}

impl Clients {
    pub fn new(limits: Arc<Limits>) -> Self {
        Self { limits, made: Mutex::default() }
    }

    pub fn get(&self, connection: &Connection) -> Result<Client, RunError> {
        let mut clients = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(connection) {
            return Ok(client.clone());
        }
        let client = self.make(connection)?;
        if clients.len() >= CLIENTS_MAX {
            clients.clear();
        }
        clients.insert(connection.clone(), client.clone());
        Ok(client)
    }

    fn make(&self, connection: &Connection) -> Result<Client, RunError> {
        install_crypto();
        let made = self.builder(connection)?.build();
        // A machine without any trusted certificate can still speak plain HTTP; HTTPS then fails as untrusted.
        let made = made.or_else(|error| match self.builder(connection) {
            Ok(builder) => builder.tls_certs_only([]).build(),
            Err(_) => Err(error),
        });
        made.map_err(|error| RunError::fail(format!("no HTTP client can be made: {}", error.without_url())))
    }

    fn builder(&self, connection: &Connection) -> Result<ClientBuilder, RunError> {
        let redirects = network::redirects(self.limits.clone(), connection.redirects.into(), connection.signed);
        let mut builder = Client::builder()
            .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirects)
            .referer(false)
            .tls_danger_accept_invalid_certs(!connection.verify_tls);
        if !self.limits.private_addresses {
            builder = builder.dns_resolver(Guarded::new(self.limits.clone()));
        }
        match connection.proxy.as_deref() {
            None => Ok(builder),
            Some("none") => Ok(builder.no_proxy()),
            // It would resolve names itself, and so lead anywhere.
            Some(_) if !self.limits.private_addresses => {
                Err(RunError::fail("proxy: a task names none here: [network] private_addresses = false could not be kept"))
            }
            Some(url) => {
                let proxy = Proxy::all(url).map_err(|_| RunError::fail("proxy: does not read as a proxy's URL"))?;
                Ok(builder.proxy(proxy))
            }
        }
    }
}

/// rustls is told once which cryptography to use; whoever was first is fine.
fn install_crypto() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
    });
}
