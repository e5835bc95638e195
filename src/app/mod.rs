//! The composition root: settings become a running server here and nowhere else.
//!
//! The order of a start is that of what can fail without a trace: the port is taken first, then the data folder, then the
//! database. Nothing stays of a start that failed.

mod data_dir;
mod error;
mod local;
mod shared;
mod tasks_file;
mod wiring;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::domain::node::NodeIdentity;
use crate::ids::new_id;
use crate::net;
use crate::scheduler::presence::Presence;
use crate::service::Service;
use crate::storage::Database;

pub use data_dir::{DATABASE_FILE, DataDir, KEY_FILE};
pub use error::StartError;
pub use local::{Opened, is_served, open};
use shared::Shared;

/// The port and the data folder of a server to be.
#[derive(Debug)]
pub struct Ground {
    listener: TcpListener,
    data: DataDir,
}

impl Ground {
    /// Takes the port, then the folder.
    ///
    /// # Errors
    /// Where either cannot be had.
    pub fn prepare(settings: &Settings) -> Result<Ground, StartError> {
        let address = &settings.server.listen;
        let listener = TcpListener::bind(address).map_err(|error| StartError::listen(address, &error))?;
        listener.set_nonblocking(true).map_err(|error| StartError::listen(address, &error))?;
        Ok(Ground { listener, data: DataDir::prepare(&settings.data_dir)? })
    }
}

/// A server that is ready to run.
pub struct App {
    settings: Settings,
    address: SocketAddr,
    listener: tokio::net::TcpListener,
    gate: net::Setup,
    setup_code: Option<String>,
    service: Service,
    shared: Shared,
    node: NodeIdentity,
    presence: Arc<Presence>,
    started_at: DateTime<Utc>,
}

impl App {
    /// Takes port and folder, opens the database and puts the parts together. Nothing runs yet.
    ///
    /// # Errors
    /// One line that says what is wrong and what would be right; nothing stays of what was made.
    pub async fn start(settings: Settings) -> Result<App, StartError> {
        App::on(Ground::prepare(&settings)?, settings).await
    }

