use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn rule(fields: Value) -> NotifyRule {
    let mut rule = json!({"name": "r", "tasks": {"all": true}, "events": ["failed", "recovered"], "channels": ["c"]});
    rule.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap_or_default());
    NotifyRule::parse(&rule, None).unwrap()
}

/// The incidents of one task over several transactions.
struct Rig {
    rules: Vec<NotifyRule>,
    watched: Watched<'static>,
    lately: HashMap<(String, String), DateTime<Utc>>,
    ids: u32,
}

static NO_PARAMS: Value = Value::Null;

impl Rig {
    fn new(rules: Vec<NotifyRule>) -> Rig {
        let watched = Watched {
            subject: "task:a".into(),
            task_id: Some("a".into()),
            target: Target { id: "a", tags: &[], task_type: "echo" },
            params: &NO_PARAMS,
            incidents: Vec::new(),
            failures: 0,
            failures_limit: None,
            muted_until: None,
        };
        Rig { rules, watched, lately: HashMap::new(), ids: 0 }
    }

    fn decide(&mut self, seconds: i64, act: impl FnOnce(&mut Decider<'_>, &mut Watched<'_>)) -> Vec<(Phase, String)> {
        let ids = &mut self.ids;
        let mut new_id = || {
            *ids += 1;
            ids.to_string()
        };
        let lately = self.lately.clone();
        let (rules, now, zone) = (&self.rules, at(seconds), Tz::UTC);
        let mut decider = Decider { rules, now, zone, lately, new_id: &mut new_id, tellings: Vec::new() };
        act(&mut decider, &mut self.watched);
        decider.tellings.into_iter().map(|telling| (telling.phase, telling.incident_id)).collect()
    }

    fn run(&mut self, seconds: i64, outcome: Outcome, error: &str) -> Vec<(Phase, String)> {
        let happened = happened(&format!("e{seconds}"), outcome, error);
        self.decide(seconds, |decider, watched| decider.observe(watched, &happened))
    }

    fn fail(&mut self, seconds: i64, error: &str) -> Vec<(Phase, String)> {
        self.run(seconds, Outcome::Failed, error)
    }

    fn succeed(&mut self, seconds: i64) -> Vec<(Phase, String)> {
        self.run(seconds, Outcome::Succeeded, "")
    }

    fn remind(&mut self, seconds: i64) -> Vec<(Phase, String)> {
        self.decide(seconds, |decider, watched| {
            let muted = watched.muted_until;
            watched.incidents.iter_mut().filter(|incident| incident.is_open()).for_each(|one| decider.remind(one, muted));
        })
    }

    fn open(&self) -> Vec<(NotifyEvent, i64)> {
        let open = self.watched.incidents.iter().filter(|incident| incident.is_open());
        open.map(|incident| (incident.event, incident.count)).collect()
    }
}

fn happened(execution_id: &str, outcome: Outcome, error: &str) -> Happened {
    let error = (!error.is_empty()).then(|| Message::verbatim(error));
    Happened { execution_id: execution_id.into(), outcome, late: Some(false), ended: true, error }
}

fn told(phase: Phase, id: u32) -> Vec<(Phase, String)> {
    vec![(phase, id.to_string())]
}

#[test]
fn incident_opens_once_grows_and_closes_with_success() {
    let mut rig = Rig::new(vec![rule(json!({}))]);
    assert_eq!(rig.fail(0, "refused by 10.0.0.1"), told(Phase::Opened, 1));
    assert_eq!(rig.fail(60, "refused by 10.0.0.2"), []);
    assert_eq!(rig.fail(61, "disk full"), told(Phase::Opened, 2), "another cause");
    assert_eq!(rig.open(), [(NotifyEvent::Failed, 2), (NotifyEvent::Failed, 1)]);
    assert_eq!(rig.run(62, Outcome::Neutral, "cancelled"), []);
    assert_eq!(rig.succeed(63), [(Phase::Closed, "1".into()), (Phase::Closed, "2".into())]);
    assert_eq!((rig.succeed(64), rig.open()), (vec![], vec![]));
    assert_eq!(rig.fail(70, "disk full"), told(Phase::Opened, 3), "a new incident");
}

