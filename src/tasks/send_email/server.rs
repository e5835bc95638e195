//! Mail servers: their connections, opened when needed, kept for a short while and used again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder};
use lettre::transport::smtp::commands::Noop;
use lettre::transport::smtp::extension::ClientId;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::failure::{Step, classify, within};
use crate::domain::profile::Smtp;
use crate::domain::profile::smtp::Tls;
use crate::tasks::RunError;
use crate::tasks::output::OutputSink;

/// Connections to one server at once; mail services shut out who opens many.
const CONNECTIONS_MAX: usize = 10;
/// An open connection is kept this long for the next mail.
const KEPT: Duration = Duration::from_secs(20);
/// How long a kept connection may take to show that it still works, and an old one to say goodbye.
const BRIEF: Duration = Duration::from_secs(5);

/// The servers that mails went to, by the names of their profiles.
#[derive(Default)]
pub(super) struct Servers(Mutex<HashMap<String, Arc<Server>>>);

impl Servers {
    pub fn get(&self, name: &str, profile: &Smtp) -> Arc<Server> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        servers.entry(name.to_owned()).or_insert_with(|| Arc::new(Server::new(profile.clone()))).clone()
    }
}

/// A mail server with the connections to it.
pub(super) struct Server {
    pub profile: Smtp,
    tls: OnceCell<TlsParameters>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
    places: Arc<Semaphore>,
}

/// A connection in use. Dropped, it is closed; a mail that was broken off leaves nothing that could be used again.
pub(super) struct Connection {
    pub smtp: AsyncSmtpConnection,
    /// It served a mail before, so the server may have given it up in the meantime.
    pub used_before: bool,
    server: Arc<Server>,
    _place: OwnedSemaphorePermit,
}

impl Server {
    fn new(profile: Smtp) -> Server {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        Server { profile, tls: OnceCell::new(), idle: Mutex::default(), places }
    }

    /// A connection that is signed in: a kept one that still works, or a new one.
    pub async fn connection(self: &Arc<Self>, output: &OutputSink) -> Result<Connection, RunError> {
        let place = self.place().await?;
        while let Some(mut smtp) = self.take_idle() {
            if tokio::time::timeout(BRIEF, smtp.command(Noop)).await.is_ok_and(|answer| answer.is_ok()) {
                return Ok(Connection { smtp, used_before: true, server: self.clone(), _place: place });
            }
        }
        let smtp = self.connect(output).await?;
        Ok(Connection { smtp, used_before: false, server: self.clone(), _place: place })
    }

    /// A new connection, whatever there is.
    pub async fn new_connection(self: &Arc<Self>, output: &OutputSink) -> Result<Connection, RunError> {
        let place = self.place().await?;
        let smtp = self.connect(output).await?;
        Ok(Connection { smtp, used_before: false, server: self.clone(), _place: place })
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, RunError> {
        let closed = |_| RunError::retry("the mail server's connections are closed");
        self.places.clone().acquire_owned().await.map_err(closed)
    }

    async fn connect(&self, output: &OutputSink) -> Result<AsyncSmtpConnection, RunError> {
        let (profile, place) = (&self.profile, (self.profile.host(), self.profile.port()));
        let words = match profile.tls() {
            Tls::Implicit => "with TLS",
            Tls::Starttls => "with STARTTLS",
            Tls::None => "without TLS",
        };
        output.line(&format!("connecting to {}:{} {words}", place.0, place.1));
        let opening = async {
            let (wait, hello) = (Some(profile.timeout), ClientId::default());
            let tls = if profile.tls() == Tls::None { None } else { Some(self.tls().await?) };
            let (at_once, later) = if profile.tls() == Tls::Implicit { (tls, None) } else { (None, tls) };
            let opened = AsyncSmtpConnection::connect_tokio1(place, wait, &hello, at_once, None).await;
            let mut smtp = opened.map_err(|error| classify(&Step::Connect, &error, profile))?;
            if let Some(tls) = later {
                smtp.starttls(tls, &hello).await.map_err(|error| classify(&Step::Connect, &error, profile))?;
            }
            Ok::<_, RunError>(smtp)
        };
        let mut smtp = within(&Step::Connect, profile.timeout, profile, opening).await??;
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
        let answer = within(&Step::SignIn, profile.timeout, profile, signing_in).await?;
        answer.map(drop).map_err(|error| classify(&Step::SignIn, &error, profile))
    }

    /// What TLS needs, made once. Reads certificates from the disk.
    async fn tls(&self) -> Result<TlsParameters, RunError> {
        let make = || async {
            let profile = self.profile.clone();
            let made = tokio::task::spawn_blocking(move || tls_parameters(&profile)).await;
            made.unwrap_or_else(|error| Err(error.to_string())).map_err(RunError::fail)
        };
        self.tls.get_or_try_init(make).await.cloned()
    }

    fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop().map(|(smtp, _)| smtp)
    }

    fn take_old(&self) -> Vec<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, kept) = std::mem::take(&mut *idle).into_iter().partition(|(_, since)| since.elapsed() >= KEPT);
        *idle = kept;
        Vec::into_iter(old).map(|(smtp, _)| smtp).collect()
    }
}

impl Connection {
    /// Keeps the connection for the next mail, for a while.
    pub fn keep(self) {
        let Connection { smtp, server, .. } = self;
        server.idle.lock().unwrap_or_else(PoisonError::into_inner).push((smtp, Instant::now()));
        tokio::spawn(close_later(Arc::downgrade(&server)));
    }
}

async fn close_later(server: Weak<Server>) {
    tokio::time::sleep(KEPT).await;
    let old = server.upgrade().map(|server| server.take_old()).unwrap_or_default();
    for mut smtp in old {
        let _gone_already = tokio::time::timeout(BRIEF, smtp.quit()).await;
    }
}

fn tls_parameters(profile: &Smtp) -> Result<TlsParameters, String> {
    let mut builder = TlsParametersBuilder::new(profile.host().to_owned()).dangerous_accept_invalid_certs(!profile.verify_tls);
    if !profile.verify_tls {
        builder = builder.dangerous_accept_invalid_hostnames(true);
    }
    if let Some(path) = &profile.ca_file {
        let shown = path.display();
        let pem = std::fs::read(path).map_err(|error| format!("ca_file: {shown} cannot be read: {error}"))?;
        let certificate = Certificate::from_pem(&pem).map_err(|_| format!("ca_file: {shown} holds no certificates (PEM)"))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| format!("no TLS can be set up: {error}"))
}
