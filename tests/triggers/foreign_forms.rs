//! Expressions as other programs write them: crontab's large steps, Quartz, Go's `@every`, and texts pasted with their surroundings.

use belfry::domain::trigger::{Kind, Trigger, parse_timestamp_rounded_up};
use belfry::i18n::Language;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;

use crate::{cron, instant, trigger};

fn after() -> DateTime<Utc> {
    instant("2026-01-01T00:00:00Z")
}

/// The first firings from the beginning of 2026.
fn fires(expression: &str, count: usize) -> Vec<String> {
    let shown = cron(expression, "UTC").preview(after(), count);
    shown.iter().map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string().replace(" 00:00:00", "")).collect()
}

fn notes(rule: &Trigger) -> Vec<String> {
    let shown = rule.preview(after(), 2);
    rule.notes(&shown, after()).iter().map(ToString::to_string).collect()
}

#[test]
fn steps_larger_than_the_range_match_the_first_value() {
    for (written, meant, note) in [
        ("*/60 5 * * *", "0/59 5 * * *", "minute: the step in */60 is larger than its range, so only 0 matches."),
        ("0 */24 * * *", "0 0 * * *", "hour: the step in */24 is larger than its range, so only 0 matches."),
        ("0 18-20/4 * * *", "0 18 * * *", "hour: the step in 18-20/4 is larger than its range, so only 18 matches."),
        ("0 0 * * */7", "0 0 * * sun", "day_of_week: the step in */7 is larger than its range, so only 0 matches."),
        ("0 23/1 * * *", "0 23 * * *", "hour: the step in 23/1 is larger than its range, so only 23 matches."),
        ("0 0 */999999999 * *", "0 0 1 * *", "day: the step in */999999999 is larger than its range, so only 1 matches."),
    ] {
        let meant = if written.starts_with("*/60") { "0 5 * * *" } else { meant };
        assert_eq!(fires(written, 9), fires(meant, 9), "{written}");
        let rule = cron(written, "UTC");
        assert_eq!(notes(&rule), [note], "{written}");
        assert_eq!(cron(&rule.text(), "UTC"), rule, "{written} gives {}", rule.text());
    }
}

#[test]
fn quartz_expressions_are_read() {
    assert_eq!(fires("0 0 12 ? * MON-FRI", 2), ["2026-01-01 12:00:00", "2026-01-02 12:00:00"]);
    assert_eq!(fires("0 0 0 L * ?", 2), ["2026-01-31", "2026-02-28"]);
    assert_eq!(fires("0 0 0 LW * ?", 4), ["2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30"]);
    assert_eq!(fires("0 0 0 15W * ?", 5), ["2026-01-15", "2026-02-16", "2026-03-16", "2026-04-15", "2026-05-15"]);
    assert_eq!(fires("0 0 0 1W 8 ? 2026-2027", 3), ["2026-08-03", "2027-08-02"], "never in the month before");
    assert_eq!(fires("0 0 0 31W * ?", 3), ["2026-01-30", "2026-03-31", "2026-05-29"], "never in the month after");
    assert_eq!(fires("0 0 0 L-3 * ?", 3), ["2026-01-28", "2026-02-25", "2026-03-28"]);
    assert_eq!(fires("0 0 0 ? * FRI#3", 2), ["2026-01-16", "2026-02-20"]);
    assert_eq!(fires("0 0 0 1 1 ? 2027", 2), ["2027-01-01"]);
    assert_eq!(fires("0 0 0 1 1 ? *", 2), ["2026-01-01", "2027-01-01"]);
}

#[test]
fn texts_of_quartz_rules_parse_back() {
    for expression in [
        "0 0 0 LW * ?",
        "0 0 0 1,15W,L-3 * ?",
        "0 0 0 15W 3 ? 2026-2030",
        "0 */60 5 1-10 * */7 2027",
        "30 7/90 5 * * mon",
        "0 0 0 15W * */7",
    ] {
        let rule = cron(expression, "UTC");
        assert_eq!(cron(&rule.text(), "UTC"), rule, "{expression} gives {}", rule.text());
    }
}

#[test]
fn quartz_days_are_described() {
    let describe = |expression: &str| Language::ALL.map(|language| cron(expression, "UTC").describe(language));
    assert_eq!(
        describe("0 0 9 15W * ?"),
        ["On the weekday (Monday to Friday) nearest to the 15th at 09:00", "每月离 15 日最近的工作日（周一至周五） 09:00"]
    );
    assert_eq!(
        describe("0 0 9 LW * ?"),
        ["On the last weekday (Monday to Friday) of the month at 09:00", "每月最后一个工作日（周一至周五） 09:00"]
    );
    assert_eq!(
        describe("0 0 9 L-3 * ?"),
        ["On the day 3 days before the last of the month at 09:00", "每月最后一天之前 3 天 09:00"]
    );
}

