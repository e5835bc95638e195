//! Test fixture: tasks and rules whose channels are never reached; outcomes are recorded as workers and the planner do.

use std::collections::BTreeMap;

use belfry::clock::Clock;
use belfry::domain::execution::{Cause, Status};
use belfry::domain::node::NodeIdentity;
use belfry::domain::notify::channel::ChannelType;
use belfry::domain::notify::incident::{Incident, IncidentFilter};
use belfry::domain::notify::message;
use belfry::domain::page::PageRequest;
use belfry::domain::profile::Profiles;
use belfry::i18n::Message;
use belfry::notify::alarms::AlarmWatch;
use belfry::notify::incidents::{self, DecisionTime, TaskOutcome};
use belfry::storage::execution::{self, Claim, Finish, NewExecution};
use belfry::storage::notify_message;
use belfry::storage::{Database, task};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::rig::channel;
use crate::support::context::{TestContext, admin};

pub struct AlarmRig {
    pub context: TestContext,
}

/// A node of the cluster.
pub fn node(name: &str) -> NodeIdentity {
    NodeIdentity { id: format!("01{name}"), name: name.into() }
}

impl AlarmRig {
    pub fn new(database: &Database) -> AlarmRig {
        let settings = channel(ChannelType::Webhook, "http://127.0.0.1:9");
        let notify: BTreeMap<_, _> = ["ops", "boss"].map(|name| (name.to_owned(), settings.clone())).into();
        AlarmRig { context: TestContext::with_profiles(database, Profiles { notify, ..Profiles::default() }) }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.context.clock.now()
    }

    pub fn advance(&self, seconds: i64) {
        self.context.clock.advance(Duration::seconds(seconds));
    }

    /// Creates a task that fires once a year.
    pub async fn task(&self, id: &str, more: Value) {
        let mut body =
            json!({"id": id, "type": "echo", "trigger": {"type": "cron", "month": 1, "day": 1}, "params": {"message": "x"}});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.context.services.tasks.create(&admin(), &body).await.expect("creates");
    }

    /// Creates a rule for all tasks that tells `ops` of failures and recoveries.
    pub async fn rule(&self, more: Value) {
        let mut body = json!({"name": "all", "tasks": {"all": true}, "events": ["failed", "recovered"], "channels": ["ops"]});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.context.services.notify_rules.create(&admin(), &body).await.expect("creates");
    }

    /// Records the end of a run on a node. Returns its id.
    pub async fn end(&self, task_id: &str, status: Status, error: &str) -> String {
        self.end_all(&[(task_id, status, error)]).await.remove(0)
    }

    /// Records ends of runs in one transaction, as the recorder of a worker does.
    pub async fn end_all(&self, ends: &[(&str, Status, &str)]) -> Vec<String> {
        end_all(&self.context.database, &node("a"), self.now(), ends).await
    }

    pub async fn fail(&self, task_id: &str, error: &str) -> String {
        self.end(task_id, Status::Failed, error).await
    }

    pub async fn succeed(&self, task_id: &str) -> String {
        self.end(task_id, Status::Succeeded, "").await
    }

    /// The incidents, oldest first.
    pub async fn incidents(&self) -> Vec<Incident> {
        let request = PageRequest { size: 500, cursor: None };
        let filter = IncidentFilter::default();
        let mut all = self.context.services.incidents.list(&admin(), &filter, &request).await.expect("lists").items;
        all.reverse();
        all
    }

    /// The titles of the messages of a channel, oldest first.
    pub async fn titles(&self, channel: &str) -> Vec<String> {
        self.messages(channel).await.into_iter().map(|message| message.notice.title).collect()
    }

    pub async fn messages(&self, channel: &str) -> Vec<message::Message> {
        let mut reader = self.context.database.read().await.expect("reads");
        let request = PageRequest { size: 500, cursor: None };
        let mut all = notify_message::page(&mut reader, channel, &request).await.expect("lists").items;
        all.reverse();
        all
    }

    /// Checks what time brings, once.
    pub async fn check(&self) {
        self.watch("a").run_once(self.now()).await.expect("checks");
    }

    /// The watch of a node.
    pub fn watch(&self, node_id: &str) -> AlarmWatch {
        AlarmWatch {
            database: self.context.database.clone(),
            clock: self.context.clock.clone(),
            node_id: node_id.to_owned(),
            zone: Tz::UTC,
            signals: self.context.signals.clone(),
            calendar: belfry::notify::calendar_watch::CalendarWatch::default(),
        }
    }
}

/// Begins runs of tasks and returns them.
pub async fn begin(database: &Database, node: &NodeIdentity, now: DateTime<Utc>, task_ids: &[&str]) -> Vec<NewExecution> {
    let mut tx = database.write().await.expect("begins");
    let mut begun = Vec::new();
    for id in task_ids {
        let task = task::get(&mut tx, id).await.expect("reads").expect("the task exists");
        begun.push(NewExecution::new(&task, Cause::Manual, now, now));
    }
    execution::insert(&mut tx, &begun, now).await.expect("inserts");
    let claims: Vec<Claim> =
        begun.iter().map(|new| Claim { execution_id: new.id.clone(), attempt: 1, started_at: now }).collect();
    assert_eq!(execution::claim(&mut tx, node, &claims).await.expect("claims").len(), begun.len());
    tx.commit().await.expect("commits");
    begun
}

/// Begins runs and records their ends in one transaction. Returns their ids.
pub async fn end_all(database: &Database, node: &NodeIdentity, now: DateTime<Utc>, ends: &[(&str, Status, &str)]) -> Vec<String> {
    let begun = begin(database, node, now, &ends.iter().map(|(id, ..)| *id).collect::<Vec<_>>()).await;
    let finish = |(new, (_, status, error)): (&NewExecution, &(&str, Status, &str))| Finish {
        execution_id: new.id.clone(),
        attempt: 1,
        status: *status,
        retry_at: None,
        started_at: now,
        finished_at: now,
        duration_ms: 5,
        error: (!error.is_empty()).then(|| Message::verbatim(*error)),
        result: None,
    };
    let finishes: Vec<Finish> = begun.iter().zip(ends).map(finish).collect();
    record(database, node, now, &finishes, &begun).await;
    begun.into_iter().map(|new| new.id).collect()
}

/// Records results with the incidents that follow, as the recorder of a worker does.
pub async fn record(database: &Database, node: &NodeIdentity, now: DateTime<Utc>, finishes: &[Finish], runs: &[NewExecution]) {
    let mut tx = database.write().await.expect("begins");
    let finished = execution::finish(&mut tx, &node.id, finishes).await.expect("finishes");
    let matters =
        |finish: &Finish, run: &NewExecution| finish.status.is_failure() || finished.tasks_with_incidents.contains(&run.task_id);
    let outcomes: Vec<TaskOutcome> = finishes
        .iter()
        .zip(runs)
        .filter(|(finish, run)| matters(finish, run))
        .map(|(finish, run)| TaskOutcome::of_run(finish, &run.task_id, Some(false)))
        .collect();
    incidents::record(&mut tx, &outcomes, DecisionTime { now, zone: Tz::UTC }).await.expect("decides");
    tx.commit().await.expect("commits");
}
