//! Three nodes on PostgreSQL under edits: nodes are killed and stopped, connections cut and withheld, the database restarted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::fire::{Fire, now};
use crate::postgres::Cluster;
use crate::proxy::Proxy;
use crate::runner::Options;
use crate::server::{Server, until};

pub const NODES: usize = 3;

/// A node with its folder and its way to the database.
struct Node {
    folder: TempDir,
    proxy: Proxy,
    server: Option<Server>,
    /// How often it was started.
    starts: usize,
}

impl Node {
    async fn new(cluster: &Cluster) -> Node {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let mut node = Node { folder, proxy: Proxy::start(cluster.port).await, server: None, starts: 0 };
        node.start();
        node
    }

    fn start(&mut self) {
        let url = format!("postgres://belfry@{}/postgres?sslmode=disable", self.proxy.address);
        self.starts += 1;
        let name = self.name();
        let variables = [("BELFRY_DATABASE_URL", url.as_str()), ("BELFRY_SERVER_NAME", name.as_str())];
        // The proxy works while this waits for the node.
        let start = || Server::start_with(self.folder.path(), &variables);
        self.server = Some(tokio::task::block_in_place(start));
    }

    /// A name of its own for each start.
    fn name(&self) -> String {
        format!("{}-{}", self.proxy.address, self.starts)
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }
}

pub async fn three_nodes_under_edits(options: Options) {
    let Some(cluster) = Cluster::create() else { return };
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(Node::new(&cluster).await);
    }
    let mut fire = Fire::start(nodes[0].server(), options.seed).await;
    let (started, duration) = (Instant::now(), options.share(0.1));
    // The silence of a node takes long, so it comes once in each storm.
    let mut silences = 1;
    while started.elapsed() < duration {
        for _ in 0..6 {
            let node = fire.random.below(NODES);
            fire.edit(nodes[node].server()).await;
            let pause = fire.random.millis(300);
            tokio::time::sleep(pause).await;
        }
        let chosen = fire.random.below(NODES);
        match fire.random.below(6) {
            0 => killed(&mut fire, &mut nodes, chosen).await,
            1 if silences > 0 => {
                silences -= 1;
                silent(&mut fire, &nodes, chosen).await;
            }
            2 => cut(&mut fire, &nodes).await,
            3 => withheld(&mut fire, &nodes, chosen).await,
            _ => restarted(&mut fire, &cluster).await,
        }
        fire.settle(nodes[0].server()).await;
    }
    if silences > 0 {
        silent(&mut fire, &nodes, 1).await;
    }
    fire.assert_promises(nodes[0].server(), "three nodes").await;
}

/// What a node answers about the nodes while its database restarts, in each way: 200, or 503 with the reason.
pub async fn restart_of_the_database_is_never_a_500() {
    let Some(cluster) = Cluster::create() else { return };
    let node = Node::new(&cluster).await;
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    for mode in ["fast", "immediate", "kill"] {
        cluster.stop(mode);
        for _ in 0..10 {
            ask(&node, &mut answers).await;
        }
        cluster.start();
        until("an answer with 200", || async {
            let answer = node.server().get("/api/v1/nodes").send().await.ok()?;
            let status = answer.status().as_u16();
            assert!(matches!(status, 200 | 503), "{status}");
            (status == 200).then_some(())
        })
        .await;
        for _ in 0..20 {
            ask(&node, &mut answers).await;
        }
    }
    println!("answers by status, 0 for none within half a second: {answers:?}");
    assert!(answers.keys().all(|status| matches!(status, 0 | 200 | 503)), "{answers:?}");
}

async fn ask(node: &Node, answers: &mut BTreeMap<u16, usize>) {
    let answer = node.server().get("/api/v1/nodes").timeout(Duration::from_millis(500)).send().await;
    let Ok(answer) = answer else {
        *answers.entry(0).or_default() += 1;
        return;
    };
    let status = answer.status().as_u16();
    *answers.entry(status).or_default() += 1;
    if status == 503 {
        let problem = answer.text().await.unwrap_or_default();
        assert!(problem.contains("database"), "{problem}");
    }
}

