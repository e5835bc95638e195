//! Texts, descriptions and notes.

use belfry::domain::trigger::{Lang, Trigger};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::{cron, instant, trigger};

fn words(rule: &Trigger, text: &str, en: &str, zh: &str) {
    let found = (rule.text(), rule.describe(Lang::En), rule.describe(Lang::Zh));
    assert_eq!(found, (text.to_owned(), en.to_owned(), zh.to_owned()));
}

fn fields(value: &Value, text: &str) {
    assert_eq!(trigger(value).text(), text, "{value}");
}

#[test]
fn the_table_of_descriptions() {
    let utc = |expression| cron(expression, "UTC");
    words(&utc("0 8 * * mon-fri"), "0 8 * * mon-fri", "Monday to Friday at 08:00", "每周一至周五 08:00");
    words(&utc("0 0 13 * fri"), "0 0 13 * fri", "On the 13th and every Friday at 00:00", "每月13日及每周五 00:00");
    let friday = trigger(&json!({"type": "cron", "day": 13, "day_of_week": "fri"}));
    words(&friday, "day=13 day_of_week=fri hour=0", "On the 13th when it is a Friday, at 00:00", "每月13日且为周五 00:00");
    words(&utc("0 9 L * *"), "0 9 L * *", "On the last day of the month at 09:00", "每月最后一天 09:00");
    words(&trigger(&json!({"type": "interval", "minutes": 5})), "every 5m", "Every 5 minutes", "每5分钟");
}

#[test]
fn further_descriptions() {
    let utc = |expression| cron(expression, "UTC");
    words(&utc("@daily"), "0 0 * * *", "Every day at 00:00", "每天 00:00");
    words(&utc("@hourly"), "0 * * * *", "Every hour", "每小时");
    words(&utc("@yearly"), "0 0 1 1 *", "On the 1st of January at 00:00", "每年1月1日 00:00");
    words(&utc("*/10 * * * * *"), "*/10 * * * * *", "Every 10 seconds", "每10秒");
    words(
        &utc("*/5 8-18 * * 1-5"),
        "*/5 8-18 * * mon-fri",
        "Monday to Friday, every 5 minutes between 08:00 and 18:59",
        "每周一至周五 08:00 至 18:59 每5分钟",
    );
    words(
        &utc("30 8-18 * * sat,sun"),
        "30 8-18 * * sat,sun",
        "Every Saturday and Sunday, every hour from 08:30 to 18:30",
        "每周六、周日 08:30 至 18:30 每小时",
    );
    words(
        &utc("0 9 * * mon#1,friL"),
        "0 9 * * mon#1,friL",
        "On the 1st Monday of the month and the last Friday of the month at 09:00",
        "每月第1个周一、最后一个周五 09:00",
    );
    words(&utc("08:00:30"), "30 0 8 * * *", "Every day at 08:00:30", "每天 08:00:30");
}

#[test]
fn texts_of_fields() {
    fields(&json!({"type": "cron", "day_of_week": "1-5", "hour": 8}), "0 8 * * mon-fri");
    fields(&json!({"type": "cron", "minute": "*/5"}), "*/5 * * * *");
    fields(&json!({"type": "cron"}), "* * * * * *");
    fields(&json!({"type": "cron", "year": 2026}), "year=2026 month=1 day=1 hour=0");
    fields(&json!({"type": "cron", "week": "1-10", "minute": "*/5"}), "week=1-10 minute=*/5");
    fields(&json!({"type": "cron", "day": "2nd fri,last mon", "hour": 9}), "0 9 * * fri#2,monL");
    fields(&json!({"type": "cron", "day": "1,last", "week": "*/2"}), "day=1,last week=*/2 hour=0");
    fields(&json!({"type": "cron", "day": "*/2", "day_of_week": 1}), "0 0 */2 * mon");
    fields(&json!({"type": "cron", "day_of_week": "6,0,1,2"}), "0 0 * * sat-tue");
    fields(&json!({"type": "cron", "hour": "0,4,8,12,16,20"}), "0 */4 * * *");
}

#[test]
fn texts_keep_what_clock_changes_do() {
    let text = |expression| cron(expression, "UTC").text();
    assert_eq!(text("0,30 1 * * *"), "0,30 1 * * *");
    assert_eq!(text("0/30 1 * * *"), "*/30 1 * * *");
    assert_eq!(text("0-59 1 * * *"), "0-59 1 * * *");
    assert_eq!(text("5-6/1 3 * * *"), "5-6/1 3 * * *");
    assert_eq!(text("0 0 1-31 * mon"), "0 0 * * *");
    assert_eq!(text("0 0 1/2 * mon"), "0 0 1/2 * mon");
}

