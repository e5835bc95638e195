//! Descriptions in Simplified Chinese.

use super::shape::{Shape, Times, clock_time, clock_times, runs, set, stepped};
use super::{bound, percent};
use crate::domain::trigger::cron::{DaySet, Rule, weekday_runs};
use crate::domain::trigger::datetime::wall_text;
use crate::domain::trigger::text::units;
use crate::domain::trigger::{Idle, Trigger};

const WEEKDAYS: [&str; 7] = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];

pub(super) fn describe(trigger: &Trigger) -> String {
    let rule = match trigger {
        Trigger::Date(date) => return format!("{} 运行一次", wall_text(date.run_date, date.zone)),
        Trigger::Interval(interval) => every_duration(interval.seconds),
        Trigger::Cron(cron) => cron_rule(&cron.rule),
        Trigger::Idle(idle) => idle_rule(idle),
        Trigger::And(and) => {
            let conditions: Vec<String> = and.conditions.iter().map(describe).collect();
            return format!("{}，且须同时满足：{}", describe(&and.base), conditions.join("；"));
        }
    };
    let bounds = trigger.bounds();
    let start = bound(bounds.start, trigger.zone()).map(|start| format!("，自 {start} 起"));
    let end = bound(bounds.end, trigger.zone()).map(|end| format!("，至 {end} 止"));
    let jitter = (trigger.jitter() > 0).then(|| format!("，每次随机延后 0～{}秒", trigger.jitter()));
    let text: String = [Some(rule), start, end, jitter].into_iter().flatten().collect();
    spaced(&text)
}

/// Inserts a blank between Chinese characters and the digits, letters or `%` next to them: `每 5 分钟`.
fn spaced(text: &str) -> String {
    let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let is_latin = |c: char| c.is_ascii_alphanumeric() || c == '%';
    let mut spaced = String::with_capacity(text.len());
    let mut previous = None;
    for c in text.chars() {
        if previous.is_some_and(|last| is_han(last) && is_latin(c) || is_latin(last) && is_han(c)) {
            spaced.push(' ');
        }
        spaced.push(c);
        previous = Some(c);
    }
    spaced
}

fn idle_rule(idle: &Idle) -> String {
    let seconds = idle.idle_duration;
    let repeat = if idle.repeat { format!("，此后每持续{seconds}秒再运行一次") } else { String::new() };
    format!("CPU 使用率低于{}持续{seconds}秒时运行{repeat}", percent(idle.cpu_below_percent))
}

fn every_duration(seconds: u64) -> String {
    match units(seconds)[..] {
        [(1, 'w')] => "每周".to_owned(),
        [(1, 'd')] => "每天".to_owned(),
        [(1, 'h')] => "每小时".to_owned(),
        [(1, 'm')] => "每分钟".to_owned(),
        [(1, 's')] => "每秒".to_owned(),
        ref parts => format!("每{}", parts.iter().map(counted).collect::<String>()),
    }
}

fn counted((count, unit): &(u64, char)) -> String {
    let unit = match unit {
        'w' => "周",
        'd' => "天",
        'h' => "小时",
        'm' => "分钟",
        _ => "秒",
    };
    format!("{count}{unit}")
}

fn cron_rule(rule: &Rule) -> String {
    let (time, is_clock) = times(rule);
    match dates(rule) {
        None if is_clock => format!("每天 {time}"),
        None => time,
        Some(date) => format!("{date} {time}"),
    }
}

/// Returns the dates, unless every day matches.
fn dates(rule: &Rule) -> Option<String> {
    let every = rule.days.is_every();
    if every && rule.every_month() && rule.weeks.is_none() && rule.years.is_none() {
        return None;
    }
    let condition = rule.and_days.as_ref().map(|days| format!("且为{}", parts(days).join("或")));
    Some(format!("{}{}", within(rule, &parts(&rule.days)), condition.unwrap_or_default()))
}

