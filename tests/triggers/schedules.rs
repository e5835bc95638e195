//! Schedules with calendars and several rules, compared with a second method that goes day by day.

use std::collections::{BTreeMap, BTreeSet};

use belfry::domain::calendar::{Calendar, CalendarSet, DateRule, FreezeSet};
use belfry::domain::input::Fields;
use belfry::domain::schedule::{Note, Schedule, ScheduleSettings};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{instant, trigger};

/// How many days are compared, after a margin in which days may move into them.
const DAYS: u64 = 90;
const MARGIN: i64 = 40;

/// The calendar `team`: Monday to Friday, but for some dates.
#[derive(Debug, Clone)]
struct Team(BTreeMap<NaiveDate, bool>);

impl Team {
    fn works(&self, date: NaiveDate) -> bool {
        self.0.get(&date).copied().unwrap_or(!matches!(date.weekday(), Weekday::Sat | Weekday::Sun))
    }

    fn set(&self) -> CalendarSet {
        let date = |(date, working): (&NaiveDate, &bool)| DateRule {
            date: *date,
            until: *date,
            working: *working,
            name: "changed".into(),
        };
        let calendar = Calendar { dates: self.0.iter().map(date).collect(), ..Calendar::new("team", "weekdays") };
        CalendarSet::compile(&[(calendar, 1)], FreezeSet::default()).expect("a calendar")
    }
}

pub fn schedule(value: &Value, calendars: &CalendarSet) -> Schedule {
    let mut fields = Fields::new(value, "");
    let taken = ScheduleSettings::take(&mut fields, Tz::UTC);
    let taken = taken.unwrap_or_else(|| panic!("{value}: {:?}", fields.finish(())));
    taken.rules.bind(calendars, &[], None).expect("the calendars exist")
}

/// The instant of a local time: after a gap the first instant, of two passes the first.
fn at_local(zone: Tz, wall: NaiveDateTime) -> DateTime<Utc> {
    let seconds = (0..=86_400).map(|second| wall + TimeDelta::seconds(second));
    let mut found = seconds.filter_map(|wall| zone.from_local_datetime(&wall).earliest());
    found.next().expect("gaps are shorter than a day").to_utc()
}

/// The rule's own times of a span.
fn times(rule: &Value, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let rule = trigger(rule);
    let first = rule.next_at_or_after(from, anchor());
    std::iter::successors(first, |at| rule.next_after(*at, anchor())).take_while(|at| *at < until).collect()
}

fn anchor() -> DateTime<Utc> {
    instant("2024-01-01T00:00:00Z")
}

/// The second method: what runs (or is closed, at its time) by day.
fn by_day(rule: &Value, team: &Team, on_closed: &str, first: NaiveDate) -> BTreeMap<DateTime<Utc>, bool> {
    let zone = trigger(rule).zone();
    let start = |date: NaiveDate| at_local(zone, date.and_time(Default::default()));
    let from = start(first - TimeDelta::days(MARGIN));
    let until = start(first + Days::new(DAYS) + TimeDelta::days(MARGIN));
    let mut by_date: BTreeMap<NaiveDate, Vec<DateTime<Utc>>> = BTreeMap::new();
    for at in times(rule, from, until) {
        by_date.entry(at.with_timezone(&zone).date_naive()).or_default().push(at);
    }
    let has = |date: NaiveDate| by_date.contains_key(&date);
    let mut expected = BTreeMap::new();
    for date in first.iter_days().take(DAYS as usize) {
        let own = by_date.get(&date).into_iter().flatten();
        if on_closed == "skip" {
            expected.extend(own.map(|at| (*at, team.works(date))));
            continue;
        }
        if !team.works(date) {
            continue;
        }
        if has(date) {
            expected.extend(own.map(|at| (*at, true)));
        }
        let closed = |step: i64| {
            let days = (1..MARGIN).map(move |count| date + TimeDelta::days(step * count));
            days.take_while(|day| !team.works(*day)).collect::<Vec<_>>()
        };
        if on_closed == "hold" {
            if closed(-1).into_iter().any(has) {
                expected.insert(start(date), true);
            }
            continue;
        }
        let origin = closed(if on_closed == "next_working_day" { -1 } else { 1 }).into_iter().find(|day| has(*day));
        for at in origin.filter(|_| !has(date)).and_then(|day| by_date.get(&day)).into_iter().flatten() {
            expected.insert(at_local(zone, date.and_time(at.with_timezone(&zone).time())), true);
        }
    }
    expected
}

