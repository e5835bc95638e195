//! Descriptions in English.

use super::shape::{Shape, Times, clock_time, clock_times, runs, set, stepped};
use super::{bound, percent};
use crate::domain::trigger::cron::{DaySet, Rule, weekday_runs};
use crate::domain::trigger::datetime::wall_text;
use crate::domain::trigger::text::units;
use crate::domain::trigger::{Idle, Trigger};

/// The names from Sunday on.
pub(crate) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// The names from January on, at their numbers.
pub(crate) const MONTHS: [&str; 13] = [
    "",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) fn describe(trigger: &Trigger) -> String {
    let rule = match trigger {
        Trigger::Date(date) => {
            let wall = wall_text(date.run_date, date.zone);
            let (day, time) = wall.split_once(' ').unwrap_or((&wall, ""));
            return format!("Once on {day} at {time}");
        }
        Trigger::Interval(interval) => format!("Every {}", duration(interval.seconds)),
        Trigger::Cron(cron) => cron_rule(&cron.rule),
        Trigger::Idle(idle) => idle_rule(idle),
        Trigger::And(and) => {
            let conditions: Vec<String> = and.conditions.iter().map(|one| uncapitalized(&describe(one))).collect();
            return format!("{}, but only at times that also match: {}", describe(&and.base), conditions.join("; and: "));
        }
    };
    let bounds = trigger.bounds();
    let start = bound(bounds.start, trigger.zone()).map(|start| format!(", from {start}"));
    let end = bound(bounds.end, trigger.zone()).map(|end| format!(", until {end}"));
    let jitter =
        (trigger.jitter() > 0).then(|| format!(", each delayed by up to {} at random", counted(trigger.jitter(), "second")));
    [Some(rule), start, end, jitter].into_iter().flatten().collect()
}

fn idle_rule(idle: &Idle) -> String {
    let repeat = if idle.repeat { format!(", and again after each further {} s", idle.idle_duration) } else { String::new() };
    format!("When the CPU has been below {} for {} s{repeat}", percent(idle.cpu_below_percent), idle.idle_duration)
}

fn duration(seconds: u64) -> String {
    let name = |unit| match unit {
        'w' => "week",
        'd' => "day",
        'h' => "hour",
        'm' => "minute",
        _ => "second",
    };
    match units(seconds)[..] {
        [(1, unit)] => name(unit).to_owned(),
        ref parts => parts.iter().map(|(count, unit)| counted(*count, name(*unit))).collect::<Vec<_>>().join(" "),
    }
}

fn cron_rule(rule: &Rule) -> String {
    let (date, has_condition) = dates(rule);
    let (time, is_clock) = times(rule);
    match date {
        None if is_clock => format!("Every day {time}"),
        None => capital(&time),
        Some(date) if is_clock && !has_condition => format!("{date} {time}"),
        Some(date) => format!("{date}, {time}"),
    }
}

/// Returns the dates, unless every day matches, and whether the phrase ends with a condition.
fn dates(rule: &Rule) -> (Option<String>, bool) {
    let months = months(rule);
    let limits: String = [weeks(rule), years(rule)].into_iter().flatten().collect();
    if rule.days.is_every() {
        let limits = format!("{}{limits}", months.map(|months| format!(" in {months}")).unwrap_or_default());
        return ((!limits.is_empty()).then(|| format!("Every day{limits}")), false);
    }
    let condition = rule.and_days.as_ref().map(|days| format!(" when it is {}", condition(days)));
    let has_condition = condition.is_some();
    (Some(format!("{}{limits}{}", days_in_months(&rule.days, months), condition.unwrap_or_default())), has_condition)
}

/// `On the 1st of January`, `On the last day of March`, `Every Friday in May`.
fn days_in_months(set: &DaySet, months: Option<String>) -> String {
    let days = days(set);
    let Some(months) = months else { return days };
    if set.weekdays != 0 {
        return format!("{days} in {months}");
    }
    if days.ends_with(" of the month") {
        days.replace("the month", &months)
    } else {
        format!("{} of {months}", days.replace(" of the month", ""))
    }
}

fn months(rule: &Rule) -> Option<String> {
    let names =
        || spans(&runs(&set(u64::from(rule.months))), |month| MONTHS.get(month as usize).copied().unwrap_or_default().to_owned());
    (!rule.every_month()).then(|| and(&names()))
}

