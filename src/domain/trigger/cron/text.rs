//! A rule in one line of no language, that reads back as the same rule.

use super::days::DaySet;
use super::field::{DAY, HOUR, MINUTE, MONTH, SECOND, WEEK, WEEKDAYS, YEAR};
use super::numbers::{Signs, list, long_list};
use super::rule::{Class, Rule};

/// The shortest expression that means the same; where none can say it, the fields.
pub(super) fn text(rule: &Rule) -> String {
    expression(rule).unwrap_or_else(|| by_fields(rule))
}

/// Weekdays by name, Monday first; a week's end in the middle is written across (`fri-mon`).
pub(crate) fn weekday_list(weekdays: u8) -> String {
    let parts: Vec<String> = weekday_runs(weekdays)
        .into_iter()
        .map(|(first, length)| {
            let name = |place: usize| WEEKDAYS[place % 7];
            match length {
                1 => name(first).to_owned(),
                2 => format!("{},{}", name(first), name(first + 1)),
                _ => format!("{}-{}", name(first), name(first + length - 1)),
            }
        })
        .collect();
    parts.join(",")
}

/// First weekday (0 = Sunday) and length of each run of weekdays, over the week's end, Monday first.
pub(crate) fn weekday_runs(weekdays: u8) -> Vec<(usize, usize)> {
    let has = |place: usize| weekdays >> (place % 7) & 1 == 1;
    let starts = (1..=7).filter(|place| has(*place) && !has(place + 6));
    starts.map(|first| (first % 7, (0..7).take_while(|length| has(first + length)).count())).collect()
}

fn expression(rule: &Rule) -> Option<String> {
    if rule.years.is_some() || rule.weeks.is_some() {
        return None;
    }
    let (day, weekday) = day_texts(rule)?;
    let month = list(u64::from(rule.months), &MONTH, Signs::Any)?;
    let [second, minute, hour] = time_texts(rule);
    let five = format!("{minute} {hour} {day} {month} {weekday}");
    Some(if second == "0" { five } else { format!("{second} {five}") })
}

/// Second, minute and hour; the first two with `*` or `/` where a clock change needs it, without where it must not be.
fn time_texts(rule: &Rule) -> [String; 3] {
    let hour = list(u64::from(rule.hours), &HOUR, Signs::Any).unwrap_or_default();
    let texts = |second: Signs, minute: Signs| Some((list(rule.seconds, &SECOND, second)?, list(rule.minutes, &MINUTE, minute)?));
    let signed = |texts: &(String, String)| texts.0.contains(['*', '/']) || texts.1.contains(['*', '/']);
    let best = match rule.class {
        Class::Plain => texts(Signs::NoStarNoStep, Signs::NoStarNoStep),
        Class::Hourly => texts(Signs::Any, Signs::Any),
        Class::Repeating => {
            let ways = [(Signs::Any, Signs::Any), (Signs::Any, Signs::StarOrStep), (Signs::StarOrStep, Signs::Any)];
            let ways = ways.into_iter().filter_map(|(second, minute)| texts(second, minute)).filter(signed);
            ways.min_by_key(|(second, minute)| second.len() + minute.len())
        }
    };
    let (second, minute) = best.unwrap_or_default();
    [second, minute, hour]
}

/// `day` and `day_of_week` of an expression, if one can say which days match.
fn day_texts(rule: &Rule) -> Option<(String, String)> {
    let star = || "*".to_owned();
    let (by_number, by_weekday) = (rule.days.by_number(), rule.days.by_weekday());
    match &rule.and_days {
        None if rule.days.is_every() => Some((star(), star())),
        None if by_weekday.is_empty() => Some((numbers(&by_number, Signs::Any)?, star())),
        None if by_number.is_empty() => Some((star(), weekdays(&by_weekday))),
        None => Some((numbers(&by_number, Signs::NoStar)?, weekdays(&by_weekday))),
        // Both must match only where one of the texts starts with `*`.
        Some(other) if by_weekday.is_empty() && other.by_number().is_empty() => match numbers(&by_number, Signs::StarFirst) {
            Some(day) => Some((day, weekdays(other))),
            None => Some((numbers(&by_number, Signs::NoStar)?, starred_weekdays(other)?)),
        },
        Some(_) => None,
    }
}

