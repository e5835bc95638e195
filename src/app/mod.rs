//! The composition root: builds a running server from the settings.
//!
//! A start binds the port first, then prepares the data folder, then opens the database. A failed start removes everything it
//! created.

mod background;
mod builder;
mod data_dir;
mod database_file;
mod error;
mod local;
mod replacement;
mod state;
mod tasks_file;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cluster::process_lock::ProcessLock;
use crate::config::Settings;
use crate::domain::node::NodeIdentity;
use crate::i18n::{Message, message};
use crate::ids::new_id;
use crate::net;
use crate::service::Services;
use crate::storage::{self, Database};
use crate::tasks::process;

pub use data_dir::{DATABASE_FILE, DataDir, KEY_FILE};
pub use error::StartError;
pub use local::{LocalApp, is_server_running, open};
pub use replacement::{replace_database, restore_is_pending};
use state::AppState;

/// How long a start waits for a port that is in use, and how often it tries.
const BIND_TIMEOUT: Duration = Duration::from_secs(1);
const BIND_RETRY_DELAY: Duration = Duration::from_millis(20);

/// The resources that a start takes first: the port and the data folder.
#[derive(Debug)]
pub struct Bootstrap {
    listener: TcpListener,
    data: DataDir,
}

impl Bootstrap {
    /// Binds the port, then prepares the data folder.
    pub fn prepare(settings: &Settings) -> Result<Bootstrap, StartError> {
        let address = &settings.server.listen;
        let listener = bind(address).map_err(|error| StartError::listen(address, &error))?;
        listener.set_nonblocking(true).map_err(|error| StartError::listen(address, &error))?;
        Ok(Bootstrap { listener, data: DataDir::prepare(&settings.data_dir)? })
    }
}

/// Binds the port. Waits a moment while it is in use: a process that a killed server was just starting holds it until it runs
/// its own program.
fn bind(address: &str) -> io::Result<TcpListener> {
    let deadline = Instant::now() + BIND_TIMEOUT;
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                std::thread::sleep(BIND_RETRY_DELAY);
            }
            bound => return bound,
        }
    }
}

/// A server that is ready to run.
pub struct App {
    settings: Settings,
    address: SocketAddr,
    listener: tokio::net::TcpListener,
    server_options: net::ServerOptions,
    setup_code: Option<String>,
    services: Services,
    state: AppState,
    node: NodeIdentity,
    process_lock: Arc<ProcessLock>,
    started_at: DateTime<Utc>,
}

impl App {
    /// Binds the port, prepares the data folder, opens the database and builds the components. Nothing runs yet. On an error,
    /// everything created is removed.
    pub async fn start(settings: Settings) -> Result<App, StartError> {
        App::from_bootstrap(Bootstrap::prepare(&settings)?, settings).await
    }

    /// As [`App::start`], with a port and a data folder taken before.
    pub async fn from_bootstrap(bootstrap: Bootstrap, settings: Settings) -> Result<App, StartError> {
        let Bootstrap { listener, mut data } = bootstrap;
        let listen_error = |error| StartError::listen(&settings.server.listen, &error);
        let address = listener.local_addr().map_err(listen_error)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(listen_error)?;
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default(); // fails if one is installed already
        let server_options = builder::server_options(&settings)?;
        let database = builder::open_database(&settings, &data).await?;
        let mut app = App::assemble(settings, address, listener, server_options, database)?;
        builder::set_up_admin(&app.services.setup, app.settings.admin.as_ref()).await?;
        app.setup_code = builder::create_setup_code(&app.services.setup).await?;
        data.commit();
        Ok(app)
    }

    fn assemble(
        settings: Settings,
        address: SocketAddr,
        listener: tokio::net::TcpListener,
        server_options: net::ServerOptions,
        database: Database,
    ) -> Result<App, StartError> {
        let state = AppState::new(&settings, database);
        let started_at = state.clock.now();
        let node = NodeIdentity { id: new_id(started_at), name: settings.server.name.clone() };
        let process_lock = ProcessLock::acquire(&settings.data_dir, &node.id)
            .map_err(|error| StartError::data_dir(&settings.data_dir, Message::verbatim(crate::config::reason(&error))))?;
        let (services, process_lock) = (state.services(&settings), Arc::new(process_lock));
        Ok(App { settings, address, listener, server_options, setup_code: None, services, state, node, process_lock, started_at })
    }

    /// The address on which the server listens, with the actual port if port 0 was set.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's URLs: on this machine and, if it listens on all addresses, from other machines of the network.
    pub fn urls(&self) -> Vec<String> {
        let scheme = if self.server_options.tls.is_some() { "https" } else { "http" };
        let base_path = &self.settings.server.base_path;
        let addresses = net::lan_address::reachable(self.address, net::lan_address::lan_address());
        addresses.iter().map(|address| format!("{scheme}://{address}{base_path}/")).collect()
    }

