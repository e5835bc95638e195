//! Working days of the built-in calendars: provisional years, searches, months, holidays, closures.

use belfry::domain::calendar::{Calendar, CalendarSet, CombinedCalendar, FreezeSet, SetError, Source};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Value, json};

/// The calendars of these definitions.
pub fn calendars(definitions: &[Value]) -> CalendarSet {
    try_calendars(definitions).unwrap_or_else(|error| panic!("{}", error.message()))
}

fn try_calendars(definitions: &[Value]) -> Result<CalendarSet, SetError> {
    let parse = |value: &Value| (Calendar::parse(value, "").unwrap_or_else(|faults| panic!("{value}: {faults:?}")), 1);
    CalendarSet::compile(&definitions.iter().map(parse).collect::<Vec<_>>(), FreezeSet::default())
}

fn combined(set: &CalendarSet, names: &[&str]) -> CombinedCalendar {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    set.combine(&names).expect("known calendars")
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an RFC 3339 time")
}

fn cn() -> CombinedCalendar {
    combined(&CalendarSet::default(), &["cn"])
}

#[test]
fn years_without_a_notice_are_provisional_and_follow_the_weekdays() {
    let cn = cn();
    for (text, working, source) in [
        ("2026-10-10", true, Source::Data),
        ("2026-10-12", true, Source::Rule),
        ("2027-01-01", true, Source::Provisional),
        ("2027-01-02", false, Source::Provisional),
        ("2003-12-31", true, Source::Provisional),
    ] {
        let day = cn.day(date(text));
        assert_eq!((day.working, day.source), (working, source), "{text}");
    }
    assert_eq!(cn.calendars()[0].version(), "cn@2026");
}

#[test]
fn searches_find_the_neighbouring_working_days() {
    let cn = cn();
    assert_eq!(cn.next_working_day(date("2026-10-01")), Some(date("2026-10-08")));
    assert_eq!(cn.next_working_day(date("2026-10-10")), Some(date("2026-10-10")));
    assert_eq!(cn.previous_working_day(date("2026-10-07")), Some(date("2026-09-30")));
    assert_eq!(cn.previous_working_day(date("2027-01-03")), None, "a provisional day may turn out to be worked");
    let never = calendars(&[json!({"name": "never", "base": "every_day", "weekdays": []})]);
    let never = combined(&never, &["never"]);
    assert_eq!((never.next_working_day(date("2026-01-01")), never.previous_working_day(date("2026-01-01"))), (None, None));
    assert_eq!(never.nth_working_day_of_month(2026, 1, 1), None);
    assert_eq!(never.closed_at(at("2026-01-01T00:00:00Z"), chrono_tz::UTC).map(|closure| closure.until), Some(None));
}

#[test]
fn working_days_of_a_month_are_counted_from_both_ends() {
    let cn = cn();
    assert_eq!(cn.nth_working_day_of_month(2026, 10, 1), Some(date("2026-10-08")));
    assert_eq!(cn.nth_working_day_of_month(2026, 10, 3), Some(date("2026-10-10")), "the make-up Saturday");
    assert_eq!(cn.nth_working_day_of_month(2026, 2, -1), Some(date("2026-02-28")), "a make-up Saturday");
    assert_eq!((cn.nth_working_day_of_month(2026, 2, 0), cn.nth_working_day_of_month(2026, 2, 30)), (None, None));
    assert_eq!(cn.nth_working_day_of_month(2026, 13, 1), None);
}

#[test]
fn holidays_have_a_day_before_and_a_first_day_after() {
    let cn = cn();
    let days = |find: &dyn Fn(NaiveDate) -> bool| -> Vec<String> {
        let all = date("2026-01-01").iter_days().take_while(|day| day.year() == 2026);
        all.filter(|day| find(*day)).map(|day| day.format("%m-%d").to_string()).collect()
    };
    let before = days(&|day| cn.is_day_before_block(day));
    assert_eq!(before, ["02-14", "04-03", "04-30", "06-18", "09-24", "09-30"]);
    let after = days(&|day| cn.is_first_after_block(day));
    assert_eq!(after, ["01-04", "02-24", "04-07", "05-06", "06-22", "09-28", "10-08"]);
}

#[test]
fn an_override_of_cn_adds_days_or_states_years() {
    let lengthened = json!({"name": "cn", "base": "cn", "dates": [{"date": "2026-10-08", "name": "spring_festival"}]});
    let set = calendars(&[lengthened, json!({"name": "own", "base": "cn"})]);
    for name in ["cn", "own"] {
        let calendar = combined(&set, &[name]);
        assert_eq!(calendar.next_working_day(date("2026-10-01")), Some(date("2026-10-09")), "{name}");
        assert!(!calendar.is_working(date("2026-10-05")), "{name}: the notice still holds");
    }
    assert_eq!(set.get("own").map(|own| own.version()).as_deref(), Some("own@1 cn@1 cn@2026"));
    let year = json!({"name": "cn", "base": "cn", "years": [2027], "dates": [{"date": "2027-01-01", "working": false}]});
    let set = calendars(&[year]);
    let day = |text: &str| set.cn().day(date(text));
    assert_eq!(
        (day("2027-01-01").source, day("2027-01-04").source, day("2028-01-03").source),
        (Source::Data, Source::Rule, Source::Provisional)
    );
    assert!(set.cn().knows_year(2027) && !set.cn().knows_year(2028));
}