#[test]
fn nothing_opens_without_a_rule_that_covers_the_event() {
    let mut rig = Rig::new(vec![rule(json!({"events": ["missed"]})), rule(json!({"enabled": false}))]);
    assert_eq!((rig.fail(0, "x"), rig.open()), (vec![], vec![]));
    assert_eq!(rig.run(1, Outcome::NotRun(NotifyEvent::Missed), "server down"), told(Phase::Opened, 1));
    assert_eq!((rig.succeed(2), rig.open()), (vec![], vec![]), "closed; the rule does not tell of recoveries");
}

#[test]
fn after_failures_counts_failures_in_a_row() {
    let mut rig = Rig::new(vec![rule(json!({"after_failures": 3})), rule(json!({"name": "s", "after_failures": 4}))]);
    assert_eq!((rig.fail(0, "x"), rig.fail(1, "x"), rig.succeed(2), rig.fail(3, "x"), rig.fail(4, "x")), Default::default());
    assert_eq!(rig.fail(5, "x"), told(Phase::Opened, 1));
    assert_eq!(rig.fail(6, "x"), told(Phase::Opened, 1), "by the second rule");
    assert_eq!(rig.succeed(7).len(), 2);
}

#[test]
fn limits_latch_until_the_task_is_well_again() {
    let mut rig = Rig::new(vec![rule(json!({"events": ["failures_in_a_row", "late", "running_long", "recovered"]}))]);
    rig.watched.failures_limit = Some(2);
    assert_eq!((rig.fail(0, "x"), rig.fail(1, "y"), rig.fail(2, "z")), (vec![], told(Phase::Opened, 1), vec![]));
    assert_eq!(rig.succeed(3), told(Phase::Closed, 1));
    let late = |id: &str| Happened { late: Some(true), ..happened(id, Outcome::Succeeded, "") };
    assert_eq!(rig.decide(4, |decider, watched| decider.observe(watched, &late("a"))), told(Phase::Opened, 2));
    assert_eq!(rig.decide(5, |decider, watched| decider.observe(watched, &late("b"))), []);
    assert_eq!(rig.succeed(6), told(Phase::Closed, 2));
    let long = |rig: &mut Rig| rig.decide(7, |decider, watched| decider.occur_once(watched, NotifyEvent::RunningLong, "e9"));
    assert_eq!((long(&mut rig), long(&mut rig)), (told(Phase::Opened, 3), vec![]));
    assert_eq!(rig.fail(8, "x"), [], "another execution");
    assert_eq!(rig.fail(9, "x"), [(Phase::Opened, "4".into()), (Phase::Closed, "3".into())], "the second failure in a row");
}

#[test]
fn reminders_stop_when_acknowledged_and_wait_for_the_end_of_quiet_hours() {
    let mut rig = Rig::new(vec![rule(json!({"remind_every_seconds": 60}))]);
    assert_eq!(rig.fail(0, "x").len(), 1);
    assert_eq!((rig.remind(59), rig.remind(60), rig.remind(61)), (vec![], told(Phase::StillOpen, 1), vec![]));
    let quiet_to = (at(300) + TimeDelta::minutes(10)).format("%H:%M").to_string();
    let quiet = json!({"from": at(240).format("%H:%M").to_string(), "to": quiet_to});
    rig.rules = vec![rule(json!({"remind_every_seconds": 60, "quiet_hours": quiet}))];
    assert_eq!((rig.remind(300), rig.remind(400), rig.remind(901)), (vec![], vec![], told(Phase::StillOpen, 1)));
    rig.watched.incidents[0].acknowledged_at = Some(at(902));
    assert_eq!((rig.remind(2_000), rig.remind(3_000)), (vec![], vec![]));
    assert_eq!(rig.succeed(3_001), told(Phase::Closed, 1), "the end is told nevertheless");
}

