//! Texts, descriptions and notes of triggers.

use belfry::domain::trigger::Trigger;
use belfry::i18n::Language;
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::{cron, instant, trigger};

fn check(rule: &Trigger, text: &str, en: &str, zh: &str) {
    let found = (rule.text(), rule.describe(Language::English), rule.describe(Language::Chinese));
    assert_eq!(found, (text.to_owned(), en.to_owned(), zh.to_owned()));
}

fn check_text(value: &Value, text: &str) {
    assert_eq!(trigger(value).text(), text, "{value}");
}

#[test]
fn descriptions_in_both_languages() {
    let utc = |expression| cron(expression, "UTC");
    check(&utc("0 8 * * mon-fri"), "0 8 * * mon-fri", "Monday to Friday at 08:00", "每周一至周五 08:00");
    check(&utc("0 0 13 * fri"), "0 0 13 * fri", "On the 13th and every Friday at 00:00", "每月 13 日及每周五 00:00");
    let friday = trigger(&json!({"type": "cron", "day": 13, "day_of_week": "fri"}));
    check(&friday, "day=13 day_of_week=fri hour=0", "On the 13th when it is a Friday, at 00:00", "每月 13 日且为周五 00:00");
    check(&utc("0 9 L * *"), "0 9 L * *", "On the last day of the month at 09:00", "每月最后一天 09:00");
    check(&trigger(&json!({"type": "interval", "minutes": 5})), "every 5m", "Every 5 minutes", "每 5 分钟");
}

#[test]
fn descriptions_of_expressions() {
    let utc = |expression| cron(expression, "UTC");
    check(&utc("@daily"), "0 0 * * *", "Every day at 00:00", "每天 00:00");
    check(&utc("@hourly"), "0 * * * *", "Every hour", "每小时");
    check(&utc("@yearly"), "0 0 1 1 *", "On the 1st of January at 00:00", "每年 1 月 1 日 00:00");
    check(&utc("*/10 * * * * *"), "*/10 * * * * *", "Every 10 seconds", "每 10 秒");
    check(
        &utc("*/5 8-18 * * 1-5"),
        "*/5 8-18 * * mon-fri",
        "Monday to Friday, every 5 minutes between 08:00 and 18:59",
        "每周一至周五 08:00 至 18:59 每 5 分钟",
    );
    check(
        &utc("30 8-18 * * sat,sun"),
        "30 8-18 * * sat,sun",
        "Every Saturday and Sunday, every hour from 08:30 to 18:30",
        "每周六、周日 08:30 至 18:30 每小时",
    );
    check(
        &utc("0 9 * * mon#1,friL"),
        "0 9 * * mon#1,friL",
        "On the 1st Monday of the month and the last Friday of the month at 09:00",
        "每月第 1 个周一、最后一个周五 09:00",
    );
    check(&utc("08:00:30"), "30 0 8 * * *", "Every day at 08:00:30", "每天 08:00:30");
}

#[test]
fn chinese_descriptions_of_steps() {
    let zh = |expression| cron(expression, "UTC").describe(Language::Chinese);
    assert_eq!(zh("*/7 * * * *"), "每小时第 0～56 分，每 7 分钟");
    assert_eq!(zh("*/7 9 * * *"), "09:00 至 09:59 第 0～56 分，每 7 分钟");
    assert_eq!(zh("0 0 */3 * *"), "每月 1 日起每 3 天 00:00");
    assert_eq!(zh("0 0 1-10/2 * *"), "每月 1 日至 9 日，每 2 天 00:00");
}

#[test]
fn fields_are_shown_as_the_shortest_expression() {
    check_text(&json!({"type": "cron", "day_of_week": "1-5", "hour": 8}), "0 8 * * mon-fri");
    check_text(&json!({"type": "cron", "minute": "*/5"}), "*/5 * * * *");
    check_text(&json!({"type": "cron"}), "* * * * * *");
    check_text(&json!({"type": "cron", "year": 2026}), "year=2026 month=1 day=1 hour=0");
    check_text(&json!({"type": "cron", "week": "1-10", "minute": "*/5"}), "week=1-10 minute=*/5");
    check_text(&json!({"type": "cron", "day": "2nd fri,last mon", "hour": 9}), "0 9 * * fri#2,monL");
    check_text(&json!({"type": "cron", "day": "1,last", "week": "*/2"}), "day=1,last week=*/2 hour=0");
    check_text(&json!({"type": "cron", "day": "*/2", "day_of_week": 1}), "0 0 */2 * mon");
    check_text(&json!({"type": "cron", "day_of_week": "6,0,1,2"}), "0 0 * * sat-tue");
    check_text(&json!({"type": "cron", "hour": "0,4,8,12,16,20"}), "0 */4 * * *");
}