/// Formats the days in their months, weeks and years: `每月 13 日及每周五`, `每年 1 月 1 日`, `2026 年第 1 周的每天`.
fn within(rule: &Rule, days: &[String]) -> String {
    let by_weekday = |part: &str| part.starts_with('周');
    let words = |each: &str| {
        let parts = days.iter().map(|part| if by_weekday(part) { format!("每{part}") } else { format!("{each}{part}") });
        parts.collect::<Vec<_>>().join("及")
    };
    let year = years(rule);
    let week = rule.weeks.map(|weeks| format!("ISO 第{}周", list(&set(weeks), "")));
    let month = (!rule.every_month()).then(|| months(rule));
    if rule.days.is_every() {
        let span =
            format!("{}{}{}", year.unwrap_or_else(|| "每年".to_owned()), month.unwrap_or_default(), week.unwrap_or_default());
        return format!("{span}的每天");
    }
    match (year, month, week) {
        (None, None, None) => words("每月"),
        (Some(year), None, None) => format!("{year}{}", words("每月")),
        (year, Some(month), None) if days.iter().all(|part| !by_weekday(part)) => {
            let of = if month.contains(['、', '至']) || !days.concat().starts_with(|c: char| c.is_ascii_digit()) {
                "的"
            } else {
                ""
            };
            format!("{}{month}{of}{}", year.unwrap_or_else(|| "每年".to_owned()), days.join("及"))
        }
        (year, month, week) => {
            let span =
                format!("{}{}{}", year.unwrap_or_else(|| "每年".to_owned()), month.unwrap_or_default(), week.unwrap_or_default());
            format!("{span}的{}", words(""))
        }
    }
}

fn months(rule: &Rule) -> String {
    list(&set(u64::from(rule.months)), "月")
}

fn years(rule: &Rule) -> Option<String> {
    let years: Vec<u32> = rule.years.as_ref()?.iter().collect();
    Some(match stepped(&years) {
        Some((first, last, step)) => format!("{first}年至{last}年间每{step}年"),
        None => list(&years, "年"),
    })
}

/// Formats the days of the month (`13 日`, `最后一天`, `第 2 个周五`) together, and weekdays (`周一至周五`).
fn parts(days: &DaySet) -> Vec<String> {
    let numbers = set(u64::from(days.days));
    let mut of_month = Vec::new();
    match stepped(&numbers) {
        Some((first, last, step)) => of_month.push(match last + step {
            32.. => format!("{first}日起每{step}天"),
            _ => format!("{first}日至{last}日，每{step}天"),
        }),
        None if numbers.is_empty() => {}
        None => of_month.push(list(&numbers, "日")),
    }
    if days.last {
        of_month.push("最后一天".to_owned());
    }
    of_month.extend(set(u64::from(days.before_last)).into_iter().map(|back| format!("最后一天之前{back}天")));
    of_month.extend(set(u64::from(days.nearest)).into_iter().map(|day| match day {
        0 => "最后一个工作日（周一至周五）".to_owned(),
        day => format!("离{day}日最近的工作日（周一至周五）"),
    }));
    for (nth, weekdays) in (1..).zip(days.nth) {
        of_month.extend(single_weekdays(weekdays).map(|name| format!("第{nth}个{name}")));
    }
    of_month.extend(single_weekdays(days.last_weekdays).map(|name| format!("最后一个{name}")));
    let mut parts = if of_month.is_empty() { Vec::new() } else { vec![of_month.join("、")] };
    if days.weekdays != 0 {
        parts.push(weekday_spans(days.weekdays).join("、"));
    }
    parts
}

fn single_weekdays(weekdays: u8) -> impl Iterator<Item = &'static str> {
    (1..=7).map(|place| place % 7).filter(move |day| weekdays >> day & 1 == 1).filter_map(|day| WEEKDAYS.get(day).copied())
}

fn weekday_spans(weekdays: u8) -> Vec<String> {
    let name = |place: usize| WEEKDAYS.get(place % 7).copied().unwrap_or_default();
    let span = |(first, length): (usize, usize)| match length {
        1 => name(first).to_owned(),
        2 => format!("{}、{}", name(first), name(first + 1)),
        _ => format!("{}至{}", name(first), name(first + length - 1)),
    };
    weekday_runs(weekdays).into_iter().map(span).collect()
}

/// Returns the times of day, and whether they are a list of clock times.
fn times(rule: &Rule) -> (String, bool) {
    match Times::from_rule(rule) {
        Times::At(times) => (clock_times(&times).join("、"), true),
        Times::InHours { hour, minute, second } => (in_hours(&hour, minute, second), false),
        Times::Often { hour, minute, second } => (often(&hour, &minute, &second), false),
    }
}

