//! Clients, kept by the settings that a client is made with, so that connections are used again.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Proxy, redirect};

use crate::tasks::RunError;

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
}

/// The clients there are.
#[derive(Debug, Default)]
pub(in crate::tasks) struct Clients(Mutex<HashMap<Connection, Client>>);

impl Clients {
    pub fn get(&self, connection: &Connection) -> Result<Client, RunError> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(connection) {
            return Ok(client.clone());
        }
        let client = make(connection)?;
        if clients.len() >= CLIENTS_MAX {
            clients.clear();
        }
        clients.insert(connection.clone(), client.clone());
        Ok(client)
    }
}

fn make(connection: &Connection) -> Result<Client, RunError> {
    install_crypto();
    let made = builder(connection)?.build();
    // A machine without any trusted certificate can still speak plain HTTP; HTTPS then fails as untrusted.
    let made = made.or_else(|error| match builder(connection) {
        Ok(builder) => builder.tls_certs_only([]).build(),
        Err(_) => Err(error),
    });
    made.map_err(|error| RunError::fail(format!("no HTTP client can be made: {}", error.without_url())))
}

fn builder(connection: &Connection) -> Result<ClientBuilder, RunError> {
    let redirects = usize::from(connection.redirects);
    let policy = if redirects == 0 { redirect::Policy::none() } else { redirect::Policy::limited(redirects) };
    let builder = Client::builder()
        .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(policy)
        .referer(false)
        .tls_danger_accept_invalid_certs(!connection.verify_tls);
    match connection.proxy.as_deref() {
        None => Ok(builder),
        Some("none") => Ok(builder.no_proxy()),
        Some(url) => {
            let proxy = Proxy::all(url).map_err(|_| RunError::fail("proxy: does not read as a proxy's URL"))?;
            Ok(builder.proxy(proxy))
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
