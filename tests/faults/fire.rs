//! Tasks under edits: creates them, changes them at random through the API and the command line, and keeps what it did.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::checks::{Evidence, check, counters_are_current};
use crate::history::{Moment, TaskHistory};
use crate::runner::Random;
use crate::server::{Server, TOKEN, belfry, until};

const TASKS: usize = 8;
/// The task that starts another one after each success, and that other one.
const PARENT: &str = "task-0";
const CHILD: &str = "child";
/// How long a request may take before its outcome counts as unknown.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long the runs of a command last; no other program sleeps for this time.
const SLEEP: &str = "0.2173";

/// What a change does to the history of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Fires(i64),
    Ends,
}

/// A change whose answer did not arrive.
#[derive(Debug)]
struct Unknown {
    task: usize,
    after: DateTime<Utc>,
}

pub struct Fire {
    folder: tempfile::TempDir,
    pub random: Random,
    histories: Vec<TaskHistory>,
    unknown: Vec<Unknown>,
    unrecorded: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// A task id with what it changes, and the request that does it.
struct Edit {
    changes: Vec<(usize, Change)>,
    request: RequestBuilder,
}

pub fn now() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "the servers under test use the real clock")]
    let now = SystemTime::now();
    now.into()
}

impl Fire {
    /// Creates the tasks on a server.
    pub async fn start(server: &Server, seed: u64) -> Fire {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let mut fire =
            Fire { folder, random: Random::new(seed), histories: Vec::new(), unknown: Vec::new(), unrecorded: Vec::new() };
        let child = json!({"id": CHILD, "type": "echo", "trigger": {"type": "cron", "year": 2999}});
        assert_eq!(server.post("/api/v1/tasks", &child).send().await.expect("get a response").status(), StatusCode::CREATED);
        for number in 0..TASKS {
            fire.histories.push(TaskHistory::new(&format!("task-{number}")));
            let edit = fire.create(server, number, 1 + number as i64 % 3);
            fire.apply(edit).await;
        }
        fire
    }

    /// The file to which the runs write.
    fn effects(&self) -> PathBuf {
        self.folder.path().join("effects")
    }

    /// How often runs have begun.
    pub fn begun(&self) -> usize {
        let lines = std::fs::read_to_string(self.effects()).unwrap_or_default();
        lines.lines().filter(|line| line.starts_with("b ")).count()
    }

    fn create(&self, server: &Server, task: usize, seconds: i64) -> Edit {
        let file = self.effects().display().to_string();
        let line = |kind: &str| {
            format!("printf '{kind} %s %s %s\\n' \"$BELFRY_EXECUTION_ID\" \"$BELFRY_ATTEMPT\" \"$(date +%s%N)\" >> {file}")
        };
        let command = format!("{}; sleep {SLEEP}; {}", line("b"), line("e"));
        let chain = if self.histories[task].id == PARENT { json!([{"on": "success", "task": CHILD}]) } else { json!([]) };
        let body = json!({"id": self.histories[task].id, "type": "send_cmd", "trigger": rule(seconds), "params": {"command": command},
            "chain": chain, "policy": {"retry": {"max_attempts": 3, "delay_seconds": 0.2, "backoff": "fixed"}}});
        Edit { changes: vec![(task, Change::Fires(seconds))], request: server.post("/api/v1/tasks", &body) }
    }

    /// A random change through the API.
    fn random_edit(&mut self, server: &Server) -> Edit {
        let task = self.random.below(TASKS);
        let (id, seconds) = (self.histories[task].id.clone(), 1 + self.random.below(3) as i64);
        let path = |action: &str| format!("/api/v1/tasks/{id}{action}");
        let exists = self.histories[task].seconds().is_some();
        match self.random.below(8) {
            0 | 1 => Edit { changes: vec![(task, Change::Ends)], request: server.post(&path("/pause"), &json!({})) },
            2 => Edit {
                changes: vec![(task, Change::Fires(seconds))],
                request: server.patch(&path(""), &json!({"enabled": true, "trigger": rule(seconds)})),
            },
            3 if exists && self.histories[task].id != PARENT => {
                Edit { changes: vec![(task, Change::Ends)], request: server.delete(&path("")) }
            }
            4 => Edit { changes: Vec::new(), request: server.post(&path("/run"), &json!({})) },
            5 => {
                let others: Vec<usize> = (0..TASKS).filter(|other| other % 2 == task % 2).collect();
                let ids: Vec<&str> = others.iter().map(|other| self.histories[*other].id.as_str()).collect();
                let body = json!({"action": "pause", "ids": ids});
                Edit {
                    changes: others.iter().map(|other| (*other, Change::Ends)).collect(),
                    request: server.post("/api/v1/tasks/bulk", &body),
                }
            }
            _ => self.create(server, task, seconds),
        }
    }

