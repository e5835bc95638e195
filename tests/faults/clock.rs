//! Clocks that are set while the server runs, and the changes to and from daylight saving time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::faketime::FakeClock;
use crate::runner::{Options, Random};
use crate::server::{Server, until};

/// The periods of the tasks, in seconds.
const PERIODS: [i64; 3] = [10, 17, 60];
/// How long the server runs between two steps of the clock.
const WHILE: Duration = Duration::from_secs(6);

/// The task that is run by hand all the time.
const LOAD: &str = "load";

pub async fn steps_of_the_clock_lose_and_double_nothing() {
    let (hour, day) = (TimeDelta::hours(1), TimeDelta::days(1));
    pass_steps(&[hour, -hour, day, -day, -day * 2]).await;
}

/// As many random steps as there is time for.
pub async fn random_steps_of_the_clock(options: Options) {
    let mut random = Random::new(options.seed);
    let units = [TimeDelta::seconds(13), TimeDelta::minutes(10), TimeDelta::hours(1), TimeDelta::hours(12)];
    let number = options.share(0.25).as_secs() / WHILE.as_secs();
    let mut step = || units[random.below(units.len())] * (1 - 2 * random.below(2) as i32) * (1 + random.below(2) as i32);
    let steps: Vec<TimeDelta> = (0..number.max(1)).map(|_| step()).collect();
    pass_steps(&steps).await;
}

async fn pass_steps(steps: &[TimeDelta]) {
    let Some(mut clock) = FakeClock::new() else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let mut server = start(folder.path(), &clock);
    let from = clock.now();
    for period in PERIODS {
        let rule = json!({"type": "interval", "seconds": period, "start_date": "1970-01-01 00:00:00", "timezone": "UTC"});
        create(&server, &format!("every-{period}"), json!([{"trigger": rule}])).await;
    }
    create(&server, LOAD, json!([{"trigger": {"type": "cron", "year": 2999}}])).await;
    clock.begin(from);
    let mut loads = 0;
    for step in steps {
        loads += load(&server).await;
        clock.step(*step);
        caught_up(&server, &clock).await;
        report(&server, &clock, &format!("set by {} s", step.num_seconds())).await;
    }
    loads += load(&server).await;
    clock.unseen();
    server.signal("TERM");
    assert!(server.ended().0.success());
    clock.step(TimeDelta::hours(-1));
    server = start(folder.path(), &clock);
    clock.seen_again();
    loads += load(&server).await;
    let counted = end(&server, &mut clock, &PERIODS.map(|period| format!("every-{period}"))).await;
    for period in PERIODS {
        let grid = |from: DateTime<Utc>, to: DateTime<Utc>| {
            let first = from.timestamp().div_euclid(period);
            (first..=to.timestamp().div_euclid(period)).filter_map(|n| DateTime::from_timestamp(n * period, 0)).collect()
        };
        assert_ledger(&format!("every-{period}"), &counted, &clock, grid);
    }
    until("the runs by hand to end", || async {
        let ended = server.json(&format!("/api/v1/tasks/{LOAD}/executions?status=succeeded&page_size=1")).await;
        (ended["total"].as_u64() == Some(loads)).then_some(())
    })
    .await;
    println!("{loads} runs by hand");
}

