//! Tests of the verification.

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::*;
use crate::domain::schedule::CalendarHistory;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn definition(second: i64, every: i64, enabled: bool) -> Definition {
    Definition { at: at(second), content: json!({"trigger": {"type": "interval", "seconds": every}, "enabled": enabled}) }
}

/// Every 10 s from 0, paused at 45, resumed at 75, every 20 s from 100.
fn history() -> TaskHistory {
    let definitions = [definition(0, 10, true), definition(45, 10, false), definition(75, 10, true), definition(100, 20, true)];
    TaskHistory {
        task_id: "a".into(),
        spans: rule_spans(&definitions, &ZoneHistory::from(Tz::UTC), None, &CalendarHistory::default()),
        next_run_at: Some(at(160)),
        kept_from: None,
        overlaps: Overlaps::default(),
    }
}

fn row(second: i64) -> LogRow {
    LogRow {
        execution_id: second.to_string(),
        scheduled_at: at(second),
        queued_at: at(second + 1),
        is_occurrence: true,
        status: Status::Succeeded,
        reason: None,
        paused: None,
        limit: None,
    }
}

fn paused(second: i64, last: i64, count: i64) -> LogRow {
    let paused = Some(PausedOccurrences { first: at(second), last: at(last), count });
    LogRow { status: Status::Skipped, reason: Some("pause.skipped".into()), paused, ..row(second) }
}

fn seconds(findings: &[Finding]) -> Vec<i64> {
    findings.iter().map(|finding| (finding.scheduled_at - at(0)).num_seconds()).collect()
}

fn complete() -> Vec<LogRow> {
    let mut rows: Vec<LogRow> = [10, 20, 30, 40, 80, 90, 120, 140].map(row).into();
    rows.extend([50, 60, 70].map(|second| paused(second, second, 1)));
    rows.sort_by_key(|row| row.scheduled_at);
    rows
}

#[test]
fn complete_log_is_clean() {
    let found = verify(&history(), &complete(), at(0), at(200));
    assert!(found.is_clean(), "{found:?}");
    assert_eq!((found.expected, found.rows), (11, 11));
    let mut edge = complete();
    edge.extend([row(100), row(160)]);
    assert!(verify(&history(), &edge, at(0), at(200)).is_clean(), "at the moment of a change, and decided meanwhile");
}

#[test]
fn each_deleted_row_is_lost() {
    for deleted in 0..complete().len() {
        let mut rows = complete();
        let gone = rows.remove(deleted);
        let found = verify(&history(), &rows, at(0), at(200));
        assert_eq!(seconds(&found.lost), [(gone.scheduled_at - at(0)).num_seconds()]);
        assert!(found.doubled.is_empty() && found.unexplained.is_empty());
    }
}

#[test]
fn doubled_and_foreign_rows_are_named() {
    let mut rows = complete();
    rows.push(LogRow { execution_id: "copy".into(), ..row(20) });
    rows.push(LogRow { is_occurrence: false, execution_id: "disguised".into(), ..row(30) });
    rows.push(LogRow { is_occurrence: false, queued_at: at(40), execution_id: "requested".into(), ..row(40) });
    rows.retain(|one| one.scheduled_at != at(60));
    rows.extend([row(25), row(60), row(110)]);
    let found = verify(&history(), &rows, at(0), at(200));
    assert_eq!(
        found.doubled.iter().map(|one| one.execution_ids.clone()).collect::<Vec<_>>(),
        [["20", "copy"], ["30", "disguised"]]
    );
    assert_eq!(seconds(&found.unexplained), [25, 60, 110]);
}