#[test]
fn texts_keep_the_behavior_at_clock_changes() {
    let text = |expression| cron(expression, "UTC").text();
    assert_eq!(text("0,30 1 * * *"), "0,30 1 * * *");
    assert_eq!(text("0/30 1 * * *"), "*/30 1 * * *");
    assert_eq!(text("0-59 1 * * *"), "0-59 1 * * *");
    assert_eq!(text("5-6/1 3 * * *"), "5-6/1 3 * * *");
    assert_eq!(text("0 0 1-31 * mon"), "0 0 * * *");
    assert_eq!(text("0 0 1/2 * mon"), "0 0 1/2 * mon");
}

#[test]
fn descriptions_of_date_interval_and_idle() {
    let date = trigger(&json!({"type": "date", "run_date": "2026-12-10 08:00", "timezone": "Asia/Shanghai"}));
    check(&date, "2026-12-10 08:00:00", "Once on 2026-12-10 at 08:00:00", "2026-12-10 08:00:00 运行一次");
    let interval = trigger(&json!({"type": "interval", "minutes": 90, "start_date": "2026-01-01", "jitter": 30}));
    check(
        &interval,
        "every 1h 30m",
        "Every 1 hour 30 minutes, from 2026-01-01 00:00:00, each delayed by up to 30 seconds at random",
        "每 1 小时 30 分钟，自 2026-01-01 00:00:00 起，每次随机延后 0～30 秒",
    );
    let idle = trigger(&json!({"type": "idle", "end_date": "2027-01-01"}));
    check(
        &idle,
        "idle 60s cpu<20%",
        "When the CPU has been below 20% for 60 s, until 2027-01-01 00:00:00",
        "CPU 使用率低于 20% 持续 60 秒时运行，至 2027-01-01 00:00:00 止",
    );
}

fn notes(rule: &Trigger, after: &str, count: usize) -> Vec<String> {
    let after = instant(after);
    rule.notes(&rule.preview(after, count), after).iter().map(ToString::to_string).collect()
}

#[test]
fn notes_explain_clock_changes() {
    let new_york = |expression| cron(expression, "America/New_York");
    let moved = "Clocks go forward: 2025-03-09 02:00 to 2025-03-09 03:00 does not exist; runs in it move to 2025-03-09 03:00.";
    assert_eq!(notes(&new_york("30 2 * * *"), "2025-03-08T00:00:00Z", 5), [moved]);
    let dropped = "Clocks go forward: 2025-03-09 02:00 to 2025-03-09 03:00 does not exist; runs in it are dropped.";
    assert_eq!(notes(&new_york("30 * * * *"), "2025-03-09T05:00:00Z", 5), [dropped]);
    let once = "Clocks go back: 2025-11-02 01:00 to 2025-11-02 02:00 occurs twice; the trigger fires the first time only.";
    assert_eq!(notes(&new_york("30 1 * * *"), "2025-11-01T00:00:00Z", 5), [once]);
    let twice = "Clocks go back: 2025-11-02 01:00 to 2025-11-02 02:00 occurs twice; the trigger fires both times.";
    assert_eq!(notes(&new_york("*/30 1 * * *"), "2025-11-01T00:00:00Z", 9), [twice]);
    assert_eq!(notes(&new_york("0 12 * * *"), "2025-11-01T00:00:00Z", 5), [""; 0]);
}

#[test]
fn notes_report_the_end_of_the_schedule() {
    let past = trigger(&json!({"type": "date", "run_date": "2020-01-01"}));
    assert_eq!(notes(&past, "2026-01-01T00:00:00Z", 5), ["There are no more runs."]);
    let bounded = trigger(&json!({"type": "cron", "hour": 8, "end_date": "2026-01-03"}));
    assert_eq!(notes(&bounded, "2026-01-01T00:00:00Z", 5), ["There are no more runs after these."]);
    let idle = trigger(&json!({"type": "idle"}));
    assert_eq!(notes(&idle, "2026-01-01T00:00:00Z", 5).len(), 1);
    let jittered = trigger(&json!({"type": "interval", "hours": 1, "jitter": 5}));
    assert!(notes(&jittered, "2026-01-01T00:00:00Z", 2)[0].contains("up to 5 s"));
}

#[test]
fn impossible_rules_are_accepted_and_do_not_fire() {
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
