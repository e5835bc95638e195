//! Pages benchmark over real sockets: list requests per second, the time of each page, and the size of the first load.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use super::Fault;
use super::http::{Client, Reply};
use super::list::SampleRuns;
use super::machine::rounded;
use super::rig::{DataLocation, Rig, Running};
use crate::service::AdminSetup;

/// Concurrent connections.
const CONNECTIONS: usize = 8;
/// Rounds of requests; the median counts.
const ROUNDS: usize = 5;
/// Requests of each page; the median counts.
const READS: usize = 11;
/// Tasks that have executions.
const TASKS_WITH_HISTORY: u32 = 50;

const NAME: &str = "bench";
const PASSWORD: &str = "battery staple";
const TOKEN: &str = "bench-0123456789abcdef0123456789abcdef";

/// The result of the pages benchmark.
#[derive(Debug, Clone, Serialize)]
pub struct Pages {
    pub tasks: u32,
    pub executions: u32,
    pub rates: Vec<Rate>,
    pub pages: Vec<PageCost>,
    pub first_load: FirstLoad,
}

/// Requests per second on several connections.
#[derive(Debug, Clone, Serialize)]
pub struct Rate {
    pub path: String,
    pub per_second: f64,
}

/// One page, on one connection.
#[derive(Debug, Clone, Serialize)]
pub struct PageCost {
    pub path: String,
    pub p50_ms: f64,
    /// Bytes as transferred, compressed.
    pub bytes: usize,
}

/// The overview with all its files, as transferred to a browser with an empty cache.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FirstLoad {
    pub bytes: usize,
    pub script_bytes: usize,
}

pub async fn measure(location: &DataLocation, tasks: u32, executions: u32, seconds: f64) -> Result<Pages, Fault> {
    let rig = Rig::new(location).await?;
    let server = rig.serve().await?;
    let pages = run(&server, tasks, executions, Duration::from_secs_f64(seconds)).await;
    server.stop().await?;
    rig.remove().await?;
    pages
}

async fn run(server: &Running, tasks: u32, executions: u32, each: Duration) -> Result<Pages, Fault> {
    let newest = fill(server, tasks, executions).await?;
    let clients = Clients::new(server).await?;
    let mut rates = Vec::new();
    for path in ["/tasks", "/executions", "/api/v1/tasks", "/api/v1/executions"] {
        rates.push(Rate { path: path.to_owned(), per_second: rounded(clients.rate(path, each).await?) });
    }
    let mut pages = Vec::new();
    for path in all_pages(&newest) {
        pages.push(clients.cost(path).await?);
    }
    Ok(Pages { tasks, executions, rates, pages, first_load: clients.first_load().await? })
}

/// Fills a folder with the data of the benchmark, for measurements by other programs.
pub async fn fill_folder(folder: &Path, tasks: u32, executions: u32) -> Result<(), Fault> {
    let server = Rig::in_folder(folder).serve().await?;
    fill(&server, tasks, executions).await?;
    Clients::new(&server).await?;
    server.stop().await
}

/// Creates the tasks and their executions. The first rows of the task list have runs. Returns the id of the newest execution.
async fn fill(server: &Running, tasks: u32, executions: u32) -> Result<String, Fault> {
    let past = SampleRuns::before(super::rig::now(), executions);
    past.write(&server.database).await?;
    let id = |number: u32| if number < TASKS_WITH_HISTORY { format!("past-{number}") } else { format!("rest-{number}") };
    let task = |number: u32| {
        json!({"id": id(number), "type": "echo", "params": {"message": "ding"}, "tags": [format!("tag-{}", number % 20)],
            "trigger": {"type": "interval", "hours": 1 + number % 24, "start_date": "2099-01-01"}})
    };
    server.create((0..tasks).map(task)).await?;
    past.count(&server.database).await?;
    Ok(past.id(executions - 1))
}