#[test]
fn weekday_numbers_of_quartz_are_noted() {
    let remark = |given: &str, here: &str, quartz: &str| {
        format!(
            "Weekday numbers are those of crontab, 0 is Sunday: {given} means {here}. In Quartz 1 is Sunday: for an expression from there \
             write {quartz}."
        )
    };
    assert_eq!(notes(&cron("0 0 12 ? * 2-6", "UTC")), [remark("2-6", "tue-sat", "mon-fri")]);
    assert_eq!(notes(&cron("0 0 * * 6#3", "UTC")), [remark("6#3", "sat#3", "fri#3")]);
    for unsuspicious in ["0 12 * * 1-5", "0 0 12 ? * mon-fri", "* * * * *", "0 0 12 * * 0"] {
        assert_eq!(notes(&cron(unsuspicious, "UTC")), [""; 0], "{unsuspicious}");
    }
}

#[test]
fn every_means_an_interval() {
    for (expression, meant) in [
        ("@every 30s", json!({"type": "interval", "seconds": 30})),
        ("@every 1h30m", json!({"type": "interval", "hours": 1, "minutes": 30})),
        ("@EVERY 24h\n", json!({"type": "interval", "days": 1})),
        ("@every 0.5h", json!({"type": "interval", "minutes": 30})),
    ] {
        let rule = trigger(&json!({"type": "cron", "expression": expression, "timezone": "Asia/Tokyo", "jitter": 5}));
        let mut meant = meant;
        (meant["timezone"], meant["jitter"]) = ("Asia/Tokyo".into(), 5.into());
        assert_eq!(rule.kind(), Kind::Interval);
        assert_eq!(rule, trigger(&meant), "{expression}");
    }
}

#[test]
fn surroundings_of_a_pasted_expression_are_ignored() {
    let plain = cron("0 8 * * mon-fri", "UTC");
    for expression in
        ["0 8 * * mon-fri\n", "\u{feff}0 8 * * mon-fri\r\n", "\t0  8\u{a0}*\u{3000}* mon-fri  ", "0 8 * * mon-fri\u{200b}"]
    {
        assert_eq!(cron(expression, "UTC"), plain, "{expression:?}");
    }
    assert_eq!(cron(" 08:30 \n", "UTC"), cron("08:30", "UTC"));
    assert_eq!(cron("@daily\n", "UTC"), cron("@daily", "UTC"));
}

#[test]
fn reversed_signs_of_zones_are_noted() {
    let behind = "Etc/GMT+8 is 8 hours behind UTC: the sign of Etc/GMT zones is reversed.";
    assert_eq!(notes(&cron("0 8 * * *", "Etc/GMT+8")), [behind]);
    assert_eq!(notes(&cron("0 8 * * *", "Etc/GMT-1"))[0].split(':').next(), Some("Etc/GMT-1 is 1 hour ahead of UTC"));
    for zone in ["Etc/GMT", "Etc/GMT+0", "Etc/UTC", "Asia/Shanghai"] {
        assert_eq!(notes(&cron("0 8 * * *", zone)), [""; 0], "{zone}");
    }
}

#[test]
fn start_of_a_preview_is_never_rounded_down() {
    for (text, expected) in [
        ("2026-01-01T08:00:00.0001Z", "2026-01-01T08:00:00.001Z"),
        ("2026-01-01T08:00:00.000000001+00:00", "2026-01-01T08:00:00.001Z"),
        ("2026-01-01 08:00:00.000001", "2026-01-01T08:00:00.001Z"),
        ("2026-01-01 08:00:00.999999", "2026-01-01T08:00:01Z"),
        ("2026-01-01T08:00:00.001Z", "2026-01-01T08:00:00.001Z"),
        ("2026-01-01", "2026-01-01T00:00:00Z"),
    ] {
        assert_eq!(parse_timestamp_rounded_up(text, Tz::UTC), Ok(instant(expected)), "{text}");
    }
    let from = parse_timestamp_rounded_up("2026-01-01T08:00:00.0001Z", Tz::UTC).expect("a time");
    assert_eq!(cron("0 8 * * *", "UTC").preview(from, 1)[0].to_utc(), instant("2026-01-02T08:00:00Z"));
}
