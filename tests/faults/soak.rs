//! Mixed load for a while: memory, descriptors, the write-ahead log, the database and the rows of every table stay as they are.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use crate::postgres::Cluster;
use crate::runner::{Options, Random};
use crate::server::Server;
use crate::usage::{DatabaseLimit, MIB, Sample, Tables, judge};

const TASKS: usize = 24;
/// How many executions of each task are kept.
const KEPT: usize = 50;
/// How often the use is measured.
const EVERY: Duration = Duration::from_secs(10);

pub async fn on_sqlite(options: Options) {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let file = folder.path().join("data/task.db");
    soak(&server, options, &Place::Sqlite(file)).await;
}

pub async fn on_postgres(options: Options) {
    let Some(cluster) = Cluster::create() else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let url = format!("postgres://belfry@127.0.0.1:{}/postgres?sslmode=disable", cluster.port);
    let server = tokio::task::block_in_place(|| Server::start_with(folder.path(), &[("BELFRY_DATABASE_URL", &url)]));
    soak(&server, options, &Place::Postgres(cluster)).await;
}

/// The database, looked at from outside.
enum Place {
    Sqlite(PathBuf),
    Postgres(Cluster),
}

impl Place {
    /// The bytes of the write-ahead log; 0 on PostgreSQL, which manages its own.
    fn wal(&self) -> u64 {
        match self {
            Place::Sqlite(file) => size(&PathBuf::from(format!("{}-wal", file.display()))),
            Place::Postgres(_) => 0,
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Place::Sqlite(file) => size(file),
            Place::Postgres(cluster) => cluster.ask("select pg_database_size('postgres')").parse().expect("a number"),
        }
    }

    /// Half of what an execution takes here are the results of this load. PostgreSQL keeps the space of deleted rows for a while.
    fn limit(&self) -> DatabaseLimit {
        match self {
            Place::Sqlite(_) => DatabaseLimit { empty: 4 * MIB, execution: 1536 },
            Place::Postgres(_) => DatabaseLimit { empty: 12 * MIB, execution: 4096 },
        }
    }

    /// The number of rows of every table.
    async fn tables(&self) -> Tables {
        match self {
            Place::Sqlite(file) => sqlite_tables(file).await.expect("count the rows"),
            Place::Postgres(cluster) => {
                let counted = tokio::task::block_in_place(|| cluster.ask(POSTGRES_TABLES));
                let table = |line: &str| {
                    let (name, rows) = line.split_once('=').expect("a name and a number");
                    (name.to_owned(), rows.parse().expect("a number"))
                };
                counted.split(',').map(table).collect()
            }
        }
    }
}

/// The rows of each table, as `name=rows` separated by commas.
const POSTGRES_TABLES: &str = "select string_agg(t.table_name || '=' || (xpath('/row/c/text()', query_to_xml(format(
    'select count(*) as c from %I', t.table_name), false, true, '')))[1]::text, ',')
    from information_schema.tables t where t.table_schema = 'public' and t.table_type = 'BASE TABLE'";

async fn sqlite_tables(file: &Path) -> Result<Tables, sqlx::Error> {
    let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file).read_only(true)).await?;
    let names = "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut database).await?;
    let counts = names.iter().map(|name| format!("select '{name}' as name, count(*) as n from \"{name}\""));
    let counts = counts.collect::<Vec<_>>().join(" union all ");
    let rows = sqlx::query(AssertSqlSafe(counts)).fetch_all(&mut database).await?;
    database.close().await?;
    Ok(rows.iter().map(|row| (row.get("name"), row.get("n"))).collect())
}

/// Half of the minutes of mixed load.
async fn soak(server: &Server, options: Options, place: &Place) {
    let mut random = Random::new(options.seed);
    for number in 0..TASKS {
        let (kind, params) = match number % 4 {
            0 => ("send_cmd", json!({"command": "echo a line of output"})),
            _ => ("echo", json!({"message": "x".repeat(number * 40)})),
        };
        let task = json!({"id": format!("soak-{number}"), "type": kind, "params": params,
            "trigger": {"type": "interval", "seconds": 1}, "policy": {"retention": {"max_executions": KEPT}}});
        let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
        assert_eq!(created.status(), StatusCode::CREATED, "{}", created.text().await.unwrap_or_default());
    }
    let (started, duration) = (Instant::now(), options.share(0.5));
    let (mut samples, mut measured, mut edits, mut wal) = (Vec::new(), started, 0, 0);
    while started.elapsed() < duration {
        edits += load(server, &mut random).await;
        wal = place.wal().max(wal);
        if measured.elapsed() < EVERY {
            continue;
        }
        measured = Instant::now();
        let sample = Sample {
            at: started.elapsed(),
            descriptors: server.resources().0 as u64,
            memory: memory(server),
            wal: std::mem::take(&mut wal),
            database: tokio::task::block_in_place(|| place.bytes()),
            tables: place.tables().await,
            edits,
        };
        println!("{}", sample.shown());
        samples.push(sample);
    }
    report(&samples);
    let faults = judge(&samples, duration, place.limit());
    assert!(faults.is_empty(), "{}", faults.join("; "));
}

/// Prints the ranges, and the bytes of the database for each execution that it holds, where it holds most.
fn report(samples: &[Sample]) {
    let range = |what: &str, value: fn(&Sample) -> u64| {
        let (least, most) = (samples.iter().map(value).min(), samples.iter().map(value).max());
        println!("{what}: {} to {}", least.unwrap_or_default(), most.unwrap_or_default());
    };
    range("descriptors", |one| one.descriptors);
    range("memory in MiB", |one| one.memory / MIB);
    range("write-ahead log in MiB", |one| one.wal / MIB);
    range("database in MiB", |one| one.database / MIB);
    range("executions", Sample::executions);
    if let Some(fullest) = samples.iter().max_by_key(|one| one.executions()) {
        println!("bytes of database an execution: {}", fullest.database / fullest.executions().max(1));
    }
    if let Some(last) = samples.last() {
        println!("tables at the end: {:?}", last.tables);
    }
}

/// What people and programs do in about a second. Returns the number of changes.
async fn load(server: &Server, random: &mut Random) -> u64 {
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
    let number = edits.len() as u64;
    for edit in edits {
        let answer = edit.send().await.expect("get a response");
        assert!(!answer.status().is_server_error(), "{}", answer.status());
    }
    // A follower that leaves at once.
    let followed = server.get("/api/v1/events").timeout(Duration::from_millis(300)).send().await;
    drop(followed);
    let pause = random.millis(600);
    tokio::time::sleep(pause).await;
    number
}

/// The bytes of memory of the server that no file holds.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("read the status");
    let found = status.lines().find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    found.expect("the memory") * 1024
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |found| found.len())
}
