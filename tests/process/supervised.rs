//! A server under a supervisor that listens as systemd does, on a socket named by `NOTIFY_SOCKET`.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use sqlx::Connection;

use crate::server::Server;
use crate::support::TestDatabase;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Supervisor {
    socket: UnixDatagram,
    path: String,
}

impl Supervisor {
    fn listen(folder: &Path) -> Supervisor {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("binds");
        socket.set_read_timeout(Some(PATIENCE)).expect("takes it");
        Supervisor { socket, path: path.to_str().expect("is text").to_owned() }
    }

    /// What is told next.
    fn told(&self) -> String {
        let mut buffer = [0; 1024];
        let length = self.socket.recv(&mut buffer).expect("something is told in time");
        String::from_utf8(buffer[..length].to_vec()).expect("is text")
    }

    /// Reads on until this is told.
    fn until(&self, wanted: &str) -> String {
        loop {
            let told = self.told();
            if told.lines().any(|line| line == wanted) {
                return told;
            }
        }
    }

    /// Forgets what was told so far.
    fn forget(&self) {
        let mut buffer = [0; 1024];
        self.socket.set_nonblocking(true).expect("takes it");
        while self.socket.recv(&mut buffer).is_ok() {}
        self.socket.set_nonblocking(false).expect("takes it");
    }

    /// Whether nothing is told for so long.
    fn hears_nothing_for(&self, time: Duration) -> bool {
        self.socket.set_read_timeout(Some(time)).expect("takes it");
        let heard = self.socket.recv(&mut [0; 1024]).is_ok();
        self.socket.set_read_timeout(Some(PATIENCE)).expect("takes it");
        !heard
    }
}

#[tokio::test]
async fn it_tells_when_it_is_ready_lives_and_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let supervisor = Supervisor::listen(folder.path());
    let server = Server::start_with(folder.path(), &[("NOTIFY_SOCKET", &supervisor.path), ("WATCHDOG_USEC", "400000")]);
    assert_eq!(supervisor.told().trim(), "READY=1", "it is ready before all else");
    assert_eq!(server.get("/healthz").send().await.expect("answers").status(), reqwest::StatusCode::OK);
    supervisor.until("WATCHDOG=1");
    supervisor.until("WATCHDOG=1");
    server.signal("TERM");
    let last = supervisor.until("STOPPING=1");
    assert!(last.lines().any(|line| line == "EXTEND_TIMEOUT_USEC=45000000"), "{last}");
    assert_eq!(server.ended().0.code(), Some(0));
}

#[tokio::test]
async fn without_a_watchdog_nothing_more_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let supervisor = Supervisor::listen(folder.path());
    let server = Server::start_with(folder.path(), &[("NOTIFY_SOCKET", &supervisor.path)]);
    supervisor.until("READY=1");
    server.signal("TERM");
    assert!(supervisor.told().starts_with("STOPPING=1"), "nothing is told in between");
    server.ended();
}

/// The scheduler waits for a lock that is not given up: the process answers still, and yet it does not do its work.
#[tokio::test]
async fn a_scheduler_that_hangs_is_not_said_to_live() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let supervisor = Supervisor::listen(folder.path());
    let url = db.url();
    let variables = [("NOTIFY_SOCKET", supervisor.path.as_str()), ("WATCHDOG_USEC", "4000000"), ("BELFRY_DATABASE_URL", &url)];
    let server = Server::start_with(folder.path(), &variables);
    supervisor.until("WATCHDOG=1");

    let mut holder = sqlx::PgConnection::connect(&url).await.expect("connects");
    sqlx::raw_sql("begin; lock table tasks in access exclusive mode").execute(&mut holder).await.expect("locks");
    let log = || std::fs::read_to_string(folder.path().join("data/scheduler.log")).unwrap_or_default();
    crate::server::until("the hang to be noticed", || async { log().contains("the scheduler hangs").then_some(()) }).await;
    supervisor.forget();
    // Twice as long as from one ping to the next.
    assert!(supervisor.hears_nothing_for(Duration::from_secs(2)), "a hanging scheduler is said to live");
    assert_eq!(server.get("/healthz").send().await.expect("answers").status(), reqwest::StatusCode::OK);

    sqlx::raw_sql("rollback").execute(&mut holder).await.expect("lets go");
    supervisor.until("WATCHDOG=1");
    drop(server);
    db.remove().await;
}
