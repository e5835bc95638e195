//! The systemd notification protocol: a supervisor that listens on the socket in `NOTIFY_SOCKET`.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use sqlx::Connection;

use crate::server::Server;
use crate::support::TestDatabase;

/// How long a test waits before it fails; long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

struct Supervisor {
    socket: UnixDatagram,
    path: String,
}

impl Supervisor {
    fn listen(folder: &Path) -> Supervisor {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("bind");
        socket.set_read_timeout(Some(TIMEOUT)).expect("set the socket option");
        Supervisor { socket, path: path.to_str().expect("valid UTF-8").to_owned() }
    }

    /// The next message.
    fn receive(&self) -> String {
        let mut buffer = [0; 1024];
        let length = self.socket.recv(&mut buffer).expect("a message in time");
        String::from_utf8(buffer[..length].to_vec()).expect("valid UTF-8")
    }

    /// Reads messages until one contains this line.
    fn until(&self, wanted: &str) -> String {
        loop {
            let message = self.receive();
            if message.lines().any(|line| line == wanted) {
                return message;
            }
        }
    }

    /// Discards the messages received so far.
    fn discard(&self) {
        let mut buffer = [0; 1024];
        self.socket.set_nonblocking(true).expect("set the socket option");
        while self.socket.recv(&mut buffer).is_ok() {}
        self.socket.set_nonblocking(false).expect("set the socket option");
    }

    /// Whether no message arrives for this long.
    fn receives_nothing_for(&self, time: Duration) -> bool {
        self.socket.set_read_timeout(Some(time)).expect("set the socket option");
        let received = self.socket.recv(&mut [0; 1024]).is_ok();
        self.socket.set_read_timeout(Some(TIMEOUT)).expect("set the socket option");
        !received
    }
}

#[tokio::test]
async fn sd_notify_sends_ready_watchdog_and_stopping() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let supervisor = Supervisor::listen(folder.path());
    let server = Server::start_with(folder.path(), &[("NOTIFY_SOCKET", &supervisor.path), ("WATCHDOG_USEC", "400000")]);
    assert_eq!(supervisor.receive().trim(), "READY=1", "the first message");
    assert_eq!(server.get("/healthz").send().await.expect("get a response").status(), reqwest::StatusCode::OK);
    // For longer than an idle scheduler sleeps.
    (0..15).for_each(|_| drop(supervisor.until("WATCHDOG=1")));
    let log = std::fs::read_to_string(folder.path().join("data/scheduler.log")).expect("read the log");
    assert!(!log.contains("the scheduler hangs"), "{log}");
    server.signal("TERM");
    let last = supervisor.until("STOPPING=1");
    assert!(last.lines().any(|line| line == "EXTEND_TIMEOUT_USEC=45000000"), "{last}");
    assert_eq!(server.ended().0.code(), Some(0));
}

#[tokio::test]
async fn sd_notify_without_watchdog_sends_no_pings() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let supervisor = Supervisor::listen(folder.path());
    let server = Server::start_with(folder.path(), &[("NOTIFY_SOCKET", &supervisor.path)]);
    supervisor.until("READY=1");
    server.signal("TERM");
    assert!(supervisor.receive().starts_with("STOPPING=1"), "no message in between");
    server.ended();
}

/// The scheduler waits for a table lock that is not released, while the process still responds.
#[tokio::test]
async fn watchdog_pings_stop_when_the_scheduler_hangs() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let supervisor = Supervisor::listen(folder.path());
    let url = db.url();
    let variables = [("NOTIFY_SOCKET", supervisor.path.as_str()), ("WATCHDOG_USEC", "4000000"), ("BELFRY_DATABASE_URL", &url)];
    let server = Server::start_with(folder.path(), &variables);
    supervisor.until("WATCHDOG=1");

    let mut holder = sqlx::PgConnection::connect(&url).await.expect("connect");
    sqlx::raw_sql("begin; lock table tasks in access exclusive mode").execute(&mut holder).await.expect("lock");
    let log = || std::fs::read_to_string(folder.path().join("data/scheduler.log")).unwrap_or_default();
    crate::server::until("the hang to be noticed", || async { log().contains("the scheduler hangs").then_some(()) }).await;
    supervisor.discard();
    // Twice the ping interval.
    assert!(supervisor.receives_nothing_for(Duration::from_secs(2)), "a watchdog ping while the scheduler hangs");
    assert_eq!(server.get("/healthz").send().await.expect("get a response").status(), reqwest::StatusCode::OK);

    sqlx::raw_sql("rollback").execute(&mut holder).await.expect("roll back");
    supervisor.until("WATCHDOG=1");
    drop(server);
    db.remove().await;
}