#[test]
fn row_of_a_pause_stands_for_its_occurrences() {
    let with = |row: LogRow| {
        let mut rows = complete();
        rows.retain(|one| one.paused.is_none());
        rows.push(row);
        rows.sort_by_key(|row| row.scheduled_at);
        verify(&history(), &rows, at(0), at(200))
    };
    assert!(with(paused(50, 70, 3)).is_clean(), "{:?}", with(paused(50, 70, 3)));
    assert_eq!(seconds(&with(paused(50, 70, 2)).unexplained), [50], "another number");
    let part = with(paused(50, 60, 2));
    assert_eq!((seconds(&part.lost), part.unexplained.len()), (vec![70], 0));
    let beyond = with(paused(50, 90, 5));
    assert_eq!((seconds(&beyond.doubled), seconds(&beyond.unexplained)), (vec![80, 90], vec![50]));
    let rows = [complete(), vec![paused(50, 70, 3)]].concat();
    assert_eq!(seconds(&verify(&history(), &rows, at(55), at(200)).doubled), [60, 70], "a row before the window counts");
    let untrue = LogRow { paused: paused(30, 30, 1).paused, status: Status::Skipped, ..row(30) };
    let rows: Vec<LogRow> = complete().into_iter().filter(|one| one.scheduled_at != at(30)).chain([untrue]).collect();
    assert_eq!(seconds(&verify(&history(), &rows, at(0), at(200)).unexplained), [30], "the task was not paused");
}

#[test]
fn pause_is_counted_by_the_rule_in_force_at_each_instant() {
    let definitions = [definition(0, 1, true), definition(40, 1, false), definition(60, 3, false), definition(90, 3, true)];
    let spans = rule_spans(&definitions, &ZoneHistory::from(Tz::UTC), None, &CalendarHistory::default());
    let history = TaskHistory { task_id: "a".into(), spans, next_run_at: Some(at(93)), ..TaskHistory::default() };
    let mut rows: Vec<LogRow> = (1..=40).map(row).collect();
    rows.extend([paused(41, 60, 20), paused(63, 90, 10)]);
    let found = verify(&history, &rows, at(0), at(200));
    assert!(found.is_clean(), "{found:?}");
    rows.pop();
    rows.push(paused(63, 90, 12));
    assert_eq!(seconds(&verify(&history, &rows, at(0), at(200)).unexplained), [63], "with those of the former rule");
    let at_once = [definition(0, 1, true), definition(60, 3, false), definition(90, 3, true)];
    let spans = rule_spans(&at_once, &ZoneHistory::from(Tz::UTC), None, &CalendarHistory::default());
    let rows: Vec<LogRow> = (1..=60).map(row).chain([paused(63, 90, 10)]).collect();
    let found = verify(&TaskHistory { spans, ..history }, &rows, at(0), at(200));
    assert!(found.is_clean(), "paused and changed at once: {found:?}");
}

#[test]
fn rule_without_a_zone_is_read_in_the_zone_in_force() {
    let content = json!({"trigger": {"type": "cron", "expression": "0 9 * * *"}, "enabled": true});
    let zones = ZoneHistory::new(&[(at(100_000), Tz::UTC, Tz::Asia__Shanghai)], Tz::Asia__Shanghai);
    let spans = rule_spans(&[Definition { at: at(0), content }], &zones, None, &CalendarHistory::default());
    assert_eq!(spans.iter().map(|span| span.from).collect::<Vec<_>>(), [at(0), at(100_000)]);
    let history = TaskHistory { task_id: "a".into(), spans, ..TaskHistory::default() };
    let time = |text: &str| LogRow { scheduled_at: text.parse().unwrap(), ..row(1) };
    // It begins at 2027-01-15 08:00 UTC, and the zone changes at 2027-01-16 11:46:40 UTC.
    let rows = ["2027-01-15T09:00:00Z", "2027-01-16T09:00:00Z", "2027-01-17T01:00:00Z"].map(time);
    let found = verify(&history, &rows, at(0), at(200_000));
    assert!(found.is_clean() && found.expected == 3, "{found:?}");
}

