//! Three nodes on PostgreSQL whose packets are dropped one after the other, until the others take over.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::fire::{Fire, now};
use crate::network::Network;
use crate::nodes::{NODES, lives};
use crate::postgres::Cluster;
use crate::runner::Options;
use crate::server::{PROGRAM, Server, belfry_by, until};

pub async fn three_nodes_with_dropped_packets(options: Options) {
    let Some(network) = Network::create(NODES) else { return };
    let Some(cluster) = Cluster::create_in(&network.address(), &network.subnet()) else { return };
    let nodes: Vec<(TempDir, Server)> = (0..NODES).map(|node| start(&network, &cluster, node)).collect();
    let mut fire = Fire::start(&nodes[0].1, options.seed).await;
    let (started, duration) = (Instant::now(), options.share(0.5));
    let mut partitions = 0;
    while partitions == 0 || started.elapsed() < duration {
        let chosen = fire.random.below(NODES);
        let other = &nodes[(chosen + 1) % NODES].1;
        fire.edit_for(other, Duration::from_secs(4)).await;
        let from = now();
        network.cut(chosen);
        let since = fire.begun();
        fire.recovered(since, "a partition").await;
        fire.edit_for(other, Duration::from_secs(3)).await;
        if partitions % 2 == 0 {
            until("the node to count as dead", || async { (!lives(other, &name(chosen)).await).then_some(()) }).await;
        }
        network.heal(chosen);
        back(&nodes[chosen].1).await;
        fire.could_not_record_since(from);
        partitions += 1;
    }
    println!("{partitions} partitions");
    fire.assert_promises(&nodes[0].1, "dropped packets").await;
}

fn name(node: usize) -> String {
    format!("node-{node}")
}

fn start(network: &Network, cluster: &Cluster, node: usize) -> (TempDir, Server) {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let mut command = belfry_by(network.command(node, PROGRAM), folder.path());
    command.env("BELFRY_SERVER_LISTEN", format!("{}:8080", network.address_of(node)));
    command.env("BELFRY_SERVER_NAME", name(node));
    let url = format!("postgres://belfry@{}:{}/postgres?sslmode=disable", network.address(), cluster.port);
    command.env("BELFRY_DATABASE_URL", url);
    let server = tokio::task::block_in_place(|| Server::launch(command));
    (folder, server)
}

/// Waits until a node answers again, with its database. Its connections wait for the next repetition of a lost packet.
async fn back(server: &Server) {
    let (started, limit) = (Instant::now(), Duration::from_secs(180));
    loop {
        let answer = server.get("/api/v1/nodes").timeout(Duration::from_secs(5)).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            println!("the node answers {:.1} s after its network is back", started.elapsed().as_secs_f64());
            return;
        }
        assert!(started.elapsed() < limit, "the node does not come back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