/// A node that stands still in the middle of a transaction: the database ends it, so that its locks hold nobody up.
pub async fn transaction_of_a_node_that_stands_still_is_ended() {
    let Some(cluster) = Cluster::create() else { return };
    let (stopped, other) = (Node::new(&cluster).await, Node::new(&cluster).await);
    let mut fire = Fire::start(other.server(), 1).await;
    let in_transaction = "select count(*) from pg_stat_activity where state = 'idle in transaction'
        and now() - state_change > interval '1 second'";
    let from = now();
    // The node is stopped again and again until that hits a transaction.
    loop {
        stopped.server().signal("STOP");
        tokio::time::sleep(Duration::from_millis(1200)).await;
        if cluster.ask(in_transaction) != "0" {
            break;
        }
        stopped.server().signal("CONT");
        let pause = fire.random.millis(50);
        tokio::time::sleep(pause).await;
    }
    let started = Instant::now();
    until("the end of its transaction", || async { (cluster.ask(in_transaction) == "0").then_some(()) }).await;
    println!("the transaction was ended after {:.1} s", started.elapsed().as_secs_f64());
    until("the node to count as dead", || async { (!lives(other.server(), &stopped.name()).await).then_some(()) }).await;
    println!("the node counted as dead after {:.1} s", started.elapsed().as_secs_f64());
    assert!(started.elapsed() < Duration::from_secs(45), "{:?}", started.elapsed());
    let since = fire.begun();
    fire.recovered(since, "a node that stands still").await;
    stopped.server().signal("CONT");
    until("the node to come back", || async { lives(other.server(), &stopped.name()).await.then_some(()) }).await;
    fire.could_not_record_since(from);
    fire.assert_promises(other.server(), "a node that stands still").await;
}

/// `kill -9` of a node, and a new one in its place.
async fn killed(fire: &mut Fire, nodes: &mut [Node], chosen: usize) {
    let server = nodes[chosen].server.take().expect("it runs");
    server.signal("KILL");
    server.ended();
    let since = fire.begun();
    fire.recovered(since, "the death of a node").await;
    nodes[chosen].start();
}

/// SIGSTOP until the other nodes have taken over; what the node finishes afterwards does not count.
async fn silent(fire: &mut Fire, nodes: &[Node], chosen: usize) {
    let (other, name) = (nodes[(chosen + 1) % NODES].server(), nodes[chosen].name());
    let from = now();
    nodes[chosen].server().signal("STOP");
    let since = fire.begun();
    fire.recovered(since, "the silence of a node").await;
    until("the node to count as dead", || async { (!lives(other, &name).await).then_some(()) }).await;
    nodes[chosen].server().signal("CONT");
    until("the node to come back", || async { lives(other, &name).await.then_some(()) }).await;
    fire.could_not_record_since(from);
}

/// Whether a node is listed as running.
pub async fn lives(server: &Server, name: &str) -> bool {
    server.json("/api/v1/nodes").await["nodes"].as_array().is_some_and(|nodes| nodes.iter().any(|node| node["name"] == name))
}

/// All connections end at once, some in the middle of a commit.
async fn cut(fire: &mut Fire, nodes: &[Node]) {
    let from = now();
    for node in nodes {
        let pause = fire.random.millis(100);
        tokio::time::sleep(pause).await;
        node.proxy.cut();
    }
    let since = fire.begun();
    fire.recovered(since, "cut connections").await;
    fire.could_not_record_since(from);
}

/// A network that drops packets: commits arrive seconds after they were sent.
async fn withheld(fire: &mut Fire, nodes: &[Node], chosen: usize) {
    let (from, partition) = (now(), Duration::from_secs(2) + fire.random.millis(4000));
    nodes[chosen].proxy.withhold(true);
    tokio::time::sleep(partition).await;
    let since = fire.begun();
    nodes[chosen].proxy.withhold(false);
    fire.recovered(since, "a partition").await;
    fire.could_not_record_since(from);
}

async fn restarted(fire: &mut Fire, cluster: &Cluster) {
    let mode = ["fast", "immediate", "kill"][fire.random.below(3)];
    let (from, outage) = (now(), fire.random.millis(3000));
    cluster.stop(mode);
    tokio::time::sleep(outage).await;
    let since = fire.begun();
    cluster.start();
    fire.recovered(since, &format!("a restart of the database ({mode})")).await;
    fire.could_not_record_since(from);
}