#[test]
fn another_zone_does_not_begin_rules_anew_that_are_over() {
    // 17:00 is 09:00 UTC in Shanghai and 16:00 UTC in Berlin; the zone changes at 11:46:40 UTC.
    let zones = ZoneHistory::new(&[(at(13_600), Tz::Asia__Shanghai, Tz::Europe__Berlin)], Tz::Europe__Berlin);
    let date = json!({"type": "date", "run_date": "2027-01-15 17:00"});
    let ending = json!({"type": "cron", "hour": 17, "end_date": "2027-01-15 20:00"});
    let time = |text: &str| LogRow { scheduled_at: text.parse().unwrap(), ..row(1) };
    let found = |trigger: &Value, changes: &[Value], rows: &[LogRow]| {
        let definition = |(place, change): (usize, &Value)| {
            let mut content = json!({"trigger": trigger, "enabled": true});
            content.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            Definition { at: at(place as i64 * 14_000), content }
        };
        let definitions: Vec<Definition> = changes.iter().enumerate().map(definition).collect();
        let spans = rule_spans(&definitions, &zones, None, &CalendarHistory::default());
        verify(&TaskHistory { task_id: "a".into(), spans, ..TaskHistory::default() }, rows, at(0), at(200_000))
    };
    let ran = [time("2027-01-15T09:00:00Z")];
    let (unchanged, changed) = ([json!({})], [json!({}), json!({"tags": ["b"]}), json!({"enabled": false}), json!({})]);
    for trigger in [&date, &ending] {
        for changes in [&unchanged[..], &changed[..]] {
            let found = found(trigger, changes, &ran);
            assert!(found.is_clean() && found.expected == 1, "{trigger} {changes:?}: {found:?}");
        }
        assert_eq!(found(trigger, &unchanged, &[]).lost.len(), 1);
        let again = [ran[0].clone(), time("2027-01-15T16:00:00Z")];
        assert_eq!(found(trigger, &unchanged, &again).unexplained.len(), 1, "{trigger} does not run in the other zone");
    }
    let new_date = [json!({}), json!({"trigger": {"type": "date", "run_date": "2027-01-15 18:00"}})];
    let later = [ran[0].clone(), time("2027-01-15T17:00:00Z")];
    assert!(found(&date, &new_date, &later).is_clean(), "another date counts in the zone in force");
}

#[test]
fn overlaps_are_computed_anew() {
    let skipped = LogRow { status: Status::Skipped, reason: Some(OVERLAP.into()), limit: Some(2), ..row(30) };
    let run = |queued: i64, finished: Option<i64>| RunInterval { queued_at: at(queued), finished_at: finished.map(at) };
    let told = |limit: i64, runs: &[RunInterval], adjust: fn(&mut TaskHistory)| {
        let rows: Vec<LogRow> =
            complete().into_iter().filter(|row| row.scheduled_at != at(30)).chain([skipped.clone()]).collect();
        let overlaps = Overlaps { limits: vec![(at(0), limit)], runs: runs.to_vec(), repeated: Vec::new() };
        let mut history = TaskHistory { overlaps, ..history() };
        adjust(&mut history);
        let found = verify(&history, &rows, at(0), at(200));
        (found.unexplained.len(), found.undetermined.len())
    };
    let two = [run(10, Some(31)), run(20, None)];
    assert_eq!(told(2, &two, |_| ()), (0, 0));
    assert_eq!(told(3, &two, |_| ()), (1, 0), "another limit was in force");
    assert_eq!(told(2, &two[..1], |_| ()), (1, 0));
    assert_eq!(told(2, &[two[0], run(20, Some(29))], |_| ()), (0, 1), "its end may not have been recorded yet");
    assert_eq!(told(2, &two[..1], |history| history.kept_from = Some(at(29))), (0, 1), "deleted by retention, perhaps");
    assert_eq!(told(2, &two[..1], |history| history.overlaps.repeated = vec![(at(25), at(90))]), (0, 1));
    assert_eq!(told(2, &two, |history| history.overlaps.limits.clear()), (0, 1));
}

