//! Example of the generated client: authenticates with a token, creates a task with every trigger kind, previews it, runs one, waits for its end,
//! reads execution and output, handles typed errors and deletes the tasks.

use std::error::Error;
use std::time::{Duration, Instant};

use belfry::types::{
    CronField, CronTrigger, CronTriggerType, DateTrigger, DateTriggerType, ExecutionCause, ExecutionDetail, ExecutionStatus,
    IdleTrigger, IdleTriggerType, IntervalTrigger, IntervalTriggerType, Params, Problem, Role, Trigger,
};

/// The generated client.
#[allow(clippy::all, unused_imports, reason = "generated")]
mod belfry {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

type Client = belfry::Client;
type Outcome<T> = Result<T, Box<dyn Error>>;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Triggers of every kind, and the expected number of fire times of three requested.
fn triggers() -> Outcome<Vec<(&'static str, Trigger, usize)>> {
    let date =
        DateTrigger::builder().type_(DateTriggerType::Date).run_date("2099-12-10 08:00:00").timezone("Asia/Shanghai".to_owned());
    let interval = IntervalTrigger::builder().type_(IntervalTriggerType::Interval).hours(6);
    let cron = || CronTrigger::builder().type_(CronTriggerType::Cron);
    let fields = cron().hour(CronField::from(8)).minute(CronField::from(Some("*/15".parse()?)));
    let crontab = cron().expression(Some("*/5 8-18 * * mon-fri".parse()?));
    let idle = IdleTrigger::builder().type_(IdleTriggerType::Idle).idle_duration(Some(86_400.try_into()?));
    Ok(vec![
        ("date", DateTrigger::try_from(date)?.into(), 1),
        ("interval", IntervalTrigger::try_from(interval)?.into(), 3),
        ("fields", CronTrigger::try_from(fields)?.into(), 3),
        ("crontab", CronTrigger::try_from(crontab)?.into(), 3),
        ("idle", IdleTrigger::try_from(idle)?.into(), 0),
    ])
}

fn params(command: &str) -> Params {
    Params::from(serde_json::Map::from_iter([("command".to_owned(), command.into())]))
}

async fn create(client: &Client, name: &str, trigger: Trigger) -> Result<belfry::types::Task, belfry::Error<Problem>> {
    let task = client
        .create_task()
        .body_map(|task| task.id(format!("rust-{name}")).type_("send_cmd").trigger(trigger).params(params("echo hello")));
    task.send().await.map(belfry::ResponseValue::into_inner)
}

/// Returns the problem that a call is expected to end with.
fn problem<T: std::fmt::Debug>(answer: Result<T, belfry::Error<Problem>>) -> Outcome<Problem> {
    match answer {
        Err(belfry::Error::ErrorResponse(problem)) => Ok(problem.into_inner()),
        other => Err(format!("the call did not fail: {other:?}").into()),
    }
}

/// Waits for an execution's end.
async fn ended(client: &Client, id: &str) -> Outcome<ExecutionDetail> {
    let begun = Instant::now();
    loop {
        let execution = client.get_execution().id(id.to_owned()).send().await?.into_inner();
        if !matches!(execution.status, ExecutionStatus::Queued | ExecutionStatus::Running) {
            return Ok(execution);
        }
        assert!(begun.elapsed() < TIMEOUT, "{id} did not end in time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn client() -> Outcome<Client> {
    let token = format!("Bearer {}", std::env::var("BELFRY_TOKEN")?);
    let headers = reqwest::header::HeaderMap::from_iter([(reqwest::header::AUTHORIZATION, token.parse()?)]);
    let http = reqwest::Client::builder().default_headers(headers).build()?;
    Ok(Client::new_with_client(&format!("{}/api/v1", std::env::var("BELFRY_URL")?), http))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let client = client()?;
    assert_eq!(client.get_me().send().await?.role, Role::Admin);

    for (name, trigger, firings) in triggers()? {
        let created = create(&client, name, trigger.clone()).await?;
        assert_eq!(created.id, format!("rust-{name}"));
        let preview = client
            .preview_trigger()
            .body_map(|request| request.trigger(trigger).count(std::num::NonZeroU64::new(3).expect("is not 0")));
        assert_eq!(preview.send().await?.fire_times.len(), firings, "{name}");
    }

    let found = client.list_tasks().search("rust-").page_size(std::num::NonZeroU64::MIN).send().await?;
    assert!(found.total == 5 && found.items.len() == 1 && found.next_cursor.is_some());

    let run = client.run_task().id("rust-interval").body_map(|run| run.params(params("echo once"))).send().await?;
    let execution = ended(&client, &run.id).await?;
    assert_eq!((execution.status, execution.cause), (ExecutionStatus::Succeeded, ExecutionCause::Api), "{:?}", execution.error);
    assert!(execution.finished_at >= execution.started_at && execution.attempts[0].attempt == 1);
    assert_eq!(execution.output.trim(), "once");

    let (_, idle, _) = triggers()?.pop().ok_or("no triggers")?;
    let taken = problem(create(&client, "idle", idle).await)?;
    assert_eq!((taken.status, taken.type_.as_str()), (409, "urn:belfry:problem:conflict"));
    let wrong = CronTrigger::builder().type_(CronTriggerType::Cron).hour(CronField::from(25));
    let invalid = problem(create(&client, "wrong", CronTrigger::try_from(wrong)?.into()).await)?;
    assert_eq!((invalid.status, invalid.errors[0].pointer.as_str()), (422, "/trigger/hour"));

    for (name, ..) in triggers()? {
        client.delete_task().id(format!("rust-{name}")).send().await?;
    }
    assert_eq!(problem(client.get_task().id("rust-date").send().await)?.status, 404);

    println!("rust: ok");
    Ok(())
}
