//! Nodes whose clocks differ: each shows how far, nobody's runs are taken over, and each occurrence runs once.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::json;

use crate::faketime::FakeClock;
use crate::ledger::lost_and_doubled;
use crate::postgres::Cluster;
use crate::server::{Server, until};

const TASKS: usize = 4;
/// How far the clocks of two of the three nodes are from that of the database, in seconds.
const AHEAD: i64 = 40;
const BEHIND: i64 = -35;
/// Longer than a silent node counts as alive.
const WHILE: Duration = Duration::from_secs(35);

pub async fn nodes_whose_clocks_differ_take_over_no_living_runs() {
    let Some(cluster) = Cluster::create() else { return };
    let (Some(mut ahead), Some(mut behind)) = (FakeClock::new(), FakeClock::new()) else { return };
    ahead.step(TimeDelta::seconds(AHEAD));
    behind.step(TimeDelta::seconds(BEHIND));
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let right = start(&folder.path().join("right"), &cluster, "right", None);
    let _others = [("ahead", &ahead), ("behind", &behind)]
        .map(|(name, clock)| start(&folder.path().join(name), &cluster, name, Some(clock)));
    let started = Instant::now();
    for number in 0..TASKS {
        let task = json!({"id": format!("second-{number}"), "type": "echo", "params": {"sleep_ms": 700},
            "trigger": {"type": "interval", "seconds": 1}, "policy": {"on_overlap": "allow", "retry": {"max_attempts": 3}}});
        let created = right.post("/api/v1/tasks", &task).send().await.expect("get a response");
        assert_eq!(created.status(), StatusCode::CREATED, "{}", created.text().await.unwrap_or_default());
    }
    tokio::time::sleep(WHILE.saturating_sub(started.elapsed())).await;
    assert_offsets(&right).await;
    for number in 0..TASKS {
        let paused = right.post(&format!("/api/v1/tasks/second-{number}/pause"), &json!({})).send().await;
        assert!(paused.expect("get a response").status().is_success());
    }
    until("all executions to end", || async {
        (right.count("queued").await == 0 && right.count("running").await == 0).then_some(())
    })
    .await;
    let executions = right.executions().await;
    let ran: Vec<_> = executions.iter().filter(|one| one["status"] != "skipped" && one["status"] != "missed").collect();
    let nodes: BTreeSet<_> = ran.iter().filter_map(|one| one["node"].as_str()).collect();
    println!("{} occurrences, run by {nodes:?}", executions.len());
    assert_eq!(lost_and_doubled(&executions), (0, 0), "lost and doubled");
    let taken_over: Vec<_> = ran.iter().filter(|one| one["status"] != "succeeded" || one["attempt"] != 1).collect();
    assert!(taken_over.is_empty(), "{taken_over:?}");
}

/// Every node lives, and shows how far its clock is off.
async fn assert_offsets(server: &Server) {
    let nodes = server.json("/api/v1/nodes").await["nodes"].clone();
    let offset = |name: &str| {
        let node = nodes.as_array().and_then(|nodes| nodes.iter().find(|node| node["name"] == name));
        node.and_then(|node| node["clock_offset_ms"].as_i64()).unwrap_or_else(|| panic!("{name}: {nodes}"))
    };
    for (name, seconds) in [("right", 0), ("ahead", AHEAD), ("behind", BEHIND)] {
        println!("{name}: {} ms", offset(name));
        assert!((offset(name) - seconds * 1000).abs() < 2_000, "{name}: {nodes}");
    }
}

fn start(folder: &Path, cluster: &Cluster, name: &str, clock: Option<&FakeClock>) -> Server {
    std::fs::create_dir(folder).expect("create a folder");
    let url = format!("postgres://belfry@127.0.0.1:{}/postgres?sslmode=disable", cluster.port);
    let faked = clock.map(FakeClock::variables).unwrap_or_default();
    let own = [("BELFRY_DATABASE_URL", url.as_str()), ("BELFRY_SERVER_NAME", name)];
    let all: Vec<(&str, &str)> = own.into_iter().chain(faked.iter().map(|(name, value)| (*name, value.as_str()))).collect();
    tokio::task::block_in_place(|| Server::start_with(folder, &all))
}