/// Runs a task by hand again and again, for a while. Returns how often.
async fn load(server: &Server) -> u64 {
    let (started, mut runs) = (Instant::now(), 0);
    while started.elapsed() < WHILE {
        let answer = server.post(&format!("/api/v1/tasks/{LOAD}/run"), &json!({})).send().await.expect("get a response");
        assert!(answer.status().is_success(), "{}", answer.status());
        runs += 1;
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    runs
}

pub async fn changes_of_daylight_saving_time_lose_and_double_nothing() {
    // In New York clocks go forward at 07:00 and back at 06:00 UTC. The clock is set close to what happens.
    let forward = ["2026-03-08T06:00:00Z", "2026-03-08T06:59:57Z", "2026-03-08T07:29:57Z", "2026-03-08T16:30:00Z"];
    let back =
        ["2026-11-01T04:59:57Z", "2026-11-01T05:29:57Z", "2026-11-01T05:59:57Z", "2026-11-01T06:29:57Z", "2026-11-01T17:30:00Z"];
    for moments in [&forward[..], &back[..]] {
        pass_through(moments).await;
    }
}

/// As the elements of [`RULES`].
type Rule = (&'static str, &'static str, Option<(u32, u32)>);

/// The rules of the scenario: each a name, the expression, and the hour and minute of a daily rule.
const RULES: [Rule; 4] = [
    ("quarters", "*/15 * * * *", None),
    ("in-the-gap", "30 2 * * *", Some((2, 30))),
    ("in-the-overlap", "30 1 * * *", Some((1, 30))),
    ("at-noon", "0 12 * * *", Some((12, 0))),
];

async fn pass_through(moments: &[&str]) {
    let Some(mut clock) = FakeClock::new() else { return };
    clock.set(moments[0].parse().expect("a time"));
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = start(folder.path(), &clock);
    let from = clock.now();
    for (id, expression, _) in RULES {
        let rule = json!({"type": "cron", "expression": expression, "timezone": "America/New_York"});
        create(&server, id, json!([{"trigger": rule}])).await;
    }
    clock.begin(from);
    for moment in &moments[1..] {
        clock.set(moment.parse().expect("a time"));
        tokio::time::sleep(Duration::from_secs(5)).await;
        caught_up(&server, &clock).await;
        report(&server, &clock, moment).await;
    }
    let counted = end(&server, &mut clock, &RULES.map(|(id, ..)| id.to_owned())).await;
    for (id, _, daily) in RULES {
        assert_ledger(id, &counted, &clock, |from, to| in_new_york(daily, from, to));
    }
}

/// The occurrences of a rule in New York, by looking at each minute: every quarter of an hour, or one a day.
fn in_new_york(daily: Option<(u32, u32)>, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let begin = (from - TimeDelta::days(1)).timestamp().div_euclid(60) * 60;
    let begin = DateTime::from_timestamp(begin, 0).expect("a time");
    let minutes = std::iter::successors(Some(begin), |at| Some(*at + TimeDelta::minutes(1))).take_while(|at| *at <= to);
    let local = |at: &DateTime<Utc>| at.with_timezone(&Tz::America__New_York);
    let Some((hour, minute)) = daily else {
        return minutes.filter(|at| local(at).minute() % 15 == 0).collect();
    };
    // The first minute of the day at or after the time: in a gap its end, in an overlap the first pass.
    let mut days = BTreeSet::new();
    minutes
        .filter(|at| (local(at).hour(), local(at).minute()) >= (hour, minute) && days.insert(local(at).num_days_from_ce()))
        .collect()
}

fn start(folder: &Path, clock: &FakeClock) -> Server {
    let variables = clock.variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Server::start_with(folder, &variables)
}

async fn create(server: &Server, id: &str, triggers: Value) {
    let task = json!({"id": id, "type": "echo", "triggers": triggers, "policy": {"on_overlap": "allow"}});
    let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
    assert_eq!(created.status(), StatusCode::CREATED, "{}", created.text().await.unwrap_or_default());
}

async fn tasks(server: &Server) -> Vec<Value> {
    server.json("/api/v1/tasks?page_size=500").await["items"].as_array().cloned().unwrap_or_default()
}

/// Waits until nothing is due any more, and no task waits for a time that the clock reaches late.
async fn caught_up(server: &Server, clock: &FakeClock) {
    until("the schedule to catch up", || async {
        let goes_on = |task: &Value| task["id"] != LOAD;
        let next = |task: &Value| task["schedule"]["next_run_at"].as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
        let is_soon = |at: DateTime<Utc>| clock.now() < at && at < clock.now() + TimeDelta::days(2);
        tasks(server).await.iter().filter(|task| goes_on(task)).all(|task| next(task).is_some_and(is_soon)).then_some(())
    })
    .await;
}

async fn report(server: &Server, clock: &FakeClock, step: &str) {
    let total = &server.json("/api/v1/executions?page_size=1").await["total"];
    println!("{step}: {total} occurrences on record at {}", clock.now().format("%F %T"));
}

/// Pauses the tasks and returns the scheduled times on record, with the number of rows of each.
async fn end(server: &Server, clock: &mut FakeClock, ids: &[String]) -> BTreeMap<String, BTreeMap<DateTime<Utc>, usize>> {
    for id in ids {
        let paused = server.post(&format!("/api/v1/tasks/{id}/pause"), &json!({})).send().await.expect("get a response");
        assert!(paused.status().is_success(), "{}", paused.status());
    }
    clock.end();
    let mut counted: BTreeMap<String, BTreeMap<DateTime<Utc>, usize>> = BTreeMap::new();
    for execution in server.executions().await {
        let text = |name: &str| execution[name].as_str().unwrap_or_default();
        let at = text("scheduled_at").parse().expect("a time");
        *counted.entry(text("task_id").to_owned()).or_default().entry(at).or_default() += 1;
    }
    counted
}

/// Compares what is on record with the times of a rule that the clock passed.
fn assert_ledger(
    id: &str,
    counted: &BTreeMap<String, BTreeMap<DateTime<Utc>, usize>>,
    clock: &FakeClock,
    times: impl Fn(DateTime<Utc>, DateTime<Utc>) -> Vec<DateTime<Utc>>,
) {
    let (from, to) = clock.extent();
    let due: BTreeSet<DateTime<Utc>> = times(from, to).into_iter().collect();
    let none = BTreeMap::new();
    let recorded = counted.get(id).unwrap_or(&none);
    let required: Vec<_> = due.iter().filter(|at| clock.has_passed(**at)).collect();
    let lost: Vec<_> = required.iter().filter(|at| !recorded.contains_key(at)).collect();
    let doubled: Vec<_> = recorded.iter().filter(|(_, rows)| **rows > 1).collect();
    let undue: Vec<_> = recorded.keys().filter(|at| !due.contains(at) || !clock.may_have_passed(**at)).collect();
    println!("{id}: {} due, {} lost, {} doubled, {} not due", required.len(), lost.len(), doubled.len(), undue.len());
    let first = |times: &[&DateTime<Utc>]| times.first().map(|at| at.to_rfc3339());
    assert!(!required.is_empty(), "{id}");
    assert!(lost.is_empty() && doubled.is_empty(), "{id}: lost from {:?}, doubled {:?}", lost.first(), doubled.first());
    assert!(undue.is_empty(), "{id}: not due from {:?}", first(&undue));
}