#[test]
fn dates_go_before_ranges_yearly_dates_the_base_and_weekdays() {
    let set = calendars(&[json!({"name": "a", "base": "cn", "weekdays": ["mon", "sat"],
        "dates": [{"date": "2026-10-07", "working": true, "name": "single"}, {"date": "2026-10-05", "until": "2026-10-09", "working": false}],
        "yearly": [{"date": "10-09", "working": true}, {"date": "10-12", "working": false, "name": "yearly"}]})]);
    let calendar = combined(&set, &["a"]);
    for (text, working) in [
        ("2026-10-07", true),
        ("2026-10-09", false),
        ("2027-10-09", true),
        ("2026-10-12", false),
        ("2026-10-10", true), // made up in cn
        ("2026-10-19", true),
        ("2026-10-20", false),
        ("2026-10-24", true),
    ] {
        assert_eq!(calendar.is_working(date(text)), working, "{text}");
    }
}

#[test]
fn several_calendars_are_open_where_all_are() {
    let set = calendars(&[json!({"name": "fri", "base": "every_day", "yearly": [{"date": "10-08", "name": "Audit"}]})]);
    let both = combined(&set, &["cn", "fri"]);
    assert!(!both.is_working(date("2026-10-08")) && both.is_working(date("2026-10-09")));
    let (calendar, day) = both.closed_day(date("2026-10-08")).expect("closed");
    assert_eq!((&*calendar.name, day.name.map(|name| name.message().to_string())), ("fri", Some("Audit".to_owned())));
    assert_eq!(both.version(), "cn@2026 fri@1");
}

#[test]
fn a_closure_ends_when_every_day_and_window_is_open() {
    let shanghai = chrono_tz::Asia::Shanghai;
    let window = json!({"name": "a", "base": "cn", "closures": [{"window": "00:00-09:00", "name": "Night"}]});
    let calendar = combined(&calendars(&[window]), &["a"]);
    let closure = calendar.closed_at(at("2026-10-01T12:00:00+08:00"), shanghai).expect("a holiday");
    assert!(closure.whole_day);
    assert_eq!(closure.until, Some(at("2026-10-08T09:00:00+08:00")), "the night after the last holiday is closed too");
    let closure = calendar.closed_at(at("2026-10-12T08:59:59+08:00"), shanghai).expect("the night");
    assert_eq!((closure.whole_day, closure.until), (false, Some(at("2026-10-12T09:00:00+08:00"))));
    assert_eq!(calendar.closed_at(at("2026-10-12T09:00:00+08:00"), shanghai), None);
    // The calendar's own zone goes before that of the task.
    let zoned = json!({"name": "b", "base": "weekdays", "timezone": "America/New_York"});
    let calendar = combined(&calendars(&[zoned]), &["b"]);
    assert_eq!(calendar.closed_at(at("2026-11-28T04:00:00Z"), shanghai), None, "Friday evening in New York");
    let closure = calendar.closed_at(at("2026-11-28T05:00:00Z"), shanghai).expect("Saturday in New York");
    assert_eq!(closure.until, Some(at("2026-11-30T05:00:00Z")));
}

#[test]
fn bases_that_are_missing_or_lead_back_are_refused() {
    let missing = try_calendars(&[json!({"name": "a", "base": "b"})]).unwrap_err();
    assert_eq!(missing, SetError::MissingBase { name: "a".into(), base: "b".into() });
    let cycle = try_calendars(&[json!({"name": "a", "base": "b"}), json!({"name": "b", "base": "a"})]).unwrap_err();
    assert!(matches!(cycle, SetError::Cycle { .. }), "{cycle:?}");
    assert!(matches!(try_calendars(&[json!({"name": "a", "base": "a"})]), Err(SetError::Cycle { .. })));
    assert!(matches!(
        try_calendars(&[json!({"name": "cn", "base": "a"}), json!({"name": "a", "base": "cn"})]),
        Err(SetError::Cycle { .. })
    ));
    let deep = |count: usize| -> Vec<Value> {
        let base = |n: usize| if n == 0 { "cn".to_owned() } else { format!("c{}", n - 1) };
        (0..count).map(|n| json!({"name": format!("c{n}"), "base": base(n)})).collect()
    };
    assert!(try_calendars(&deep(9)).is_ok() && try_calendars(&deep(200)).is_err());
}
