//! Mixed load for a while: memory, descriptors, the write-ahead log, the database and the number of rows stay as they are.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::postgres::Cluster;
use crate::runner::{Options, Random};
use crate::server::{Server, until};

const TASKS: usize = 24;
/// How many executions of each task are kept.
const KEPT: usize = 50;
/// How often the use is measured.
const EVERY: Duration = Duration::from_secs(10);
/// Rows are deleted every five minutes; over less time they only grow.
const COMPARED_FROM: Duration = Duration::from_secs(19 * 60);
const MIB: u64 = 1 << 20;

/// The use of the server at one moment.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    descriptors: u64,
    resident: u64,
    wal: u64,
    database: u64,
    rows: u64,
}

impl Usage {
    fn max(self, other: Usage) -> Usage {
        Usage {
            descriptors: self.descriptors.max(other.descriptors),
            resident: self.resident.max(other.resident),
            wal: self.wal.max(other.wal),
            database: self.database.max(other.database),
            rows: self.rows.max(other.rows),
        }
    }

    fn shown(self) -> String {
        let Usage { descriptors, resident, wal, database, rows } = self;
        let mib = |bytes: u64| bytes / MIB;
        let (resident, wal, database) = (mib(resident), mib(wal), mib(database));
        format!("{descriptors} descriptors, {resident} MiB resident, {wal} MiB WAL, {database} MiB database, {rows} rows")
    }
}

pub async fn on_sqlite(options: Options) {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let file = folder.path().join("data/task.db");
    soak(&server, options, || (size(&with_suffix(&file, "-wal")), size(&file))).await;
}

pub async fn on_postgres(options: Options) {
    let Some(cluster) = Cluster::create() else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let url = format!("postgres://belfry@127.0.0.1:{}/postgres?sslmode=disable", cluster.port);
    let server = tokio::task::block_in_place(|| Server::start_with(folder.path(), &[("BELFRY_DATABASE_URL", &url)]));
    let bytes = || cluster.ask("select pg_database_size('postgres')").parse().expect("a number");
    soak(&server, options, || (0, bytes())).await;
}

/// Half of the minutes of mixed load. The second and the last quarter of the time are compared by their highest values.
async fn soak(server: &Server, options: Options, sizes: impl Fn() -> (u64, u64)) {
    let mut random = Random::new(options.seed);
    for number in 0..TASKS {
        let (kind, params) = match number % 4 {
            0 => ("send_cmd", json!({"command": "seq 200"})),
            _ => ("echo", json!({"message": "x".repeat(number * 40)})),
        };
        let task = json!({"id": format!("soak-{number}"), "type": kind, "params": params,
            "trigger": {"type": "interval", "seconds": 1}, "policy": {"retention": {"max_executions": KEPT}}});
        let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
        assert_eq!(created.status(), StatusCode::CREATED, "{}", created.text().await.unwrap_or_default());
    }
    let (started, duration) = (Instant::now(), options.share(0.5));
    let (mut second, mut last, mut measured) = (Usage::default(), Usage::default(), started);
    while started.elapsed() < duration {
        load(server, &mut random).await;
        if measured.elapsed() < EVERY {
            continue;
        }
        measured = Instant::now();
        let (usage, passed) = (measure(server, &sizes).await, started.elapsed().as_secs_f64() / duration.as_secs_f64());
        println!("{:5.0} s: {}", started.elapsed().as_secs_f64(), usage.shown());
        match passed {
            0.25..0.5 => second = second.max(usage),
            0.75.. => last = last.max(usage),
            _ => {}
        }
    }
    println!("second quarter: {}", second.shown());
    println!("last quarter:   {}", last.shown());
    assert!(last.descriptors <= second.descriptors + 24, "descriptors");
    assert!(last.resident <= second.resident + second.resident / 4 + 32 * MIB, "memory");
    if duration >= COMPARED_FROM {
        assert!(last.rows <= second.rows + second.rows / 4 + 500, "rows");
        assert!(last.wal <= second.wal + second.wal / 4 + 16 * MIB, "write-ahead log");
        assert!(last.database <= second.database + second.database / 4 + 16 * MIB, "database");
    }
}

/// What people and programs do in about a second.
async fn load(server: &Server, random: &mut Random) {
    let task = format!("/api/v1/tasks/soak-{}", random.below(TASKS));
    let paths = ["/api/v1/tasks?page_size=100", "/api/v1/executions?page_size=100", "/api/v1/stats", "/api/v1/nodes", "/readyz"];
    for path in paths {
        let answer = server.get(path).send().await.expect("get a response");
        assert!(!answer.status().is_server_error(), "{path}: {}", answer.status());
        answer.bytes().await.expect("the body");
    }
    let edits = [
        server.post(&format!("{task}/run"), &json!({})),
        server.patch(&task, &json!({"name": format!("Soak {}", random.below(1_000))})),
        server.post(&format!("{task}/pause"), &json!({})),
        server.post(&format!("{task}/resume"), &json!({})),
    ];
    for edit in edits {
        let answer = edit.send().await.expect("get a response");
        assert!(!answer.status().is_server_error(), "{}", answer.status());
    }
    // A follower that leaves at once.
    let followed = server.get("/api/v1/events").timeout(Duration::from_millis(300)).send().await;
    drop(followed);
    let pause = random.millis(600);
    tokio::time::sleep(pause).await;
}

async fn measure(server: &Server, sizes: impl Fn() -> (u64, u64)) -> Usage {
    let (descriptors, resident) = server.resources();
    let (wal, database) = tokio::task::block_in_place(sizes);
    let total =
        until("the number of rows", || async { server.json("/api/v1/executions?page_size=1").await["total"].as_u64() }).await;
    Usage { descriptors: descriptors as u64, resident: resident * 1024, wal, database, rows: total }
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |found| found.len())
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", file.display()))
}