    /// As [`App::start`], on port and folder that were taken already.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn on(ground: Ground, settings: Settings) -> Result<App, StartError> {
        let Ground { listener, mut data } = ground;
        let listening = |error| StartError::listen(&settings.server.listen, &error);
        let address = listener.local_addr().map_err(listening)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(listening)?;
        // Another part of the process may have chosen a provider of TLS already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let gate = wiring::gate(&settings)?;
        let database = wiring::open_database(&settings, &data).await?;
        let mut app = App::assemble(settings, address, listener, gate, database)?;
        wiring::set_up_admin(&app.service, app.settings.admin.as_ref()).await?;
        app.setup_code = wiring::open_setup(&app.service).await?;
        data.keep();
        Ok(app)
    }

    fn assemble(
        settings: Settings,
        address: SocketAddr,
        listener: tokio::net::TcpListener,
        gate: net::Setup,
        database: Database,
    ) -> Result<App, StartError> {
        let shared = Shared::new(&settings, database);
        let started_at = shared.clock.now();
        let node = NodeIdentity { id: new_id(started_at), name: settings.server.name.clone() };
        let presence = Presence::announce(&settings.data_dir, &node.id)
            .map_err(|error| StartError::data_dir(&settings.data_dir, crate::config::reason(&error)))?;
        let (service, presence) = (shared.service(&settings), Arc::new(presence));
        Ok(App { settings, address, listener, gate, setup_code: None, service, shared, node, presence, started_at })
    }

    /// Where it listens; the real port where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where people find it.
    pub fn url(&self) -> String {
        let scheme = if self.gate.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/", self.address)
    }

    /// The one-time code that makes the first administrator from another machine, while there is none.
    pub fn setup_code(&self) -> Option<&str> {
        self.setup_code.as_deref()
    }

    /// What it offers, for callers in the same process.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Its database, for callers in the same process.
    pub fn database(&self) -> &Database {
        &self.shared.database
    }

    /// Runs until `shutdown` is cancelled, and ends in order: nothing is planned any more, running work is given its time,
    /// what had not begun goes back to the queue.
    ///
    /// # Errors
    /// Where the server cannot go on.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StartError> {
        self.run_then(shutdown, |_| ()).await
    }

    /// As [`App::run`]; calls `ready` once the server answers.
    ///
    /// # Errors
    /// As [`App::run`].
    pub async fn run_then(self, shutdown: CancellationToken, ready: impl FnOnce(SocketAddr)) -> Result<(), StartError> {
        let database = self.shared.database.clone();
        wiring::rescue(&self).run_once(self.started_at).await.map_err(|error| StartError::Rescue(error.to_string()))?;
        tracing::info!(address = %self.address, tls = self.gate.tls.is_some(), database = database.kind(), version = env!("CARGO_PKG_VERSION"), "started");
        wiring::warn_of_plain_http(&self);
        let mut executables = wiring::executables(&self.settings, &self.shared);
        if let Some(executables) = &mut executables {
            executables.run_once().await;
        }
        let tasks_file = wiring::tasks_file(&self).await?;
        let mut work = wiring::spawn_work(&self, executables, &shutdown);
        if let Some(file) = tasks_file {
            let stop = shutdown.clone();
            work.spawn(async move {
                file.run(stop).await;
                Ok(())
            });
        }
        let routes = wiring::routes(&self, &shutdown);
        let stop = shutdown.clone();
        // The presence goes with the function's end: until then other nodes must not take this one for dead.
        let App { listener, gate, address, presence: _held, .. } = self;
        if let Some(tls) = gate.tls.clone() {
            work.spawn(tls.run(shutdown.clone()).map(Ok));
        }
        work.spawn(async move { net::serve(listener, gate, routes, stop).await.map_err(StartError::Server) });
        ready(address);
        let outcome = until_all_ended(work, &shutdown).await;
        database.close().await;
        tracing::info!("stopped");
        outcome
    }
}

/// Waits for all parts. None of them ends before the shutdown unless something is wrong; then the others are stopped too: a
/// supervisor that starts the server anew serves people better than a server that does half its work.
async fn until_all_ended(mut parts: JoinSet<Result<(), StartError>>, shutdown: &CancellationToken) -> Result<(), StartError> {
    let mut outcome = Ok(());
    while let Some(ended) = parts.join_next().await {
        let ended = match ended {
            Ok(Ok(())) if !shutdown.is_cancelled() => Err(StartError::Part("it ended by itself".to_owned())),
            Ok(ended) => ended,
            Err(panic) => Err(StartError::Part(panic.to_string())),
        };
        if let Err(error) = &ended {
            tracing::error!(%error, "the server cannot go on");
        }
        outcome = outcome.and(ended);
        shutdown.cancel();
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parts(shutdown: &CancellationToken) -> JoinSet<Result<(), StartError>> {
        let (mut parts, token) = (JoinSet::new(), shutdown.clone());
        parts.spawn(async move {
            token.cancelled().await;
            Ok(())
        });
        parts
    }

    #[tokio::test]
    async fn parts_that_end_at_the_shutdown_are_no_fault() {
        let shutdown = CancellationToken::new();
        let parts = parts(&shutdown);
        shutdown.cancel();
        assert!(until_all_ended(parts, &shutdown).await.is_ok());
    }

    #[tokio::test]
    async fn a_part_that_ends_early_or_panics_stops_the_others() {
        for panics in [false, true] {
            let shutdown = CancellationToken::new();
            let mut parts = parts(&shutdown);
            parts.spawn(async move {
                assert!(!panics, "as asked");
                Ok(())
            });
            let ended = tokio::time::timeout(Duration::from_secs(10), until_all_ended(parts, &shutdown)).await;
            assert!(matches!(ended, Ok(Err(StartError::Part(_)))), "{panics}");
        }
    }
}
