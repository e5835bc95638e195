//! XXL-JOB: the jobs of its table `xxl_job_info`, of version 2 and 3. Scripts (GLUE) become commands; the handlers of Java executors are
//! left out.

mod glue;

use std::collections::HashMap;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::cron_rule::{CronRule, Dialect};
use super::policy::{ON_TIME_SECONDS, PolicyBuilder};
use super::table::TableRow;
use super::{Entry, Found, ImportContext, PREVIEW_COUNT, chains, to_id, to_name};
use crate::i18n::{Message, message};

/// The tables of the jobs and of the executors they belong to.
pub const TABLES: [&str; 2] = ["xxl_job_info", "xxl_job_group"];

/// The longest interval, in seconds: 36,600 days.
const MAX_INTERVAL: i64 = 3_162_240_000;

/// Converts the rows of both tables.
pub fn read(jobs: &[TableRow], groups: &[TableRow], context: ImportContext<'_>) -> Found {
    let groups: HashMap<&str, &str> =
        groups.iter().filter_map(|group| Some((group.text("id")?, group.text("app_name")?))).collect();
    let mut found = Found::default();
    for job in jobs {
        found.add(place(job), entry(job, &groups, context));
    }
    let children = jobs.iter().map(|job| (id(job, context), job.text("child_jobid").unwrap_or_default(), "success"));
    chains::link(&mut found, children, |child| context.origin.id(&format!("xxl-job-{child}")));
    found
}

fn place(job: &TableRow) -> Message {
    message!("migrate.named_job", id = job.text("id").unwrap_or_default(), name = job.text("job_desc").unwrap_or_default())
}

fn id(job: &TableRow, context: ImportContext<'_>) -> String {
    context.origin.id(&format!("xxl-job-{}", job.text("id").unwrap_or_default()))
}

fn entry(job: &TableRow, groups: &HashMap<&str, &str>, context: ImportContext<'_>) -> Result<Entry, Message> {
    let params = glue::params(job)?;
    let (trigger, firings, mut notes) = schedule(job, context)?;
    notes.extend(remarks(job));
    let tags: Vec<String> =
        job.text("job_group").and_then(|group| groups.get(group)).map(|name| to_id(name)).into_iter().collect();
    let mut task = json!({"id": id(job, context), "name": to_name(job.text("job_desc").unwrap_or_default()), "tags": tags,
        "type": "send_cmd", "trigger": trigger, "params": params, "policy": policy(job)});
    if let Some(author) = job.text("author") {
        task["description"] = to_name(author).into();
    }
    if !job.is_set("trigger_status") {
        task["enabled"] = false.into();
    }
    let command = job.text("glue_source").unwrap_or_default();
    Ok(Entry { place: place(job), command: first_line(command), tasks: vec![task], notes, firings })
}

/// The first line of a script that is not a comment.
fn first_line(script: &str) -> String {
    let mut lines =
        script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '<']) && !line.starts_with("//"));
    lines.next().unwrap_or_default().to_owned()
}

type Schedule = (Value, Vec<DateTime<Utc>>, Vec<Message>);

fn schedule(job: &TableRow, context: ImportContext<'_>) -> Result<Schedule, Message> {
    let zone = context.zone;
    // Before version 2.3 every job had a cron rule.
    let kind = job.text("schedule_type").unwrap_or("CRON");
    let text = job.text("schedule_conf").or(job.text("job_cron")).unwrap_or_default();
    match kind {
        "CRON" => {
            let rule = CronRule::parse(text, Dialect::Quartz)?;
            Ok((rule.trigger(zone)?, rule.firings(zone, context.now, PREVIEW_COUNT), Vec::new()))
        }
        "FIX_RATE" => {
            let seconds = text.trim().parse::<i64>().ok().filter(|seconds| (1..=MAX_INTERVAL).contains(seconds));
            let seconds = seconds.ok_or_else(|| message!("xxl_job.interval", value = text))?;
            let mut trigger = json!({"type": "interval", "seconds": seconds, "timezone": zone.name()});
            if let Some(start) = grid_start(job, seconds) {
                trigger["start_date"] = start.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, false).into();
            }
            let start = job.integer("trigger_next_time").filter(|millis| *millis > 0).and_then(DateTime::from_timestamp_millis);
            let start = start.unwrap_or(context.now + Duration::seconds(seconds));
            let passed = (context.now - start).num_milliseconds().max(0);
            let first = (passed + seconds * 1000 - 1) / (seconds * 1000);
            let firings = (first..).map(|step| start + Duration::seconds(seconds * step)).take(PREVIEW_COUNT).collect();
            Ok((trigger, firings, Vec::new()))
        }
        "NONE" => {
            let (trigger, firings) = chains::only_by_chain(context);
            Ok((trigger, firings, vec![message!("migrate.only_by_chain")]))
        }
        other => Err(message!("xxl_job.schedule_type", kind = other)),
    }
}

/// Returns a time of the job's grid that stays the same while the job runs; `None` for a job that has no next time.
fn grid_start(job: &TableRow, seconds: i64) -> Option<DateTime<Utc>> {
    /// 2020-01-01 00:00:00 UTC.
    const BASE: i64 = 1_577_836_800_000;
    let (next, period) = (job.integer("trigger_next_time").filter(|millis| *millis > 0)?, seconds.checked_mul(1000)?);
    DateTime::from_timestamp_millis(BASE / period * period + next.rem_euclid(period))
}

fn policy(job: &TableRow) -> Value {
    let catch_up = if job.text("misfire_strategy") == Some("FIRE_ONCE_NOW") { None } else { Some(ON_TIME_SECONDS) };
    let policy = PolicyBuilder::default().overlap(false).timeout(job.integer("executor_timeout")).catch_up(catch_up);
    policy.retry(job.integer("executor_fail_retry_count").unwrap_or(0), 0).build()
}

/// What XXL-JOB does and a task does not.
fn remarks(job: &TableRow) -> Vec<Message> {
    let mut notes = Vec::new();
    match job.text("executor_route_strategy") {
        Some("SHARDING_BROADCAST") => notes.push(message!("xxl_job.sharding")),
        Some(strategy) => notes.push(message!("xxl_job.routing", strategy)),
        None => {}
    }
    match job.text("executor_block_strategy") {
        Some("SERIAL_EXECUTION") => notes.push(message!("xxl_job.serial")),
        Some("COVER_EARLY") => notes.push(message!("xxl_job.cover")),
        _ => {}
    }
    if let Some(address) = job.text("alarm_email") {
        notes.push(message!("migrate.alarm", address));
    }
    notes
}