    /// Performs random changes for a time; the last request may still be answered when it returns.
    pub async fn edit_for(&mut self, server: &Server, time: Duration) {
        let started = Instant::now();
        while started.elapsed() < time {
            self.edit(server).await;
            let pause = self.random.millis(300);
            tokio::time::sleep(pause).await;
        }
    }

    /// Performs a random change, and one more on a task that does not fire, so that there is always work.
    pub async fn edit(&mut self, server: &Server) {
        self.settle(server).await;
        let edit = self.random_edit(server);
        self.apply(edit).await;
        if let Some(idle) = (0..TASKS).find(|task| self.histories[*task].seconds().is_none()) {
            let seconds = 1 + self.random.below(3) as i64;
            let edit = self.create(server, idle, seconds);
            if !self.apply(edit).await {
                let body = json!({"enabled": true, "trigger": rule(seconds)});
                let request = server.patch(&format!("/api/v1/tasks/{}", self.histories[idle].id), &body);
                self.apply(Edit { changes: vec![(idle, Change::Fires(seconds))], request }).await;
            }
        }
    }

    /// Sends the request. Returns whether the server did what it asks; an answer that does not arrive leaves the outcome unknown.
    async fn apply(&mut self, edit: Edit) -> bool {
        let after = now();
        let answer = edit.request.timeout(TIMEOUT).send().await;
        let moment = Moment { after, before: now() };
        match answer {
            Ok(answer) if answer.status().is_success() => {
                for (task, change) in edit.changes {
                    self.record(task, change, moment);
                }
                true
            }
            Ok(answer) if answer.status().is_client_error() => false,
            // A server that cannot write may have written all the same.
            _ => {
                self.unknown.extend(edit.changes.into_iter().map(|(task, _)| Unknown { task, after }));
                false
            }
        }
    }

    fn record(&mut self, task: usize, change: Change, moment: Moment) {
        match change {
            Change::Fires(seconds) if self.histories[task].seconds() == Some(seconds) => {}
            Change::Fires(seconds) => self.histories[task].fires(seconds, moment),
            Change::Ends => self.histories[task].ends(moment),
        }
    }

    /// Asks what became of the changes without an answer. No request may be on its way any more.
    pub async fn settle(&mut self, server: &Server) {
        for Unknown { task, after } in std::mem::take(&mut self.unknown) {
            let found = self.state(server, task).await;
            let change = found.map_or(Change::Ends, Change::Fires);
            self.record(task, change, Moment { after, before: now() });
        }
    }

    /// By which rule a task fires; `None`: it is paused or deleted.
    async fn state(&self, server: &Server, task: usize) -> Option<i64> {
        let path = format!("/api/v1/tasks/{}", self.histories[task].id);
        let found = until("the state of a task", || async {
            let answer = server.get(&path).timeout(TIMEOUT).send().await.ok()?;
            match answer.status() {
                StatusCode::OK => Some(answer.json::<Value>().await.ok()?),
                StatusCode::NOT_FOUND => Some(Value::Null),
                _ => None,
            }
        })
        .await;
        (found["enabled"] == true).then(|| found["trigger"]["seconds"].as_i64()).flatten()
    }

