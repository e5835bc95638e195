//! Mail server connections: opened on demand, kept for a short time and reused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder};
use lettre::transport::smtp::commands::Noop;
use lettre::transport::smtp::extension::ClientId;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::failure::{Step, classify, with_timeout};
use crate::domain::profile::Smtp;
use crate::domain::profile::smtp::Tls;
use crate::i18n::{Message, message};
use crate::tasks::RunError;
use crate::tasks::output::OutputSink;

/// Concurrent connections to one server; mail services block clients that open many.
const MAX_CONNECTIONS: usize = 10;
/// How long an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// The time limit for checking a kept connection (NOOP) and for closing one (QUIT).
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// This machine's name for the greeting; an address literal if it has none.
fn hello() -> ClientId {
    sysinfo::System::host_name().map(ClientId::Domain).unwrap_or_default()
}

/// The mail servers used so far, by the name of their profile.
#[derive(Default)]
pub(super) struct Servers(Mutex<HashMap<String, Arc<Server>>>);

impl Servers {
    /// The server of a profile; a new one if the profile has changed.
    pub fn get(&self, name: &str, profile: &Smtp) -> Arc<Server> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match servers.get(name).filter(|server| server.profile == *profile) {
            Some(server) => server.clone(),
            None => {
                let server = Arc::new(Server::new(profile.clone()));
                servers.insert(name.to_owned(), server.clone());
                server
            }
        }
    }
}

/// A mail server with the connections to it.
pub(super) struct Server {
    pub profile: Smtp,
    tls: OnceCell<TlsParameters>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
    permits: Arc<Semaphore>,
}

/// A connection in use. It is closed when dropped, so that a connection with an incomplete mail is not reused.
pub(super) struct Connection {
    pub smtp: AsyncSmtpConnection,
    /// It was used before, so the server may have closed it in the meantime.
    pub reused: bool,
    server: Arc<Server>,
    _permit: OwnedSemaphorePermit,
}

impl Server {
    fn new(profile: Smtp) -> Server {
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Server { profile, tls: OnceCell::new(), idle: Mutex::default(), permits }
    }

    /// An authenticated connection: a kept one that still works, or a new one.
    pub async fn connection(self: &Arc<Self>, output: &OutputSink) -> Result<Connection, RunError> {
        let permit = self.permit().await?;
        while let Some(mut smtp) = self.take_idle() {
            if tokio::time::timeout(PROBE_TIMEOUT, smtp.command(Noop)).await.is_ok_and(|answer| answer.is_ok()) {
                return Ok(Connection { smtp, reused: true, server: self.clone(), _permit: permit });
            }
        }
        let smtp = self.connect(output).await?;
        Ok(Connection { smtp, reused: false, server: self.clone(), _permit: permit })
    }

    /// A new connection, even if an idle one is kept.
    pub async fn new_connection(self: &Arc<Self>, output: &OutputSink) -> Result<Connection, RunError> {
        let permit = self.permit().await?;
        let smtp = self.connect(output).await?;
        Ok(Connection { smtp, reused: false, server: self.clone(), _permit: permit })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, RunError> {
        let closed = |_| RunError::retry(message!("mail.connections_closed"));
        self.permits.clone().acquire_owned().await.map_err(closed)
    }

    async fn connect(&self, output: &OutputSink) -> Result<AsyncSmtpConnection, RunError> {
        let (profile, address) = (&self.profile, (self.profile.host(), self.profile.port()));
        let security = match profile.tls() {
            Tls::Implicit => "with TLS",
            Tls::Starttls => "with STARTTLS",
            Tls::None => "without TLS",
        };
        output.line(&format!("connecting to {}:{} {security}", address.0, address.1));
        let opening = async {
            let (wait, hello) = (Some(profile.timeout), hello());
            let tls = if profile.tls() == Tls::None { None } else { Some(self.tls().await?) };
            let (implicit, starttls) = if profile.tls() == Tls::Implicit { (tls, None) } else { (None, tls) };
            let opened = AsyncSmtpConnection::connect_tokio1(address, wait, &hello, implicit, None).await;
            let mut smtp = opened.map_err(|error| classify(&Step::Connect, &error, profile))?;
            if let Some(tls) = starttls {
                smtp.starttls(tls, &hello).await.map_err(|error| classify(&Step::Connect, &error, profile))?;
            }
            Ok::<_, RunError>(smtp)
        };
        let mut smtp = with_timeout(&Step::Connect, profile.timeout, profile, opening).await??;
        self.sign_in(&mut smtp).await?;
        Ok(smtp)
    }

    async fn sign_in(&self, smtp: &mut AsyncSmtpConnection) -> Result<(), RunError> {
        let profile = &self.profile;
        let Some(user) = &profile.user else { return Ok(()) };
        let (secret, mechanisms) = match (&profile.oauth_token, &profile.password) {
            (Some(token), _) => (token, vec![Mechanism::Xoauth2]),
            (None, Some(password)) => (password, vec![Mechanism::Plain, Mechanism::Login]),
            (None, None) => return Ok(()),
        };
        let credentials = Credentials::new(user.clone(), secret.reveal().to_owned());
        let signing_in = smtp.auth(&mechanisms, &credentials);
        let answer = with_timeout(&Step::SignIn, profile.timeout, profile, signing_in).await?;
        answer.map(drop).map_err(|error| classify(&Step::SignIn, &error, profile))
    }

    /// The TLS parameters, created once, because they read certificates from files.
    async fn tls(&self) -> Result<TlsParameters, RunError> {
        let create = || async {
            let profile = self.profile.clone();
            let parameters = tokio::task::spawn_blocking(move || tls_parameters(&profile)).await;
            parameters.map_err(|error| RunError::internal(&error))?.map_err(RunError::fail)
        };
        self.tls.get_or_try_init(create).await.cloned()
    }

    fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop().map(|(smtp, _)| smtp)
    }

    fn take_old(&self) -> Vec<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, kept) = std::mem::take(&mut *idle).into_iter().partition(|(_, since)| since.elapsed() >= IDLE_TIMEOUT);
        *idle = kept;
        Vec::into_iter(old).map(|(smtp, _)| smtp).collect()
    }
}

impl Connection {
    /// Keeps the connection for the next mail until [`IDLE_TIMEOUT`].
    pub fn keep(self) {
        let Connection { smtp, server, .. } = self;
        server.idle.lock().unwrap_or_else(PoisonError::into_inner).push((smtp, Instant::now()));
        tokio::spawn(close_later(Arc::downgrade(&server)));
    }
}

async fn close_later(server: Weak<Server>) {
    tokio::time::sleep(IDLE_TIMEOUT).await;
    let old = server.upgrade().map(|server| server.take_old()).unwrap_or_default();
    for mut smtp in old {
        let _ = tokio::time::timeout(PROBE_TIMEOUT, smtp.quit()).await; // the server may have closed it
    }
}

fn tls_parameters(profile: &Smtp) -> Result<TlsParameters, Message> {
    let mut builder = TlsParametersBuilder::new(profile.host().to_owned()).dangerous_accept_invalid_certs(!profile.verify_tls);
    if !profile.verify_tls {
        builder = builder.dangerous_accept_invalid_hostnames(true);
    }
    if let Some(path) = &profile.ca_file {
        let file = path.display().to_string();
        let unreadable = |error: std::io::Error| message!("mail.ca_file_unreadable", file = &file, error = error.to_string());
        let pem = std::fs::read(path).map_err(unreadable)?;
        let certificate = Certificate::from_pem(&pem).map_err(|_| message!("mail.ca_file_invalid", file = &file))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| message!("mail.tls_setup", error = error.to_string()))
}
