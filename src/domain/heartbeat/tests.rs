use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn heartbeat(rule: &Value) -> Heartbeat {
    let mut value = json!({"id": "backup", "grace_seconds": 60});
    value.as_object_mut().unwrap().extend(rule.as_object().cloned().unwrap());
    Heartbeat::new(&HeartbeatInput::parse(&value, Tz::UTC).unwrap(), at(0))
}

fn hourly() -> Heartbeat {
    heartbeat(&json!({"cron": "0 * * * *"}))
}

fn ping(kind: PingKind, seconds: i64) -> Ping {
    Ping { kind, at: at(seconds), body: String::new() }
}

fn take(heartbeat: &mut Heartbeat, kind: PingKind, seconds: i64, missed: Option<i64>) -> (Option<i64>, PingStatus) {
    let row = heartbeat.take_ping(&ping(kind, seconds), missed.map(at)).row.unwrap();
    (row.expected_at.map(|time| (time - at(0)).num_seconds()), row.status)
}

#[test]
fn input_is_checked() {
    let faults = |value: Value| {
        HeartbeatInput::parse(&value, Tz::UTC).unwrap_err().into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
    };
    assert_eq!(faults(json!({"id": "a"})), ["/cron"]);
    assert_eq!(faults(json!({"id": "a", "cron": "0 * * * *", "period_seconds": 60})), ["/cron"]);
    assert_eq!(faults(json!({"id": "-", "cron": "0 25 * * *", "grace_seconds": -1, "tags": ["a b"], "more": 1})).len(), 5);
    assert_eq!(faults(json!({"id": "a", "cron": "@every 5m"})), ["/cron"]);
    assert_eq!(faults(json!({"id": "a", "period_seconds": 1})), ["/period_seconds", "/cron"]);
    assert_eq!(faults(json!({"id": "a", "cron": "@daily", "timezone": "Mars"})), ["/timezone"]);
}

#[test]
fn rules_round_trip_as_json() {
    for rule in [json!({"cron": "0 3 * * *", "timezone": "Asia/Shanghai"}), json!({"period_seconds": 90})] {
        assert_eq!(heartbeat(&rule).rule.to_json(), rule);
        assert_eq!(HeartbeatRule::from_json(&rule), Some(heartbeat(&rule).rule));
    }
}

#[test]
fn expected_pings_arrive_or_are_missed_once() {
    // 1_800_000_000 is a full hour.
    let mut one = hourly();
    assert_eq!(one.state.expected_at, Some(at(3600)));
    assert_eq!(take(&mut one, PingKind::Success, 3610, None), (Some(3600), PingStatus::Arrived));
    assert!(one.take_missed(at(7260), 10).expected.is_empty(), "within its grace");
    assert!(one.is_in_grace(at(7230)));
    assert_eq!(one.take_missed(at(7261), 10), Missed { expected: vec![at(7200)], more: false });
    assert_eq!(one.state.status, HeartbeatStatus::Down);
    assert!(one.take_missed(at(7300), 10).expected.is_empty());
    let late = one.take_ping(&ping(PingKind::Success, 7400), Some(at(7200)));
    assert_eq!((late.row.unwrap().status, late.recovered, one.state.status), (PingStatus::Late, true, HeartbeatStatus::Up));
    assert_eq!(take(&mut one, PingKind::Success, 9000, None), (None, PingStatus::Extra));
    assert_eq!(take(&mut one, PingKind::Success, 10_770, None), (Some(10_800), PingStatus::Arrived), "a little early");
    assert_eq!(one.state.expected_at, Some(at(14_400)));
}

#[test]
fn periods_begin_with_each_ping() {
    let mut one = heartbeat(&json!({"period_seconds": 100}));
    assert_eq!(take(&mut one, PingKind::Success, 20, None), (Some(100), PingStatus::Arrived));
    assert_eq!(one.state.expected_at, Some(at(120)));
    assert_eq!(one.take_missed(at(500), 2), Missed { expected: vec![at(120), at(220)], more: true });
    assert_eq!(one.take_missed(at(500), 10), Missed { expected: vec![at(320), at(420)], more: false });
    assert_eq!(take(&mut one, PingKind::Success, 510, Some(420)), (Some(420), PingStatus::Late));
    assert_eq!(one.state.expected_at, Some(at(610)));
}

#[test]
fn starts_give_durations_and_failures_put_down() {
    let mut one = hourly();
    assert_eq!(one.take_ping(&ping(PingKind::Start, 3600), None).row, None);
    let failed = one.take_ping(&ping(PingKind::Exit(3), 3605), None);
    let row = failed.row.unwrap();
    assert_eq!((row.status, row.exit_code, row.duration_ms), (PingStatus::Failed, Some(3), Some(5000)));
    assert!(failed.failed && one.state.status == HeartbeatStatus::Down);
    assert!(one.take_ping(&ping(PingKind::Exit(0), 7200), None).recovered);
}

#[test]
fn switched_off_heartbeats_expect_nothing() {
    let input = |enabled: bool| {
        HeartbeatInput::parse(&json!({"id": "backup", "cron": "0 * * * *", "enabled": enabled}), Tz::UTC).unwrap()
    };
    let mut off = hourly().changed(&input(false), at(10));
    assert_eq!((off.state.expected_at, off.take_missed(at(100_000), 10).expected.len()), (None, 0));
    assert_eq!(take(&mut off, PingKind::Success, 3600, None), (None, PingStatus::Extra));
    assert_eq!(off.changed(&input(true), at(7300)).state.expected_at, Some(at(10_800)));
}

#[test]
fn kinds_are_parsed_from_the_address() {
    let kinds = ["", "start", "fail", "0", "255", "4294967295"].map(PingKind::parse);
    assert!(kinds.iter().all(Option::is_some));
    assert_eq!(["stop", "1.5", "99999999999", "-2147483649"].map(PingKind::parse), [None; 4]);
}

proptest! {
    /// However pings and checks interleave, the decided expected times ascend: none is decided twice or left out.
    #[test]
    fn each_expected_ping_is_decided_once(steps in prop::collection::vec((1_i64..9000, any::<bool>()), 1..40)) {
        let mut one = hourly();
        let (mut now, mut decided, mut missed) = (0, Vec::new(), None);
        for (wait, pings) in steps {
            now += wait;
            let found = one.take_missed(at(now), 1000).expected;
            missed = found.last().copied().or(missed);
            decided.extend(found);
            if pings && let Some(row) = one.take_ping(&ping(PingKind::Success, now), missed).row {
                match row.status {
                    PingStatus::Late => missed = None,
                    PingStatus::Arrived => {
                        decided.extend(row.expected_at);
                        missed = None;
                    }
                    _ => {}
                }
            }
        }
        let hours: Vec<_> = (1..=decided.len() as i64).map(|hour| at(hour * 3600)).collect();
        prop_assert_eq!(decided, hours);
    }
}