fn in_hours(hour: &Shape, minute: u32, second: u32) -> String {
    let at_minute = match (minute, second) {
        (0, 0) => String::new(),
        (minute, 0) => format!("第{minute}分"),
        (minute, second) => format!("第{minute}分{second}秒"),
    };
    let clock = |hour: &u32| clock_time(*hour, minute, second);
    match hour {
        Shape::All if at_minute.is_empty() => "每小时".to_owned(),
        Shape::All => format!("每小时的{at_minute}"),
        Shape::Every(step) if at_minute.is_empty() => format!("每{step}小时"),
        Shape::Every(step) => format!("每{step}小时（{at_minute}）"),
        Shape::Range(first, last) => format!("{} 至 {} 每小时", clock(first), clock(last)),
        Shape::Stepped(first, last, step) => format!("{} 至 {} 每{step}小时", clock(first), clock(last)),
        Shape::One(_) | Shape::List(_) => format!("{}每小时{at_minute}", within_hours(hour)),
    }
}

fn often(hour: &Shape, minute: &Shape, second: &Shape) -> String {
    let fine = match (minute, second) {
        (_, Shape::One(0)) => minutes(minute),
        (Shape::All, Shape::All | Shape::Every(_)) => seconds(second),
        (Shape::All, _) => format!("每分钟{}", seconds(second)),
        _ => format!("{}{}", in_minutes(minute), seconds(second)),
    };
    // The hours are named already: "08:00 至 08:59" or "每 2 小时（该小时内）".
    let fine = match hour {
        Shape::One(_) | Shape::Every(_) | Shape::Stepped(..) => fine.trim_start_matches("每小时").trim_start_matches('的'),
        _ => &fine,
    };
    format!("{}{fine}", within_hours(hour))
}

fn seconds(second: &Shape) -> String {
    match second {
        Shape::All => "每秒".to_owned(),
        Shape::One(value) => format!("第{value}秒"),
        Shape::Every(step) => format!("每{step}秒"),
        Shape::Range(first, last) => format!("第{first}～{last}秒，每秒"),
        Shape::Stepped(first, last, step) => format!("第{first}～{last}秒，每{step}秒"),
        Shape::List(values) => format!("第{}秒", list(values, "")),
    }
}

fn minutes(minute: &Shape) -> String {
    match minute {
        Shape::All => "每分钟".to_owned(),
        Shape::One(value) => format!("第{value}分"),
        Shape::Every(step) => format!("每{step}分钟"),
        Shape::Range(first, last) => format!("每小时第{first}～{last}分，每分钟"),
        Shape::Stepped(first, last, step) => format!("每小时第{first}～{last}分，每{step}分钟"),
        Shape::List(values) => format!("每小时的第{}分", list(values, "")),
    }
}

fn in_minutes(minute: &Shape) -> String {
    match minute {
        Shape::All => "每分钟".to_owned(),
        Shape::One(value) => format!("第{value}分内"),
        Shape::Every(step) => format!("每{step}分钟（该分钟内）"),
        Shape::Range(first, last) => format!("第{first}～{last}分内"),
        Shape::Stepped(first, last, step) => format!("第{first}～{last}分，每{step}分钟（该分钟内）"),
        Shape::List(values) => format!("第{}分内", list(values, "")),
    }
}

fn within_hours(hour: &Shape) -> String {
    match hour {
        Shape::All => String::new(),
        Shape::One(hour) => format!("{hour:02}:00 至 {hour:02}:59 "),
        Shape::Range(first, last) => format!("{first:02}:00 至 {last:02}:59 "),
        Shape::Every(step) => format!("每{step}小时（该小时内）"),
        Shape::Stepped(first, last, step) => format!("{first:02}:00 至 {last:02}:59 间每{step}小时（该小时内）"),
        Shape::List(hours) => format!("{}内", list(hours, "点")),
    }
}

/// `1 日、3 日至 5 日`.
fn list(values: &[u32], unit: &str) -> String {
    let span = |(first, last): &(u32, u32)| match last - first {
        0 => format!("{first}{unit}"),
        1 => format!("{first}{unit}、{last}{unit}"),
        _ => format!("{first}{unit}至{last}{unit}"),
    };
    runs(values).iter().map(span).collect::<Vec<_>>().join("、")
}