fn numbers(days: &DaySet, signs: Signs) -> Option<String> {
    let listed =
        if days.days == 0 { (signs != Signs::StarFirst).then(String::new)? } else { list(u64::from(days.days), &DAY, signs)? };
    Some(with_word(listed, days.last.then_some("L")))
}

fn weekdays(days: &DaySet) -> String {
    let mut parts = Vec::new();
    if days.weekdays != 0 {
        parts.push(weekday_list(days.weekdays));
    }
    parts.extend(nth_words(days, |name, nth| nth.map_or_else(|| format!("{name}L"), |nth| format!("{name}#{nth}"))));
    parts.join(",")
}

/// Weekdays as `*/n` and the rest: no name at the start, so that both day fields must match.
fn starred_weekdays(days: &DaySet) -> Option<String> {
    let covered = |step: usize| (0..7).step_by(step).fold(0_u8, |set, day| set | 1 << day);
    let step = (2..=6).find(|step| covered(*step) & !days.weekdays == 0)?;
    let rest = DaySet { weekdays: days.weekdays & !covered(step), ..*days };
    let rest = if rest.is_empty() { String::new() } else { format!(",{}", weekdays(&rest)) };
    Some(format!("*/{step}{rest}"))
}

/// The n-th and the last of weekdays, each in the words of `form` (1 to 5, or the last).
fn nth_words(days: &DaySet, form: impl Fn(&str, Option<usize>) -> String) -> Vec<String> {
    let weeks = days.nth.iter().enumerate().map(|(place, weekdays)| (Some(place + 1), *weekdays));
    let weeks = weeks.chain([(None, days.last_weekdays)]);
    weeks
        .flat_map(|(nth, weekdays)| {
            (1..=7).map(|place| place % 7).filter(move |day| weekdays >> day & 1 == 1).map(move |day| (nth, day))
        })
        .map(|(nth, day)| form(WEEKDAYS[day], nth))
        .collect()
}

fn with_word(mut list: String, word: Option<&str>) -> String {
    if let Some(word) = word {
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(word);
    }
    list
}

/// `day=13 day_of_week=fri hour=0`: the dates that are limited, and the time of day.
fn by_fields(rule: &Rule) -> String {
    let mut parts = Vec::new();
    let mut add = |name: &str, value: String| parts.push(format!("{name}={value}"));
    if let Some(years) = &rule.years {
        add("year", long_list(&years.iter().collect::<Vec<_>>(), &YEAR));
    }
    if !rule.every_month() {
        add("month", list(u64::from(rule.months), &MONTH, Signs::Any).unwrap_or_default());
    }
    let sets = [Some(&rule.days), rule.and_days.as_ref()];
    if let Some(days) = sets.into_iter().flatten().find(|days| !days.is_every() && days.weekdays == 0) {
        add("day", day_words(days));
    }
    if let Some(weeks) = rule.weeks {
        add("week", list(weeks, &WEEK, Signs::Any).unwrap_or_default());
    }
    if let Some(days) = sets.into_iter().flatten().find(|days| !days.is_every() && days.weekdays != 0) {
        add("day_of_week", weekday_list(days.weekdays));
    }
    let [second, minute, hour] = time_texts(rule);
    let (with_second, with_minute) = (second != "0", minute != "0");
    if hour != "*" || !(with_minute || with_second) {
        add("hour", hour);
    }
    if with_minute && minute != "*" || minute == "*" && !with_second || with_second && !with_minute {
        add("minute", minute);
    }
    if with_second {
        add("second", second);
    }
    parts.join(" ")
}

fn day_words(days: &DaySet) -> String {
    const ORDINALS: [&str; 6] = ["", "1st", "2nd", "3rd", "4th", "5th"];
    let listed = if days.days == 0 { String::new() } else { list(u64::from(days.days), &DAY, Signs::Any).unwrap_or_default() };
    let mut parts = vec![with_word(listed, days.last.then_some("last"))];
    parts.extend(nth_words(days, |name, nth| format!("{} {name}", nth.and_then(|nth| ORDINALS.get(nth)).unwrap_or(&"last"))));
    parts.retain(|part| !part.is_empty());
    parts.join(",")
}