fn found(schedule: &Schedule, first: NaiveDate) -> BTreeMap<DateTime<Utc>, bool> {
    let start = |date: NaiveDate| at_local(schedule.zone(), date.and_time(Default::default()));
    let (from, until) = (start(first), start(first + Days::new(DAYS)));
    let occurrences: Vec<_> = schedule.occurrences("a", from, anchor()).take_while(|one| one.scheduled_at < until).collect();
    assert!(occurrences.is_sorted_by(|a, b| a.scheduled_at < b.scheduled_at), "strictly ascending");
    occurrences.iter().map(|one| (one.scheduled_at, !one.is_closed())).collect()
}

fn rules() -> impl Strategy<Value = Value> {
    let expressions = [
        "0 8 * * *",
        "0 8,12 * * *",
        "30 2 * * *",
        "30 9 * * sat",
        "0 0 1,15 * *",
        "0 */6 * * *",
        "0 2 * * sun",
        "0 23 L * *",
        "45 1 * * sat,sun",
    ];
    let zones = ["UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin"];
    let cron = (prop::sample::select(expressions.to_vec()), prop::sample::select(zones.to_vec()))
        .prop_map(|(expression, zone)| json!({"type": "cron", "expression": expression, "timezone": zone}));
    let interval = prop::sample::select(vec![7, 24, 36, 100]).prop_map(|hours| json!({"type": "interval", "hours": hours}));
    prop_oneof![4 => cron, 1 => interval]
}

fn first_days() -> impl Strategy<Value = NaiveDate> {
    (0u64..600).prop_map(|days| NaiveDate::from_ymd_opt(2025, 1, 1).expect("a date") + Days::new(days))
}