#[test]
fn rows_that_retention_may_have_deleted_are_not_lost() {
    let history = TaskHistory { kept_from: Some(at(30)), ..history() };
    let found = verify(&history, &complete()[2..], at(0), at(200));
    assert!(found.is_clean(), "{found:?}");
    assert_eq!(seconds(&verify(&history, &complete()[3..], at(0), at(200)).lost), [30]);
    assert!(verify(&history, &complete(), at(0), at(200)).is_clean(), "rows that are still there are explained");
}

#[test]
fn window_limits_both_sides() {
    let found = verify(&history(), &complete(), at(20), at(90));
    assert_eq!((found.expected, found.rows, found.is_clean()), (7, 7, true));
}

#[test]
fn jitter_is_matched_by_the_time_without_jitter() {
    let content = json!({"trigger": {"type": "interval", "seconds": 60, "jitter": 30}, "enabled": true});
    let spans = rule_spans(&[Definition { at: at(0), content }], &ZoneHistory::from(Tz::UTC), None, &CalendarHistory::default());
    let history = TaskHistory { task_id: "a".into(), spans: spans.clone(), ..TaskHistory::default() };
    let fire = |n: i64| spans[0].schedule.fire_time(at(n * 60), "a", at(0));
    let rows: Vec<LogRow> = (1..10).map(|n| LogRow { scheduled_at: fire(n), ..row(n) }).collect();
    let found = verify(&history, &rows, at(0), at(600));
    assert!(found.is_clean() && found.expected == 9, "{found:?}");
    let from = fire(3) - TimeDelta::milliseconds(1);
    assert!(verify(&history, &rows, from, at(600)).is_clean(), "a window that begins within the jitter");
    let moved = LogRow { scheduled_at: fire(5) + TimeDelta::milliseconds(1), ..row(5) };
    let found = verify(&history, &[&rows[..4], &[moved], &rows[5..]].concat(), at(0), at(600));
    assert_eq!((found.lost.len(), found.unexplained.len()), (1, 1));
}

#[test]
fn reason_that_names_a_later_run_must_be_true() {
    let coalesced = |second| LogRow { status: Status::Missed, reason: Some(COALESCED.into()), ..row(second) };
    let skipped = LogRow { status: Status::Skipped, reason: Some("firing.overlap".into()), ..row(30) };
    let rows = [coalesced(10), coalesced(20), skipped, coalesced(40), paused(50, 70, 3), row(80), row(90), row(120), row(140)];
    let found = verify(&history(), &rows, at(0), at(200));
    assert_eq!(seconds(&found.unexplained), [10, 20]);
    assert!(found.lost.is_empty());
}

#[test]
fn date_that_was_past_when_it_was_given_is_explained() {
    let content = json!({"trigger": {"type": "date", "run_date": at(10).to_rfc3339()}, "enabled": true});
    let spans = rule_spans(&[Definition { at: at(30), content }], &ZoneHistory::from(Tz::UTC), None, &CalendarHistory::default());
    let history = TaskHistory { task_id: "a".into(), spans, ..TaskHistory::default() };
    let late = |queued| LogRow { queued_at: at(queued), status: Status::Missed, ..row(10) };
    assert!(verify(&history, &[late(30)], at(0), at(200)).is_clean());
    assert_eq!(seconds(&verify(&history, &[late(20)], at(0), at(200)).unexplained), [10], "before the task had the rule");
}

#[test]
fn deleted_task_expects_nothing_after_its_end() {
    let spans = rule_spans(&[definition(0, 10, true)], &ZoneHistory::from(Tz::UTC), Some(at(35)), &CalendarHistory::default());
    let history = TaskHistory { task_id: "a".into(), spans, ..TaskHistory::default() };
    assert!(verify(&history, &[row(10), row(20), row(30)], at(0), at(200)).is_clean());
}