fn weeks(rule: &Rule) -> Option<String> {
    let weeks = set(rule.weeks?);
    let word = if weeks.len() == 1 { "week" } else { "weeks" };
    Some(format!(" in ISO {word} {}", and(&spans(&runs(&weeks), |week| week.to_string()))))
}

fn years(rule: &Rule) -> Option<String> {
    let years: Vec<u32> = rule.years.as_ref()?.iter().collect();
    Some(match stepped(&years) {
        Some((first, last, step)) => format!(" in every {} year from {first} to {last}", ordinal(step)),
        None => format!(" in {}", and(&spans(&runs(&years), |year| year.to_string()))),
    })
}

/// `Monday to Friday`, `Every Friday`, `On the 13th and every Friday`.
fn days(days: &DaySet) -> String {
    let mut parts = month_days(days);
    let weekdays = weekday_spans(days.weekdays);
    match (parts.is_empty(), &weekday_runs(days.weekdays)[..]) {
        (true, [(_, 3..)]) => return weekdays.concat(),
        (true, _) => return format!("Every {}", and(&weekdays)),
        (false, []) => {}
        (false, [(_, 3..)]) => parts.push(weekdays.concat()),
        (false, _) => parts.push(format!("every {}", and(&weekdays))),
    }
    let first = parts.first().cloned().unwrap_or_default();
    if first.starts_with("every") { capital(&and(&parts)) } else { format!("On {}", and(&parts)) }
}

/// Returns the condition that the day must also meet: `a Friday`, `Monday to Friday`, `the 2nd Friday of the month`.
fn condition(days: &DaySet) -> String {
    let mut parts = month_days(days);
    parts.extend(
        weekday_spans(days.weekdays).into_iter().map(|span| if span.contains(" to ") { span } else { format!("a {span}") }),
    );
    or(&parts)
}

/// Returns the days of the month by number, the last day, and the n-th weekdays.
fn month_days(days: &DaySet) -> Vec<String> {
    let numbers = set(u64::from(days.days));
    let mut parts = match stepped(&numbers) {
        Some((first, last, step)) => {
            vec![format!("every {} day from the {} to the {}", ordinal(step), ordinal(first), ordinal(last))]
        }
        None => spans(&runs(&numbers), ordinal),
    };
    if let Some(first) = parts.first_mut().filter(|first| !first.starts_with("every")) {
        first.insert_str(0, "the ");
    }
    if days.last {
        parts.push("the last day of the month".to_owned());
    }
    parts.extend(
        set(u64::from(days.before_last))
            .into_iter()
            .map(|back| format!("the day {} before the last of the month", counted(u64::from(back), "day"))),
    );
    parts.extend(set(u64::from(days.nearest)).into_iter().map(|day| match day {
        0 => "the last weekday (Monday to Friday) of the month".to_owned(),
        day => format!("the weekday (Monday to Friday) nearest to the {}", ordinal(day)),
    }));
    for (nth, weekdays) in (1..).zip(days.nth) {
        parts.extend(single_weekdays(weekdays).map(|name| format!("the {} {name} of the month", ordinal(nth))));
    }
    parts.extend(single_weekdays(days.last_weekdays).map(|name| format!("the last {name} of the month")));
    parts
}

fn single_weekdays(weekdays: u8) -> impl Iterator<Item = &'static str> {
    (1..=7).map(|place| place % 7).filter(move |day| weekdays >> day & 1 == 1).filter_map(|day| WEEKDAYS.get(day).copied())
}

fn weekday_spans(weekdays: u8) -> Vec<String> {
    let name = |place: usize| WEEKDAYS.get(place % 7).copied().unwrap_or_default();
    let span = |(first, length): (usize, usize)| match length {
        1 => vec![name(first).to_owned()],
        2 => vec![name(first).to_owned(), name(first + 1).to_owned()],
        _ => vec![format!("{} to {}", name(first), name(first + length - 1))],
    };
    weekday_runs(weekdays).into_iter().flat_map(span).collect()
}

/// Returns the times of day, and whether they are a list of clock times.
fn times(rule: &Rule) -> (String, bool) {
    match Times::from_rule(rule) {
        Times::At(times) => (format!("at {}", and(&clock_times(&times))), true),
        Times::InHours { hour, minute, second } => (in_hours(&hour, minute, second), false),
        Times::Often { hour, minute, second } => (often(&hour, &minute, &second), false),
    }
}