#[test]
fn quiet_hours_hold_back_all_but_urgent_rules() {
    let hours = json!({"from": "00:00", "to": "23:59"});
    let rules = vec![rule(json!({"quiet_hours": hours})), rule(json!({"name": "u", "quiet_hours": hours, "urgent": true}))];
    let mut rig = Rig::new(rules);
    let mut new_id = || "1".to_owned();
    let noon = DateTime::parse_from_rfc3339("2027-01-15T12:00:00Z").unwrap().with_timezone(&Utc);
    let mut decider = Decider {
        rules: &rig.rules,
        now: noon,
        zone: Tz::UTC,
        lately: HashMap::new(),
        new_id: &mut new_id,
        tellings: Vec::new(),
    };
    decider.observe(&mut rig.watched, &happened("e", Outcome::Failed, "x"));
    let times: Vec<_> = decider.tellings.iter().map(|telling| telling.not_before.to_rfc3339()).collect();
    assert_eq!(times, ["2027-01-15T23:59:00+00:00", "2027-01-15T12:00:00+00:00"]);
}

#[test]
fn muted_tasks_are_told_of_once_the_time_is_over() {
    let mut rig = Rig::new(vec![rule(json!({}))]);
    rig.watched.muted_until = Some(at(100));
    assert_eq!((rig.fail(0, "x"), rig.fail(50, "x")), (vec![], vec![]));
    assert_eq!(rig.open(), [(NotifyEvent::Failed, 2)], "on record");
    assert_eq!((rig.remind(99), rig.remind(100), rig.remind(101)), (vec![], told(Phase::Opened, 1), vec![]));
    assert_eq!(rig.succeed(101), told(Phase::Closed, 1));
    rig.watched.muted_until = Some(at(200));
    assert_eq!((rig.fail(150, "x"), rig.succeed(160), rig.open()), (vec![], vec![], vec![]));
}

#[test]
fn incidents_of_one_cause_wait_for_the_end_of_the_window() {
    let mut rig = Rig::new(vec![rule(json!({}))]);
    let key = Cause::new(NotifyEvent::Failed, Some(&Message::verbatim("x")), &NO_PARAMS).key;
    rig.lately.insert((key, "r".into()), at(-10));
    assert_eq!((rig.fail(0, "x"), rig.remind(19)), (vec![], vec![]));
    assert_eq!((rig.remind(20), rig.remind(21)), (told(Phase::Opened, 1), vec![]));
    assert_eq!(rig.succeed(22), told(Phase::Closed, 1));
    assert_eq!(rig.fail(19, "x"), []);
    assert_eq!(rig.succeed(19), [(Phase::Opened, "2".into()), (Phase::Closed, "2".into())], "no failure goes untold");
    assert_eq!(rig.fail(20, "x"), told(Phase::Opened, 3), "the window is over");
}

#[test]
fn incidents_closed_by_hand_are_not_told() {
    let mut rig = Rig::new(vec![rule(json!({}))]);
    rig.fail(0, "x");
    assert_eq!(rig.decide(1, |decider, watched| decider.close(watched, |_| true, Some("bob"))), []);
    assert_eq!(rig.watched.incidents[0].closed_by.as_deref(), Some("bob"));
    assert_eq!(rig.fail(2, "x"), told(Phase::Opened, 2));
}

proptest! {
    /// The number of messages is that of a recomputation from the history alone.
    #[test]
    fn messages_are_those_of_the_history(history in prop::collection::vec(0u8..5, 0..60), after in 1u32..5, recovered: bool) {
        let events = if recovered { json!(["failed", "recovered"]) } else { json!(["failed"]) };
        let mut rig = Rig::new(vec![rule(json!({"after_failures": after, "events": events}))]);
        let (mut open, mut in_a_row, mut expected, mut decided) = (HashSet::new(), 0, 0, 0);
        for (second, step) in history.iter().enumerate() {
            decided += match step {
                0 => {
                    expected += if recovered { open.len() } else { 0 };
                    (open, in_a_row) = (HashSet::new(), 0);
                    rig.succeed(second as i64)
                }
                1 => rig.run(second as i64, Outcome::Neutral, ""),
                cause => {
                    in_a_row += 1;
                    expected += usize::from(in_a_row >= after && open.insert(cause));
                    rig.fail(second as i64, ["", "", "a", "b", "c"][usize::from(*cause)])
                }
            }
            .len();
        }
        prop_assert_eq!(decided, expected);
    }
}
