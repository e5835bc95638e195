use serde_json::json;

use super::*;
use crate::domain::trigger::Trigger;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn expression(text: &str, dialect: Dialect) -> serde_json::Value {
    CronRule::parse(text, dialect).unwrap().trigger(Tz::UTC).unwrap()["expression"].clone()
}

#[test]
fn quartz_weekday_numbers_become_names() {
    for (given, written) in [
        ("0 0 12 ? * 2-6", "0 12 * * mon-fri"),
        ("0 15 10 ? * 1,7", "15 10 * * sun,sat"),
        ("0 0 8 ? * FRI-MON", "0 8 * * sun,mon,fri,sat"),
        ("0 0/5 14,18 * * ?", "*/5 14,18 * * *"),
        ("0 0 23-2 * * ?", "0 0-2,23 * * *"),
        ("0 0 10 ? * 6#3", "0 10 * * fri#3"),
        ("0 0 10 ? * 6L", "0 10 * * friL"),
        ("0 0 10 ? * L", "0 10 * * sat"),
        ("0 0 10 L * ?", "0 10 L * *"),
        ("0/90 * * * * ?", "* * * * *"),
        ("5/20 * * * * ?", "5,25,45 * * * * *"),
    ] {
        assert_eq!(expression(given, Dialect::Quartz), written, "{given}");
    }
    let years = CronRule::parse("0 0 8 1 1 ? 2027-2029", Dialect::Quartz).unwrap().trigger(Tz::UTC).unwrap();
    assert_eq!(
        years,
        json!({"type": "cron", "year": "2027,2028,2029", "month": "jan", "day": "1", "hour": "8", "minute": "0", "second": "0",
            "timezone": "UTC"})
    );
}

#[test]
fn robfig_rules_begin_with_seconds_even_with_five_fields() {
    assert_eq!(expression("0 0 8 * *", Dialect::Robfig), "0 8 * * *");
    assert_eq!(expression("*/10 * * * * *", Dialect::Robfig), "*/10 * * * * *");
    assert_eq!(expression("@daily", Dialect::Robfig), "0 0 * * *");
    assert!(CronRule::parse("0 0 8 * * 7", Dialect::Robfig).is_err());
}

#[test]
fn day_and_weekday_keep_their_combination() {
    let both = CronRule::parse("0 0 */20 * mon", Dialect::Crontab).unwrap();
    let trigger = both.trigger(Tz::UTC).unwrap();
    assert_eq!((&trigger["day"], &trigger["day_of_week"]), (&json!("1,21"), &json!("mon")));
    assert_eq!(expression("0 0 1-31/2 * mon", Dialect::Crontab), "0 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 * mon");
    assert!(CronRule::parse("0 0 8 13 * FRI", Dialect::Quartz).is_err());
}

#[test]
fn unreadable_rules_are_refused() {
    for text in
        ["0 25 * * *", "* * * *", "61 * * * *", "H * * * *", "0 0 * * 5-1", "0~30 * * * *", "0 0 L * *", "*/0 * * * *", "@reboot"]
    {
        assert!(CronRule::parse(text, Dialect::Crontab).is_err(), "{text}");
    }
    assert!(CronRule::parse("0 0 5 30 2 ?", Dialect::Quartz).unwrap().firings(Tz::UTC, at("2026-01-01T00:00:00Z"), 1).is_empty());
}

/// The rules of all dialects fire at the same times as the triggers written for them.
#[test]
fn written_triggers_fire_at_the_same_times() {
    let from = at("2026-02-03T04:05:06Z");
    let rules = [
        (Dialect::Crontab, "*/7 */5 * * *"),
        (Dialect::Crontab, "0 0 13 * 5"),
        (Dialect::Crontab, "5 4 */3 * sun-tue"),
        (Dialect::Crontab, "0 0 29 2 *"),
        (Dialect::Crontab, "*/60 0 1-10 jan-mar mon"),
        (Dialect::CrontabSeconds, "30 */90 8 * * 7"),
        (Dialect::Quartz, "0 0 10 ? * 3#5"),
        (Dialect::Quartz, "15 0/50 22-3 L 2,4 ?"),
        (Dialect::Quartz, "0 0 12 ? 1/4 5L"),
        (Dialect::Quartz, "0 0 12 1/5 * ? 2028"),
        (Dialect::Robfig, "0 30 3 1,15 * 3"),
    ];
    for (dialect, text) in rules {
        let rule = CronRule::parse(text, dialect).unwrap();
        for zone in [Tz::UTC, Tz::Asia__Shanghai, Tz::America__New_York] {
            let trigger = Trigger::parse(&rule.trigger(zone).unwrap(), zone).unwrap();
            let here: Vec<_> = trigger.preview(from, 20).into_iter().map(|at| at.to_utc()).collect();
            assert_eq!(rule.firings(zone, from, 20), here, "{text} in {zone}");
        }
    }
}

#[test]
fn clock_changes_follow_cron() {
    let rule = CronRule::parse("30 2 * * *", Dialect::Crontab).unwrap();
    let gap = rule.firings(Tz::America__New_York, at("2025-03-09T05:00:00Z"), 1);
    assert_eq!(gap, [at("2025-03-09T07:00:00Z")]);
    let hourly = CronRule::parse("30 * * * *", Dialect::Crontab).unwrap();
    let twice = hourly.firings(Tz::America__New_York, at("2025-11-02T05:00:00Z"), 2);
    assert_eq!(twice, [at("2025-11-02T05:30:00Z"), at("2025-11-02T06:30:00Z")]);
}