fn teams() -> impl Strategy<Value = (NaiveDate, Team)> {
    let changes = prop::collection::btree_map(0u64..(DAYS + 20), any::<bool>(), 0..40);
    (first_days(), changes).prop_map(|(first, changes)| {
        let day = |(day, working)| (first + Days::new(day) - Days::new(10), working);
        (first, Team(changes.into_iter().map(day).collect()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn calendars_decide_as_day_by_day(
        rule in rules(),
        (first, team) in teams(),
        on_closed in prop::sample::select(vec!["skip", "next_working_day", "previous_working_day", "hold"]),
    ) {
        let schedule = schedule(&json!({"trigger": rule, "calendar": "team", "on_closed": on_closed}), &team.set());
        prop_assert_eq!(found(&schedule, first), by_day(&rule, &team, on_closed, first), "{} {}", rule, on_closed);
    }

    #[test]
    fn working_days_of_the_month_are_counted(rule in rules(), (first, team) in teams(), nth in -4i32..=4) {
        prop_assume!(nth != 0);
        let schedule = schedule(&json!({"trigger": rule, "calendar": "team", "nth_working_day": nth}), &team.set());
        let is_nth = |date: NaiveDate| {
            let month = date.with_day(1).expect("a first day").iter_days().take_while(|day| day.month() == date.month());
            let days: Vec<NaiveDate> = month.filter(|day| team.works(*day)).collect();
            let place = if nth > 0 { nth.unsigned_abs() as usize - 1 } else { days.len().wrapping_sub(nth.unsigned_abs() as usize) };
            days.get(place) == Some(&date)
        };
        let zone = schedule.zone();
        let start = |date: NaiveDate| at_local(zone, date.and_time(Default::default()));
        let own = times(&rule, start(first), start(first + Days::new(DAYS)));
        let expected: BTreeSet<_> = own.into_iter().filter(|at| is_nth(at.with_timezone(&zone).date_naive())).collect();
        prop_assert_eq!(found(&schedule, first).into_keys().collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn next_is_the_same_from_any_start(
        rule in rules(),
        other in rules(),
        (first, team) in teams(),
        on_closed in prop::sample::select(vec!["skip", "next_working_day", "previous_working_day", "hold"]),
        minutes in prop::collection::vec(0i64..(DAYS as i64 * 1440), 20),
    ) {
        let rules = json!([{"trigger": rule}, {"trigger": other, "name": "other"}]);
        let schedule = schedule(&json!({"triggers": rules, "calendar": "team", "on_closed": on_closed}), &team.set());
        let all: Vec<_> = found(&schedule, first).into_keys().collect();
        let start = at_local(schedule.zone(), first.and_time(Default::default()));
        for at in minutes.into_iter().map(|minute| start + TimeDelta::minutes(minute)).chain(all.iter().copied()) {
            let Some(expected) = all.iter().find(|known| **known >= at) else { continue };
            prop_assert_eq!(schedule.next_at_or_after(at, anchor()), Some(*expected), "from {}", at);
        }
        for pair in all.windows(2) {
            prop_assert_eq!(schedule.next_after(pair[0], anchor()), Some(pair[1]));
            let jittered = schedule.fire_time(pair[0], "a", anchor());
            prop_assert!(pair[0] <= jittered && jittered < pair[1]);
        }
    }

    #[test]
    fn several_rules_are_the_union_of_each(rule in rules(), other in rules(), (first, team) in teams()) {
        let one = |rule: &Value| found(&schedule(&json!({"trigger": rule, "calendar": "team"}), &team.set()), first);
        let both = schedule(&json!({"triggers": [{"trigger": rule}, {"trigger": other}], "calendar": "team"}), &team.set());
        // Both in one zone: a day is closed for each of them, or for neither.
        prop_assume!(trigger(&rule).zone() == trigger(&other).zone());
        let mut union = one(&rule);
        union.extend(one(&other));
        prop_assert_eq!(found(&both, first), union);
    }
}

#[test]
fn moved_occurrences_name_their_original_and_merge() {
    let sets = CalendarSet::default();
    let given = json!({"trigger": {"type": "cron", "expression": "0 9 1-3 * *", "timezone": "Asia/Shanghai"},
        "calendar": "cn", "on_closed": "next_working_day"});
    let schedule = schedule(&given, &sets);
    // 1 to 7 October 2026 are free.
    let next = schedule.occurrences("a", instant("2026-10-01T00:00:00Z"), anchor()).next().expect("one");
    assert_eq!((next.scheduled_at, next.original), (instant("2026-10-08T01:00:00Z"), instant("2026-10-03T01:00:00Z")));
    assert_eq!((next.note, next.provisional), (Note::Moved, false));
    let after = schedule.next_after(next.scheduled_at, anchor());
    assert_eq!(after, Some(instant("2026-11-02T01:00:00Z")), "1 to 3 October run once");
}

#[test]
fn a_day_moves_into_a_clock_change_as_a_rule_does() {
    let sets = CalendarSet::default();
    // Clocks go forward on Sunday 2026-03-08 from 02:00 to 03:00; a calendar of Sundays alone moves Saturday to it.
    let sundays =
        Calendar { weekdays: Some([true, true, true, true, true, false, true]), ..Calendar::new("sundays", "weekdays") };
    let sets = CalendarSet::compile(&[(sundays, 1)], sets.freezes).expect("a calendar");
    let given = json!({"trigger": {"type": "cron", "expression": "30 2 * * sat", "timezone": "America/New_York"},
        "calendar": "sundays", "on_closed": "next_working_day"});
    let schedule = schedule(&given, &sets);
    let at = schedule.next_at_or_after(instant("2026-03-07T06:00:00Z"), anchor());
    assert_eq!(at, Some(instant("2026-03-08T07:00:00Z")), "03:00, the first instant after the gap");
    assert_eq!(schedule.next_at_or_after(instant("2026-03-08T07:00:00Z"), anchor()), at, "from the end of the gap too");
}

#[test]
fn make_up_days_are_working_days() {
    let rule = json!({"type": "cron", "expression": "08:00", "timezone": "Asia/Shanghai"});
    let schedule = schedule(&json!({"trigger": rule, "calendar": "cn"}), &CalendarSet::default());
    let runs: Vec<String> = schedule
        .occurrences("a", instant("2026-02-11T00:00:00Z"), anchor())
        .filter(|one| !one.is_closed())
        .map(|one| one.scheduled_at.with_timezone(&Tz::Asia__Shanghai).format("%m-%d").to_string())
        .take(8)
        .collect();
    assert_eq!(runs, ["02-11", "02-12", "02-13", "02-14", "02-24", "02-25", "02-26", "02-27"]);
}

#[test]
fn holidays_have_a_day_before_and_a_day_after() {
    let rule = json!({"type": "cron", "expression": "08:00", "timezone": "Asia/Shanghai"});
    let days = |calendar_rule: &str| {
        let given = json!({"trigger": rule, "calendar": "cn", "calendar_rule": calendar_rule});
        let schedule = schedule(&given, &CalendarSet::default());
        let all = schedule.occurrences("a", instant("2026-01-01T00:00:00Z"), anchor());
        all.map(|one| one.scheduled_at.format("%m-%d").to_string()).take(3).collect::<Vec<_>>()
    };
    assert_eq!(days("before_holiday"), ["02-14", "04-03", "04-30"]);
    assert_eq!(days("after_holiday"), ["01-04", "02-24", "04-07"]);
}

#[test]
fn impossible_combinations_answer_at_once() {
    let never = |given: Value| {
        let schedule = schedule(&given, &CalendarSet::default());
        let now = instant("2026-11-29T00:00:00Z");
        (schedule.never_opens(now, now), schedule.next_open_after(now, now))
    };
    let every_second = json!({"type": "cron", "expression": "* * * * * sat"});
    assert_eq!(never(json!({"trigger": every_second, "calendar": "weekdays"})), (true, None));
    let thirteenth = json!({"type": "cron", "expression": "0 0 13 * *"});
    assert_eq!(never(json!({"trigger": thirteenth, "calendar": "weekdays", "nth_working_day": 23})), (true, None));
    let yearly = json!({"type": "cron", "expression": "0 0 1 1 *"});
    assert_eq!(never(json!({"trigger": yearly, "calendar": "weekdays", "nth_working_day": 15})), (true, None));
    let past = json!({"type": "date", "run_date": "2020-01-01"});
    assert_eq!(
        never(json!({"trigger": past, "calendar": "weekdays"})),
        (false, None),
        "a rule without times is none that never opens"
    );
    assert!(!never(json!({"trigger": {"type": "interval", "days": 1}, "calendar": "weekdays"})).0);
}

#[test]
fn rules_at_one_time_are_one_occurrence_of_the_first() {
    let rule = |name: &str, enabled: bool| json!({"trigger": {"type": "cron", "expression": "08:00"}, "name": name, "enabled": enabled, "params": {"from": name}});
    let given = json!({"triggers": [rule("off", false), rule("first", true), rule("second", true)]});
    let schedule = schedule(&given, &CalendarSet::default());
    let found: Vec<_> = schedule.occurrences("a", instant("2026-11-29T00:00:00Z"), anchor()).take(2).collect();
    assert_eq!(found[1].scheduled_at - found[0].scheduled_at, TimeDelta::days(1));
    assert_eq!(found[0].rule.name.as_deref(), Some("first"));
}

#[test]
fn settings_are_refused_with_their_field() {
    let cron = json!({"type": "cron", "expression": "08:00"});
    let fault = |given: Value| {
        let mut value = json!({"trigger": cron});
        value.as_object_mut().expect("an object").extend(given.as_object().expect("an object").clone());
        let mut fields = Fields::new(&value, "");
        let taken = ScheduleSettings::take(&mut fields, Tz::UTC);
        assert!(taken.is_none() || fields.finish(()).is_err(), "{given}");
        let mut fields = Fields::new(&value, "");
        let _ = ScheduleSettings::take(&mut fields, Tz::UTC);
        fields.finish(()).expect_err("refused")[0].pointer.clone()
    };
    assert_eq!(fault(json!({"calendar": 5})), "/calendar");
    assert_eq!(fault(json!({"calendar": null})), "/calendar");
    assert_eq!(fault(json!({"calendar": ["a", "b", "c", "d", "e", "f"]})), "/calendar");
    assert_eq!(fault(json!({"nth_working_day": 1})), "/nth_working_day");
    assert_eq!(fault(json!({"calendar": "cn", "nth_working_day": 0})), "/nth_working_day");
    assert_eq!(fault(json!({"calendar": "cn", "calendar_rule": "never"})), "/calendar_rule");
    assert_eq!(fault(json!({"calendar": "cn", "calendar_rule": "except", "on_closed": "hold"})), "/on_closed");
    assert_eq!(fault(json!({"on_closed": "next_working_day"})), "/on_closed");
    assert_eq!(fault(json!({"triggers": [{"trigger": {"type": "cron", "hour": 25}}]})), "/triggers/0/trigger/hour");
    assert_eq!(fault(json!({"triggers": [{"trigger": cron}, {"trigger": {"type": "idle"}}]})), "/triggers/1/trigger");
    assert_eq!(fault(json!({"triggers": [{"trigger": {"type": "cron", "hour": 9}}]})), "/trigger");
    let many: Vec<Value> = (0..21).map(|_| json!({"trigger": cron})).collect();
    assert_eq!(fault(json!({"triggers": many})), "/triggers");
}

#[test]
fn descriptions_say_what_the_calendar_means() {
    use belfry::i18n::Language;
    let describe = |given: Value| {
        let schedule = schedule(&given, &CalendarSet::default());
        [schedule.describe(Language::Chinese), schedule.describe(Language::English)]
    };
    let daily = json!({"type": "cron", "expression": "08:00"});
    assert_eq!(
        describe(json!({"trigger": daily, "calendar": "cn"})),
        ["工作日 08:00（含调休上班日）", "On working days at 08:00 (make-up days included)"]
    );
    assert_eq!(
        describe(json!({"trigger": daily, "calendar": "weekdays", "nth_working_day": -1})),
        ["每月最后一个工作日 08:00（日历：weekdays）", "On the last working day of the month at 08:00 (calendar: weekdays)"]
    );
    let monthly = json!({"type": "cron", "expression": "0 9 15 * *"});
    assert_eq!(
        describe(json!({"trigger": monthly, "calendar": "cn", "on_closed": "next_working_day"})),
        ["每月 15 日 09:00，遇非工作日顺延到下一个工作日", "On the 15th at 09:00, moved to the next working day if closed"]
    );
    let rules = json!([{"trigger": daily, "name": "早班"}, {"trigger": monthly}]);
    assert_eq!(describe(json!({"triggers": rules}))[0], "早班：每天 08:00；每月 15 日 09:00");
}