fn in_hours(hour: &Shape, minute: u32, second: u32) -> String {
    let at_minute = match (minute, second) {
        (0, 0) => String::new(),
        (minute, 0) => format!(" at minute {minute}"),
        (minute, second) => format!(" at minute {minute}, second {second}"),
    };
    let clock = |hour: &u32| clock_time(*hour, minute, second);
    match hour {
        Shape::All => format!("every hour{at_minute}"),
        Shape::Every(step) => format!("every {step} hours{at_minute}"),
        Shape::Range(first, last) => format!("every hour from {} to {}", clock(first), clock(last)),
        Shape::Stepped(first, last, step) => format!("every {step} hours from {} to {}", clock(first), clock(last)),
        Shape::One(_) | Shape::List(_) => format!("every hour{at_minute}{}", within_hours(hour)),
    }
}

fn often(hour: &Shape, minute: &Shape, second: &Shape) -> String {
    let seconds = unit(second, "second");
    let minutes = match (seconds.is_some(), minute) {
        (true, Shape::All) if is_evenly_spaced(second) => None,
        (true, minute) => Some(within_minutes(minute)),
        (false, minute) => unit(minute, "minute").or_else(|| Some("at minute 0".to_owned())),
    };
    let parts: Vec<String> = [seconds, minutes].into_iter().flatten().collect();
    let fine = parts.join(" ");
    let hours = if *hour == Shape::All && fine.contains("minutes ") && !fine.contains("every") {
        " of every hour".to_owned()
    } else {
        within_hours(hour)
    };
    format!("{fine}{hours}")
}

/// Whether the values are evenly spaced over the whole next larger unit.
fn is_evenly_spaced(shape: &Shape) -> bool {
    matches!(shape, Shape::All | Shape::Every(_))
}

/// Formats `every 5 minutes`, `at minutes 5 and 6`; `None` for 0 alone.
fn unit(shape: &Shape, name: &str) -> Option<String> {
    Some(match shape {
        Shape::One(0) => return None,
        Shape::All => format!("every {name}"),
        Shape::One(value) => format!("at {name} {value}"),
        Shape::Every(step) => format!("every {step} {name}s"),
        Shape::Range(first, last) => format!("every {name} from {name} {first} to {last}"),
        Shape::Stepped(first, last, step) => format!("every {step} {name}s from {name} {first} to {last}"),
        Shape::List(values) => format!("at {name}s {}", and(&spans(&runs(values), |value| value.to_string()))),
    })
}

fn within_minutes(minute: &Shape) -> String {
    match minute {
        Shape::All => "of every minute".to_owned(),
        Shape::One(value) => format!("in minute {value}"),
        Shape::Every(step) => format!("in every {} minute", ordinal(*step)),
        Shape::Range(first, last) => format!("in minutes {first} to {last}"),
        Shape::Stepped(first, last, step) => format!("in every {} minute from {first} to {last}", ordinal(*step)),
        Shape::List(values) => format!("in minutes {}", and(&spans(&runs(values), |value| value.to_string()))),
    }
}

fn within_hours(hour: &Shape) -> String {
    match hour {
        Shape::All => String::new(),
        Shape::One(hour) => format!(" between {hour:02}:00 and {hour:02}:59"),
        Shape::Range(first, last) => format!(" between {first:02}:00 and {last:02}:59"),
        Shape::Every(step) => format!(" in every {} hour", ordinal(*step)),
        Shape::Stepped(first, last, step) => format!(" in every {} hour from {first:02}:00 to {last:02}:59", ordinal(*step)),
        Shape::List(hours) => format!(" in the hours {}", and(&spans(&runs(hours), |hour| format!("{hour:02}")))),
    }
}

fn spans(runs: &[(u32, u32)], name: impl Fn(u32) -> String) -> Vec<String> {
    let span = |(first, last): &(u32, u32)| match last - first {
        0 => vec![name(*first)],
        1 => vec![name(*first), name(*last)],
        _ => vec![format!("{} to {}", name(*first), name(*last))],
    };
    runs.iter().flat_map(span).collect()
}

fn ordinal(number: u32) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

fn counted(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

fn and(parts: &[String]) -> String {
    joined(parts, "and")
}

fn or(parts: &[String]) -> String {
    joined(parts, "or")
}

fn joined(parts: &[String], word: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

/// `every day at 08:00`; names of weekdays and months stay.
fn uncapitalized(text: &str) -> String {
    let starts = ["Every ", "On ", "Once ", "At "];
    match starts.into_iter().find(|start| text.starts_with(*start)) {
        Some(start) => start.to_lowercase() + &text[start.len()..],
        None => text.to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
