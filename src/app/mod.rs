//! The composition root: settings become a running server here and nowhere else.
//!
//! The order of a start is that of what can fail without a trace: the port is taken first, then the data folder, then the
//! database. Nothing stays of a start that failed.

mod data_dir;
mod error;
mod local;
mod shared;
mod wiring;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use poem::Server;
use poem::listener::TcpAcceptor;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::domain::node::NodeIdentity;
use crate::ids::new_id;
use crate::scheduler::presence::Presence;
use crate::service::Service;
use crate::storage::Database;

pub use data_dir::{DATABASE_FILE, DataDir};
pub use error::StartError;
pub use local::open;
use shared::Shared;

/// What open pages and requests are given to end when the server stops; a page's event stream would never end by itself.
const HTTP_GRACE: Duration = Duration::from_secs(2);

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
    acceptor: TcpAcceptor,
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
        let acceptor = TcpAcceptor::from_std(listener).map_err(listening)?;
        // Another part of the process may have chosen a provider of TLS already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = wiring::open_database(&settings, &data).await?;
        let app = App::assemble(settings, address, acceptor, database)?;
        wiring::set_up_admin(&app.service, app.settings.admin.as_ref()).await?;
        data.keep();
        Ok(app)
    }

    fn assemble(settings: Settings, address: SocketAddr, acceptor: TcpAcceptor, database: Database) -> Result<App, StartError> {
        let shared = Shared::new(&settings, database);
        let started_at = shared.clock.now();
        let node = NodeIdentity { id: new_id(started_at), name: settings.server.name.clone() };
        let presence = Presence::announce(&settings.data_dir, &node.id)
            .map_err(|error| StartError::data_dir(&settings.data_dir, crate::config::reason(&error)))?;
        let (service, presence) = (shared.service(&settings), Arc::new(presence));
        Ok(App { settings, address, acceptor, service, shared, node, presence, started_at })
    }

    /// Where it listens; the real port where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
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
        tracing::info!(address = %self.address, database = database.kind(), version = env!("CARGO_PKG_VERSION"), "started");
        let mut executables = wiring::executables(&self);
        if let Some(executables) = &mut executables {
            executables.run_once().await;
        }
        let mut work = wiring::spawn_work(&self, executables, &shutdown);
        let routes = wiring::routes(&self, &shutdown);
        let stop = shutdown.clone().cancelled_owned();
        // The presence goes with the function's end: until then other nodes must not take this one for dead.
        let App { acceptor, address, presence: _held, .. } = self;
        let server = Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(routes, stop, Some(HTTP_GRACE));
        work.spawn(async move { server.await.map_err(StartError::Server) });
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