    /// The one-time code for creating the first administrator from another machine, while there is none.
    pub fn setup_code(&self) -> Option<&str> {
        self.setup_code.as_deref()
    }

    /// The services, for callers in the same process.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The database, for callers in the same process.
    pub fn database(&self) -> &Database {
        &self.state.database
    }

    /// Runs until `shutdown` is cancelled. Then planning stops, running executions get the shutdown timeout to finish, and jobs
    /// that had not started go back to the queue.
    ///
    /// # Errors
    /// A component failed.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StartError> {
        self.run_with_ready(shutdown, |_| ()).await
    }

    /// As [`App::run`]; calls `ready` once the server accepts requests.
    pub async fn run_with_ready(self, shutdown: CancellationToken, ready: impl FnOnce(SocketAddr)) -> Result<(), StartError> {
        let database = self.state.database.clone();
        let failed = |error: storage::Error| StartError::OrphanRecovery(error.to_string());
        process::name_server(&self.node.id);
        background::end_leftovers(&self.process_lock).await;
        background::node_registry(&self).run_once(self.started_at).await.map_err(failed)?;
        background::orphan_recovery(&self).run_once(self.started_at).await.map_err(failed)?;
        tracing::info!(address = %self.address, tls = self.server_options.tls.is_some(), database = database.kind(), version = env!("CARGO_PKG_VERSION"), "started");
        builder::warn_of_plain_http(&self);
        let mut executables = builder::executables(&self.settings, &self.state);
        if let Some(executables) = &mut executables {
            executables.run_once().await;
        }
        let tasks_file = builder::tasks_file(&self).await?;
        let mut tasks = background::spawn_background_tasks(&self, executables, &shutdown);
        if let Some(file) = tasks_file {
            let stop = shutdown.clone();
            tasks.spawn(async move {
                file.run(stop).await;
                Ok(())
            });
        }
        let routes = builder::routes(&self, &shutdown);
        let stop = shutdown.clone();
        // The process lock is held until the function returns, so that other nodes do not consider this one dead.
        let App { listener, server_options, address, process_lock: _process_lock, .. } = self;
        if let Some(tls) = server_options.tls.clone() {
            tasks.spawn(tls.run(shutdown.clone()).map(Ok));
        }
        tasks.spawn(async move { net::serve(listener, server_options, routes, stop).await.map_err(StartError::Server) });
        ready(address);
        let outcome = join_all(tasks, &shutdown).await;
        database.close().await;
        tracing::info!("stopped");
        outcome
    }
}

/// Waits for all background tasks. A task that ends before the shutdown has failed; then the others are stopped too, so that a
/// supervisor can restart the server instead of leaving it half working.
async fn join_all(mut tasks: JoinSet<Result<(), StartError>>, shutdown: &CancellationToken) -> Result<(), StartError> {
    let mut outcome = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let ended = match ended {
            Ok(Ok(())) if !shutdown.is_cancelled() => Err(StartError::Component(message!("start.task_ended"))),
            Ok(ended) => ended,
            Err(panic) => Err(StartError::Component(Message::verbatim(panic.to_string()))),
        };
        if let Err(error) = &ended {
            tracing::error!(%error, "a component failed; shutting down");
        }
        outcome = outcome.and(ended);
        shutdown.cancel();
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_waits_for_a_port_that_is_still_in_use() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = holder.local_addr().unwrap().to_string();
        let refused = bind(&address).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        let waiting = std::thread::spawn(move || bind(&address));
        std::thread::sleep(BIND_RETRY_DELAY * 3);
        drop(holder);
        assert!(waiting.join().unwrap().is_ok());
    }

    fn tasks(shutdown: &CancellationToken) -> JoinSet<Result<(), StartError>> {
        let (mut tasks, token) = (JoinSet::new(), shutdown.clone());
        tasks.spawn(async move {
            token.cancelled().await;
            Ok(())
        });
        tasks
    }

    #[tokio::test]
    async fn join_all_succeeds_when_tasks_end_at_the_shutdown() {
        let shutdown = CancellationToken::new();
        let tasks = tasks(&shutdown);
        shutdown.cancel();
        assert!(join_all(tasks, &shutdown).await.is_ok());
    }

    #[tokio::test]
    async fn join_all_stops_the_others_when_a_task_ends_early_or_panics() {
        for panics in [false, true] {
            let shutdown = CancellationToken::new();
            let mut tasks = tasks(&shutdown);
            tasks.spawn(async move {
                assert!(!panics, "panics as intended");
                Ok(())
            });
            let ended = tokio::time::timeout(Duration::from_secs(10), join_all(tasks, &shutdown)).await;
            assert!(matches!(ended, Ok(Err(StartError::Component(_)))), "{panics}");
        }
    }
}