    /// Pauses or resumes a task on the command line, with the local database of a folder.
    pub fn edit_on_the_command_line(&mut self, folder: &Path) {
        let task = self.random.below(TASKS);
        let action = if self.histories[task].seconds().is_some() { "pause" } else { "resume" };
        let after = now();
        let status = belfry(folder).args(["task", action, &self.histories[task].id]).output().expect("run the program");
        let moment = Moment { after, before: now() };
        match status.status.code() {
            Some(0) if action == "pause" => self.record(task, Change::Ends, moment),
            // The rule it had before is asked for once a server runs.
            Some(0) => self.unknown.push(Unknown { task, after }),
            Some(3) => {} // the task is deleted
            code => panic!("{action} ends with {code:?}: {}", String::from_utf8_lossy(&status.stderr)),
        }
    }

    /// Ends of runs could not be recorded since `from`; until now, and for the moment that a node takes to record them.
    pub fn could_not_record_since(&mut self, from: DateTime<Utc>) {
        self.unrecorded.push((from - chrono::TimeDelta::seconds(1), now() + chrono::TimeDelta::seconds(2)));
    }

    /// Waits until a run begins after `since` runs; returns how long that took.
    pub async fn recovered(&self, since: usize, what: &str) {
        let started = Instant::now();
        until(&format!("a run after {what}"), || async { (self.begun() > since).then_some(()) }).await;
        println!("{what}: the next run began after {:.2} s", started.elapsed().as_secs_f64());
    }

    /// Ends all tasks, waits for the end of what runs, and checks every count, also with `belfry verify`.
    pub async fn assert_promises(mut self, server: &Server, scenario: &str) {
        self.settle(server).await;
        for task in 0..TASKS {
            if self.histories[task].seconds().is_some() {
                let request = server.post(&format!("/api/v1/tasks/{}/pause", self.histories[task].id), &json!({}));
                assert!(self.apply(Edit { changes: vec![(task, Change::Ends)], request }).await, "pauses");
            }
        }
        until("all executions to end", || async {
            (server.count("queued").await == 0 && server.count("running").await == 0).then_some(())
        })
        .await;
        let (executions, tasks) = ended_and_counted(server).await;
        let evidence = Evidence {
            histories: &self.histories,
            executions: &executions,
            tasks: &tasks,
            effects: &self.effects(),
            parent: PARENT,
            child: CHILD,
            until: now(),
            unrecorded: &self.unrecorded,
        };
        println!("{scenario}: {} executions, {} runs", executions.len(), self.begun());
        let violations = check(&evidence);
        let mut verify = belfry(self.folder.path());
        verify.args(["verify", "--server", server.base()]).env("BELFRY_TOKEN", TOKEN);
        // Not on this thread: the connections of the servers may pass through tasks that wait for it.
        let verified = tokio::task::spawn_blocking(move || verify.output()).await.expect("ends").expect("run the program");
        println!("{scenario}: verify: {}", String::from_utf8_lossy(&verified.stdout).lines().last().unwrap_or_default());
        assert_eq!(processes_of_runs(), 0, "{scenario}: processes left over");
        violations.assert_none(scenario);
        let said = [&verified.stdout, &verified.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat();
        assert_eq!(verified.status.code(), Some(0), "{said}");
    }
}

/// The executions and the tasks once all have ended, those that an end has started too, and the counters, which may follow a second
/// later, are those of the rows; as they are if that takes too long.
async fn ended_and_counted(server: &Server) -> (Vec<Value>, Vec<Value>) {
    let started = Instant::now();
    loop {
        let executions = server.executions().await;
        let tasks = server.json("/api/v1/tasks?page_size=500").await["items"].as_array().cloned().unwrap_or_default();
        let ended = executions.iter().all(|one| one["status"] != "queued" && one["status"] != "running");
        if ended && counters_are_current(&executions, &tasks) || started.elapsed() > TIMEOUT {
            return (executions, tasks);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn rule(seconds: i64) -> Value {
    json!({"type": "interval", "seconds": seconds, "start_date": "1970-01-01 00:00:00", "timezone": "UTC"})
}

/// The number of processes that runs have started and that still live.
fn processes_of_runs() -> usize {
    let entries = std::fs::read_dir("/proc").expect("list the processes").filter_map(Result::ok);
    let command = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
    entries.filter_map(command).filter(|line| String::from_utf8_lossy(line) == format!("sleep\0{SLEEP}\0")).count()
}
