//! `/`: how things stand.

use std::sync::Arc;

use crate::domain::execution::Execution;
use crate::domain::execution::Status;
use crate::domain::page::{ExecutionFilter, Page, PageRequest};
use crate::domain::stats::Stats;
use crate::web::error::Failure;
use crate::web::view::Moment;
use crate::web::view::executions::ExecutionRow;
use crate::web::view::overview::{Due, Overview};
use crate::web::view::tasks::task_href;
use crate::web::visit::{Answer, Visit};

const DAY: i64 = 86_400;
const SHOWN: u32 = 8;

/// `GET /`
pub async fn show(visit: Arc<Visit>) -> Answer {
    let stats = visit.service().stats(visit.actor()?, DAY).await?;
    let running = latest(&visit, vec![Status::Running]).await?;
    let queued = latest(&visit, vec![Status::Queued]).await?;
    let failures = latest(&visit, Status::ALL.into_iter().filter(|status| status.is_failure()).collect()).await?;
    let rows = |page: &Page<Execution>| page.items.iter().map(|execution| ExecutionRow::new(&visit, execution)).collect();
    let zone = visit.service().zone();
    let due = |due: &crate::domain::stats::DueTask| Due {
        task_id: due.task_id.clone(),
        name: due.name.clone(),
        href: task_href(&due.task_id),
        at: Moment::new(due.next_run_at, zone),
    };
    let view = Overview {
        verdict: verdict(&stats),
        failing: stats.tasks.failing,
        tasks: stats.tasks.total,
        enabled: stats.tasks.enabled,
        running: running.total,
        queued: queued.total,
        ran: count(&stats, Status::is_final)
            - count(&stats, |s| matches!(s, Status::Skipped | Status::Missed | Status::Cancelled)),
        failed: count(&stats, Status::is_failure),
        success_percent: stats.success_rate.map(|rate| (rate * 100.0).floor() as i64),
        lateness: stats.lateness_ms.p50,
        duration: stats.duration_ms.p50,
        due: stats.due_next.iter().take(SHOWN as usize).map(due).collect(),
        failures: rows(&failures),
        current: rows(&running),
        day_ago: "/executions?range=day".to_owned(),
        newest: String::new(),
    };
    visit.page("overview", &view)
}

fn verdict(stats: &Stats) -> &'static str {
    match (stats.tasks.total, stats.tasks.failing) {
        (0, _) => "empty",
        (_, 0) => "well",
        _ => "failing",
    }
}

fn count(stats: &Stats, which: impl Fn(Status) -> bool) -> i64 {
    stats.by_status.iter().filter(|(status, _)| which(*status)).map(|(_, count)| count).sum()
}

async fn latest(visit: &Visit, statuses: Vec<Status>) -> Result<Page<Execution>, Failure> {
    let filter = ExecutionFilter { statuses, ..ExecutionFilter::default() };
    Ok(visit.service().executions(visit.actor()?, &filter, &PageRequest { size: SHOWN, cursor: None }).await?)
}