#[test]
fn dates_intervals_and_idle() {
    let date = trigger(&json!({"type": "date", "run_date": "2026-12-10 08:00", "timezone": "Asia/Shanghai"}));
    words(&date, "2026-12-10 08:00:00", "Once on 2026-12-10 at 08:00:00", "2026-12-10 08:00:00 执行一次");
    let interval = trigger(&json!({"type": "interval", "minutes": 90, "start_date": "2026-01-01", "jitter": 30}));
    words(
        &interval,
        "every 1h 30m",
        "Every 1 hour 30 minutes, from 2026-01-01 00:00:00, each put off by up to 30 seconds at random",
        "每1小时30分钟，自 2026-01-01 00:00:00 起，每次随机推迟最多30秒",
    );
    let idle = trigger(&json!({"type": "idle", "end_date": "2027-01-01"}));
    words(
        &idle,
        "idle 60s cpu<20%",
        "When the CPU has been below 20% for 60 s, until 2027-01-01 00:00:00",
        "CPU 使用率低于20%持续60秒时执行，至 2027-01-01 00:00:00 止",
    );
}

fn notes(rule: &Trigger, after: &str, count: usize) -> Vec<String> {
    let after = instant(after);
    rule.notes(&rule.preview(after, count), after, Lang::En)
}

#[test]
fn notes_tell_what_a_clock_change_does() {
    let new_york = |expression| cron(expression, "America/New_York");
    let moved = "Clocks go forward: 2025-03-09 02:00 to 2025-03-09 03:00 does not exist, firings in it move to 2025-03-09 03:00.";
    assert_eq!(notes(&new_york("30 2 * * *"), "2025-03-08T00:00:00Z", 5), [moved]);
    let dropped = "Clocks go forward: 2025-03-09 02:00 to 2025-03-09 03:00 does not exist, firings in it are dropped.";
    assert_eq!(notes(&new_york("30 * * * *"), "2025-03-09T05:00:00Z", 5), [dropped]);
    let once = "Clocks go back: 2025-11-02 01:00 to 2025-11-02 02:00 comes twice, it fires the first time only.";
    assert_eq!(notes(&new_york("30 1 * * *"), "2025-11-01T00:00:00Z", 5), [once]);
    let twice = "Clocks go back: 2025-11-02 01:00 to 2025-11-02 02:00 comes twice, it fires both times.";
    assert_eq!(notes(&new_york("*/30 1 * * *"), "2025-11-01T00:00:00Z", 9), [twice]);
    assert_eq!(notes(&new_york("0 12 * * *"), "2025-11-01T00:00:00Z", 5), [""; 0]);
}

#[test]
fn notes_tell_that_a_rule_ends() {
    let past = trigger(&json!({"type": "date", "run_date": "2020-01-01"}));
    assert_eq!(notes(&past, "2026-01-01T00:00:00Z", 5), ["It never fires again."]);
    let bounded = trigger(&json!({"type": "cron", "hour": 8, "end_date": "2026-01-03"}));
    assert_eq!(notes(&bounded, "2026-01-01T00:00:00Z", 5), ["It never fires again after these."]);
    let idle = trigger(&json!({"type": "idle"}));
    assert_eq!(notes(&idle, "2026-01-01T00:00:00Z", 5).len(), 1);
    let late = trigger(&json!({"type": "interval", "hours": 1, "jitter": 5}));
    assert!(notes(&late, "2026-01-01T00:00:00Z", 2)[0].contains("up to 5 s"));
}

#[test]
fn impossible_rules_are_accepted_and_never_fire() {
    let rules = [
        json!({"type": "cron", "month": 2, "day": 30}),
        json!({"type": "cron", "day": "1st mon", "day_of_week": "tue"}),
        json!({"type": "cron", "year": 2000}),
        json!({"type": "cron", "expression": "0 0 31 2,4,6 *"}),
        json!({"type": "cron", "month": 1, "week": 40}),
        json!({"type": "cron", "year": "2027,2029,2031", "month": 2, "day": 29}),
    ];
    for value in rules {
        let after = instant("2026-01-01T00:00:00Z");
        let rule = Trigger::parse(&value, Tz::America__New_York).expect("accepted");
        assert!(rule.preview(after, 5).is_empty(), "{value}");
    }
}
