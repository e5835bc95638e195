//! A commit whose answer is lost with the connection: the transaction is repeated, and what it stored the first time counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use belfry::domain::execution::Status;
use belfry::storage::Database;
use belfry::worker::WorkerConfig;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::Harness;
use crate::support::TestDatabase;

/// A part of the statement that hands executions out, and one of the statement that records results.
const CLAIM: &str = "set node = ";
const FINISH: &str = "then j.value->>2 else 'queued' end";

/// A proxy before PostgreSQL that cuts connections at the answer to the first commit after each of some statements.
struct Proxy {
    target: String,
    /// The statements of which the next is waited for.
    statements: Vec<&'static str>,
    cuts: AtomicUsize,
}

impl Proxy {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&self.target).await.unwrap();
            let proxy = self.clone();
            tokio::spawn(async move { proxy.forward(client, server).await });
        }
    }

    /// Forwards until either side closes, or the proxy cuts the connection.
    async fn forward(&self, mut client: TcpStream, mut server: TcpStream) -> Option<()> {
        let (mut request, mut response) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut armed = false;
        loop {
            tokio::select! {
                read = client.read(&mut request) => {
                    let bytes = &request[..read.ok().filter(|count| *count > 0)?];
                    server.write_all(bytes).await.ok()?;
                    let statement = self.statements.get(self.cuts.load(Ordering::Relaxed));
                    armed |= statement.is_some_and(|statement| contains(bytes, statement));
                    if armed && contains(bytes, "COMMIT") {
                        let _ = server.read(&mut response).await.ok()?; // any part of the answer means committed
                        self.cuts.fetch_add(1, Ordering::Relaxed);
                        return None;
                    }
                }
                read = server.read(&mut response) => {
                    let bytes = &response[..read.ok().filter(|count| *count > 0)?];
                    client.write_all(bytes).await.ok()?;
                }
            }
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Opens the database through a proxy.
async fn open_through_proxy(url: &str, statements: Vec<&'static str>) -> (Database, Arc<Proxy>) {
    let options: PgConnectOptions = url.parse().unwrap();
    let target = format!("{}:{}", options.get_host(), options.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = Arc::new(Proxy { target, statements, cuts: AtomicUsize::new(0) });
    tokio::spawn(proxy.clone().accept(listener));
    let account = url.split_once("//").and_then(|(_, rest)| rest.rsplit_once('@')).map_or("", |(account, _)| account);
    let name = options.get_database().unwrap();
    let url = format!("postgres://{account}@{address}/{name}?sslmode=disable"); // encrypted statements cannot be recognised
    (Database::open_postgres(&url, 8).await.unwrap(), proxy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claim_and_result_with_a_lost_answer_count_as_accepted() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let (database, proxy) = open_through_proxy(&db.url(), vec![CLAIM, FINISH]).await;
    let harness = Harness::start(&database, WorkerConfig::default());
    let id = harness.queue("echo", json!({"message": "once"})).await;
    assert_eq!(harness.wait_for(&id, Status::Succeeded).await.attempt, 1);
    let next = harness.queue("echo", json!({})).await;
    harness.wait_for(&next, Status::Succeeded).await;
    assert_eq!(proxy.cuts.load(Ordering::Relaxed), 2, "cut connections");
    harness.stop().await;
    database.close().await;
    db.remove().await;
}