/// The paths of all pages.
fn all_pages(execution: &str) -> Vec<String> {
    let fixed = [
        "/",
        "/tasks",
        "/tasks?sort=-last_run_at",
        "/tasks?search=tag%3Atag-7",
        "/tasks?status=failed",
        "/tasks/past-7",
        "/tasks/past-7/edit",
        "/tasks/past-7/versions",
        "/tasks/past-7/run",
        "/tasks/new",
        "/tasks/-/bulk?action=pause&all=true",
        "/executions",
        "/executions?status=failed",
        "/executions?task_id=past-7",
        "/executions?range=today",
        "/executions?search=task%3Apast-7+status%3Afailed",
        "/calendar",
        "/calendar?view=month",
        "/task-types",
        "/nodes",
        "/views",
        "/account",
        "/audit",
        "/settings/tokens",
        "/settings/users",
        "/settings/secrets",
        "/settings/datasources",
        "/settings/mail",
        "/settings/sms",
        "/settings/http",
        "/settings/transfer",
    ];
    fixed.into_iter().map(str::to_owned).chain([format!("/executions/{execution}")]).collect()
}

/// The request headers of a signed-in user.
struct Clients {
    address: std::net::SocketAddr,
    head: String,
}

impl Clients {
    async fn new(server: &Running) -> Result<Clients, Fault> {
        let text = |text: &str| Some(text.to_owned());
        let setup = AdminSetup { user: text(NAME), password: text(PASSWORD), token: text(TOKEN) };
        server.services.setup.bootstrap(&setup).await?;
        let (_, session) = server.services.sign_in.without_second_factor(NAME, PASSWORD, None).await?;
        let head = format!("cookie: belfry_session={session}\r\naccept-encoding: gzip\r\n");
        Ok(Clients { address: server.address, head })
    }

    async fn get(&self, client: &mut Client, path: &str) -> Result<Reply, Fault> {
        let reply = client.get(path, &self.head).await?;
        if reply.status == 200 { Ok(reply) } else { Err(format!("{path} returned status {}", reply.status).into()) }
    }

    /// Requests per second: the median of several rounds.
    async fn rate(&self, path: &str, each: Duration) -> Result<f64, Fault> {
        let mut rates = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let asking = (0..CONNECTIONS).map(|_| self.request_until(path, started + each));
            let answers: usize = futures_util::future::try_join_all(asking).await?.into_iter().sum();
            rates.push(answers as f64 / started.elapsed().as_secs_f64());
        }
        Ok(median(rates))
    }

    async fn request_until(&self, path: &str, end: Instant) -> Result<usize, Fault> {
        let (mut client, mut answers) = (Client::connect(self.address).await?, 0);
        while Instant::now() < end {
            self.get(&mut client, path).await?;
            answers += 1;
        }
        Ok(answers)
    }

    async fn cost(&self, path: String) -> Result<PageCost, Fault> {
        let mut client = Client::connect(self.address).await?;
        let (mut times, mut bytes) = (Vec::with_capacity(READS), 0);
        for _ in 0..READS {
            let started = Instant::now();
            bytes = self.get(&mut client, &path).await?.body.len();
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(PageCost { path, p50_ms: rounded(median(times)), bytes })
    }

    async fn first_load(&self) -> Result<FirstLoad, Fault> {
        let mut client = Client::connect(self.address).await?;
        let plain = client.get("/", &self.head.replace("gzip", "identity")).await?;
        let mut load = FirstLoad { bytes: self.get(&mut client, "/").await?.body.len(), script_bytes: 0 };
        for path in files_of(&String::from_utf8_lossy(&plain.body)) {
            let bytes = self.get(&mut client, &path).await?.body.len();
            load.bytes += bytes;
            load.script_bytes += if path.contains(".js?") { bytes } else { 0 };
        }
        Ok(load)
    }
}

/// The files that a page refers to, without duplicates.
fn files_of(html: &str) -> std::collections::BTreeSet<String> {
    let address = |rest: &str| rest.split(['"', '#']).next().unwrap_or_default().to_owned();
    html.match_indices("\"/static/").map(|(at, _)| address(&html[at + 1..])).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_without_duplicates() {
        let html =
            r##"<script src="/static/a.js?v=1"></script><use href="/static/i.svg?v=2#x"><use href="/static/i.svg?v=2#y">"##;
        assert_eq!(files_of(html).into_iter().collect::<Vec<_>>(), ["/static/a.js?v=1", "/static/i.svg?v=2"]);
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![])), (2.0, 0.0));
    }
}