/// Every Saturday and Sunday at 09:00, moved to Monday.
fn moved() -> (TaskHistory, Vec<LogRow>) {
    let trigger = json!({"type": "cron", "expression": "0 9 * * sat,sun"});
    let content = json!({"trigger": trigger, "calendar": "weekdays", "on_closed": "next_working_day"});
    let spans = rule_spans(&[Definition { at: at(0), content }], &ZoneHistory::from(Tz::UTC), None, &CalendarHistory::default());
    let schedule = &spans[0].schedule;
    let times = std::iter::successors(schedule.next_after(at(0), at(0)), |time| schedule.next_after(*time, at(0)));
    let rows = times.take(5).enumerate().map(|(n, time)| LogRow { scheduled_at: time, ..row(n as i64) }).collect();
    (TaskHistory { task_id: "a".into(), spans, ..TaskHistory::default() }, rows)
}

#[test]
fn deleted_row_of_a_moved_occurrence_is_lost() {
    let (history, rows) = moved();
    let to = rows[4].scheduled_at + TimeDelta::seconds(1);
    let found = verify(&history, &rows, at(0), to);
    assert!(found.is_clean() && found.expected == 5, "{found:?}");
    for gone in 0..5 {
        let left: Vec<LogRow> = rows.iter().enumerate().filter(|(n, _)| *n != gone).map(|(_, row)| row.clone()).collect();
        let found = verify(&history, &left, at(0), to);
        assert_eq!((found.lost.len(), found.lost[0].scheduled_at), (1, rows[gone].scheduled_at));
    }
}

#[test]
fn reasons_of_calendars_are_recomputed() {
    let content = json!({"trigger": {"type": "cron", "expression": "09:00"}, "calendar": "weekdays"});
    let spans = rule_spans(&[Definition { at: at(0), content }], &ZoneHistory::from(Tz::UTC), None, &CalendarHistory::default());
    let closed = spans[0].schedule.occurrences("a", at(0), at(0)).find(|one| one.is_closed()).unwrap().scheduled_at;
    let history = TaskHistory { task_id: "a".into(), spans: spans.clone(), ..TaskHistory::default() };
    let skipped =
        |time, code: &str| LogRow { scheduled_at: time, status: Status::Skipped, reason: Some(code.to_owned()), ..row(1) };
    let codes = |row: LogRow| {
        let time = row.scheduled_at;
        let found = verify(&history, &[row], time, time + TimeDelta::seconds(1));
        found.unexplained.iter().map(|one| one.reason.as_ref().unwrap().code().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(skipped(closed, "firing.closed_day")), [""; 0]);
    assert_eq!(codes(LogRow { scheduled_at: closed, ..row(1) }), ["verify.closed"]);
    let open = spans[0].schedule.next_open_after(at(0), at(0)).unwrap();
    assert_eq!(codes(skipped(open, "firing.closed_day")), ["verify.not_closed"]);
    assert_eq!(codes(skipped(open, "firing.frozen")), ["verify.not_closed"]);
}

#[test]
fn each_version_of_a_calendar_has_its_span() {
    use crate::domain::calendar::{Calendar, FreezeSet};
    use crate::domain::schedule::CalendarChange;
    let changed = |second, weekdays| CalendarChange {
        at: at(second),
        name: "team".into(),
        version: second,
        content: Some(Calendar { weekdays: Some(weekdays), ..Calendar::new("team", "weekdays") }),
    };
    let calendars = CalendarHistory::new(vec![changed(-9, [true; 7]), changed(50, [false; 7])], &FreezeSet::default());
    let content = json!({"trigger": {"type": "interval", "seconds": 10}, "calendar": "team"});
    let renamed = json!({"name": "b", "trigger": {"type": "interval", "seconds": 10}, "calendar": "team"});
    let definitions = [Definition { at: at(0), content }, Definition { at: at(30), content: renamed }];
    let spans = rule_spans(&definitions, &ZoneHistory::from(Tz::UTC), None, &calendars);
    let bounds: Vec<_> = spans.iter().map(|span| (span.from, span.until)).collect();
    assert_eq!(bounds, [(at(0), Some(at(50))), (at(50), None)]);
    assert_eq!((spans[0].closed(at(20)), spans[1].closed(at(60))), (Closed::Open, Closed::ByCalendar));
}
