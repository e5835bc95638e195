//! Errors of runs in the reader's language.

use std::sync::Arc;
use std::time::Duration;

use belfry::clock::{Clock, SystemClock};
use belfry::domain::execution::{Execution, Status};
use belfry::domain::node::NodeIdentity;
use belfry::storage::execution;
use belfry::tasks::registry::Registry;
use belfry::tasks::send_cmd::SendCmd;
use belfry::worker::{WorkerConfig, WorkerDeps, Workers};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::site::Site;
use crate::support::context::{TestContext, vault};
use crate::support::queued_execution;

const CHINESE: &str = "; belfry_lang=zh-CN";

/// Runs a command with workers and returns its execution.
async fn run_command(context: &TestContext, params: Value) -> Execution {
    let workers = Workers::new(WorkerDeps {
        database: context.database.clone(),
        registry: Arc::new(Registry::from_types(vec![Arc::new(SendCmd::default())])),
        clock: Arc::new(SystemClock),
        events: context.events.clone(),
        signals: context.signals.clone(),
        cancels: context.cancels.clone(),
        node: NodeIdentity { id: "n".into(), name: "host-1".into() },
        vault: vault(&context.database),
        zone: chrono_tz::UTC,
        environment: Arc::default(),
        config: WorkerConfig::default(),
    });
    let mut events = context.events.subscribe();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(workers.run(shutdown.clone()));
    let id = queue(context, params).await;
    let ended = async {
        loop {
            let mut reader = context.database.read().await.expect("a reader");
            let found = execution::get(&mut reader, &id).await.expect("it reads").expect("the execution exists");
            if found.status.is_final() {
                return found;
            }
            drop(reader);
            events.recv().await.expect("an event");
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the run ends");
    shutdown.cancel();
    running.await.expect("the workers end");
    found
}

async fn queue(context: &TestContext, params: Value) -> String {
    let now = SystemClock.now();
    let new = queued_execution("cmd", "send_cmd", params, now);
    let mut tx = context.database.write().await.expect("a transaction");
    execution::insert(&mut tx, std::slice::from_ref(&new), now).await.expect("it is inserted");
    tx.commit().await.expect("it is committed");
    context.signals.jobs.queued([new.queue.as_str()]);
    new.id
}

#[cfg(unix)]
#[tokio::test]
async fn error_of_a_failed_command_is_shown_in_the_readers_language() {
    let site = Site::start().await;
    let failed = run_command(&site.context, json!({"command": "echo disk full >&2; exit 3"})).await;
    assert_eq!((failed.status, failed.error.as_deref()), (Status::Failed, Some("exit code 3: disk full")));
    let message = serde_json::to_value(&failed.error_message).expect("JSON");
    let code = json!({"code": "process.exit_code", "args": {"code": 3}});
    assert_eq!(message, json!({"code": "run.detail", "args": {"what": code, "detail": "disk full"}}));

    let path = format!("/executions/{}", failed.id);
    for path in [path.as_str(), "/executions"] {
        site.get_with(path, &[], CHINESE).await.shows("退出码 3：disk full").hides("exit code 3");
        site.get(path).await.shows("exit code 3: disk full").hides("退出码");
    }
    site.close().await;
}

#[tokio::test]
async fn program_that_is_missing_is_named_in_the_readers_language() {
    let site = Site::start().await;
    let failed = run_command(&site.context, json!({"command": ["/no/such/program"]})).await;
    let path = format!("/executions/{}", failed.id);
    site.get_with(&path, &[], CHINESE).await.shows("找不到程序“/no/such/program”");
    site.close().await;
}
