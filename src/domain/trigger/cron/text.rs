//! Language-independent text of cron rules. It parses back to the same rule.

use super::days::DaySet;
use super::field::{DAY, HOUR, MINUTE, MONTH, SECOND, WEEK, WEEKDAYS, YEAR};
use super::number_list::{ListSyntax, list, year_list};
use super::rule::{ClockChangeClass, Rule};

/// Returns the shortest equivalent expression; the fields if no expression can represent the rule.
pub(super) fn text(rule: &Rule) -> String {
    expression(rule).unwrap_or_else(|| fields_text(rule))
}

/// Formats weekdays by name, Monday first; a range may run over the end of the week (`fri-mon`).
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

/// Returns the first weekday (0 = Sunday) and the length of each run of weekdays, Monday first. A run may cross the end of the week.
pub(crate) fn weekday_runs(weekdays: u8) -> Vec<(usize, usize)> {
    let has = |place: usize| weekdays >> (place % 7) & 1 == 1;
    let starts = (1..=7).filter(|place| has(*place) && !has(place + 6));
    starts.map(|first| (first % 7, (0..7).take_while(|length| has(first + length)).count())).collect()
}

fn expression(rule: &Rule) -> Option<String> {
    let years = rule.years.as_ref().filter(|_| needs_expression(rule));
    if rule.years.is_some() && years.is_none() || rule.weeks.is_some() {
        return None;
    }
    let (day, weekday) = day_field_texts(rule)?;
    let month = list(u64::from(rule.months), &MONTH, ListSyntax::Any)?;
    let [second, minute, hour] = time_field_texts(rule);
    let five = format!("{minute} {hour} {day} {month} {weekday}");
    Some(match years {
        Some(years) => format!("{second} {five} {}", year_list(&years.iter().collect::<Vec<_>>(), &YEAR)),
        None if second == "0" => five,
        None => format!("{second} {five}"),
    })
}

/// Whether fields cannot represent the rule: they have neither `15W` and `L-3` nor steps larger than their range.
fn needs_expression(rule: &Rule) -> bool {
    rule.days.nearest | rule.days.before_last != 0 || is_single_repeating(rule)
}

/// Whether a repeating rule has a single minute and second, as in `*/60 5 * * *`.
fn is_single_repeating(rule: &Rule) -> bool {
    rule.class == ClockChangeClass::Repeating && rule.minutes.is_power_of_two() && rule.seconds.is_power_of_two()
}

/// Returns second, minute and hour. Second and minute contain `*` or `/` only if the rule is repeating or hourly, since these
/// signs change the behavior at clock changes.
fn time_field_texts(rule: &Rule) -> [String; 3] {
    let hour = list(u64::from(rule.hours), &HOUR, ListSyntax::Any).unwrap_or_default();
    let texts = |second: ListSyntax, minute: ListSyntax| {
        Some((list(rule.seconds, &SECOND, second)?, list(rule.minutes, &MINUTE, minute)?))
    };
    let has_star_or_step = |texts: &(String, String)| texts.0.contains(['*', '/']) || texts.1.contains(['*', '/']);
    let best = match rule.class {
        ClockChangeClass::Plain => texts(ListSyntax::NoStarNoStep, ListSyntax::NoStarNoStep),
        ClockChangeClass::Hourly => texts(ListSyntax::Any, ListSyntax::Any),
        ClockChangeClass::Repeating if is_single_repeating(rule) => {
            let start = if rule.minutes == 1 { "*".to_owned() } else { rule.minutes.trailing_zeros().to_string() };
            Some((rule.seconds.trailing_zeros().to_string(), format!("{start}/60")))
        }
        ClockChangeClass::Repeating => {
            let candidates = [
                (ListSyntax::Any, ListSyntax::Any),
                (ListSyntax::Any, ListSyntax::StarOrStep),
                (ListSyntax::StarOrStep, ListSyntax::Any),
            ];
            let candidates = candidates.into_iter().filter_map(|(second, minute)| texts(second, minute)).filter(has_star_or_step);
            candidates.min_by_key(|(second, minute)| second.len() + minute.len())
        }
    };
    let (second, minute) = best.unwrap_or_default();
    [second, minute, hour]
}

/// Returns `day` and `day_of_week` of an expression; `None` if no expression can represent the days.
fn day_field_texts(rule: &Rule) -> Option<(String, String)> {
    let star = || "*".to_owned();
    let (by_number, by_weekday) = (rule.days.by_number(), rule.days.by_weekday());
    match &rule.and_days {
        None if rule.days.is_every() => Some((star(), star())),
        None if by_weekday.is_empty() => Some((numbers(&by_number, ListSyntax::Any)?, star())),
        None if by_number.is_empty() => Some((star(), weekdays(&by_weekday))),
        None => Some((numbers(&by_number, ListSyntax::NoStar)?, weekdays(&by_weekday))),
        // Both fields must match only if one of them starts with `*`.
        Some(other) if by_weekday.is_empty() && other.by_number().is_empty() => {
            match numbers(&by_number, ListSyntax::StarFirst) {
                Some(day) => Some((day, weekdays(other))),
                None => Some((
                    numbers(&by_number, ListSyntax::NoStar)?,
                    starred_weekdays(other, if needs_expression(rule) { 7 } else { 6 })?,
                )),
            }
        }
        Some(_) => None,
    }
}

fn numbers(days: &DaySet, syntax: ListSyntax) -> Option<String> {
    let listed = if days.days == 0 {
        (syntax != ListSyntax::StarFirst).then(String::new)?
    } else {
        list(u64::from(days.days), &DAY, syntax)?
    };
    let mut parts: Vec<String> = Some(listed).filter(|listed| !listed.is_empty()).into_iter().collect();
    parts.extend(days.last.then(|| "L".to_owned()));
    let bits = |set: u32, form: fn(u32) -> String| (0..32).filter(move |bit| set >> bit & 1 == 1).map(form);
    parts.extend(bits(days.before_last, |back| format!("L-{back}")));
    parts.extend(bits(days.nearest, |day| if day == 0 { "LW".to_owned() } else { format!("{day}W") }));
    Some(parts.join(","))
}

fn weekdays(days: &DaySet) -> String {
    let mut parts = Vec::new();
    if days.weekdays != 0 {
        parts.push(weekday_list(days.weekdays));
    }
    parts.extend(nth_weekdays(days, |name, nth| nth.map_or_else(|| format!("{name}L"), |nth| format!("{name}#{nth}"))));
    parts.join(",")
}

/// Formats weekdays as `*/n`, n at most `max_step`, and the rest by name: `*` at the start makes both day fields required.
fn starred_weekdays(days: &DaySet, max_step: usize) -> Option<String> {
    let covered = |step: usize| (0..7).step_by(step).fold(0_u8, |set, day| set | 1 << day);
    let step = (2..=max_step).find(|step| covered(*step) & !days.weekdays == 0)?;
    let rest = DaySet { weekdays: days.weekdays & !covered(step), ..*days };
    let rest = if rest.is_empty() { String::new() } else { format!(",{}", weekdays(&rest)) };
    Some(format!("*/{step}{rest}"))
}

/// Formats the n-th (1 to 5) and the last weekdays with `form`.
fn nth_weekdays(days: &DaySet, form: impl Fn(&str, Option<usize>) -> String) -> Vec<String> {
    let weeks = days.nth.iter().enumerate().map(|(place, weekdays)| (Some(place + 1), *weekdays));
    let weeks = weeks.chain([(None, days.last_weekdays)]);
    weeks
        .flat_map(|(nth, weekdays)| {
            (1..=7).map(|place| place % 7).filter(move |day| weekdays >> day & 1 == 1).map(move |day| (nth, day))
        })
        .map(|(nth, day)| form(WEEKDAYS[day], nth))
        .collect()
}

fn append_element(mut list: String, element: Option<&str>) -> String {
    if let Some(element) = element {
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(element);
    }
    list
}

/// Formats the rule as `day=13 day_of_week=fri hour=0`: the restricted date fields, and the time of day.
fn fields_text(rule: &Rule) -> String {
    let mut parts = Vec::new();
    let mut add = |name: &str, value: String| parts.push(format!("{name}={value}"));
    if let Some(years) = &rule.years {
        add("year", year_list(&years.iter().collect::<Vec<_>>(), &YEAR));
    }
    if !rule.every_month() {
        add("month", list(u64::from(rule.months), &MONTH, ListSyntax::Any).unwrap_or_default());
    }
    let sets = [Some(&rule.days), rule.and_days.as_ref()];
    if let Some(days) = sets.into_iter().flatten().find(|days| !days.is_every() && days.weekdays == 0) {
        add("day", day_field_text(days));
    }
    if let Some(weeks) = rule.weeks {
        add("week", list(weeks, &WEEK, ListSyntax::Any).unwrap_or_default());
    }
    if let Some(days) = sets.into_iter().flatten().find(|days| !days.is_every() && days.weekdays != 0) {
        add("day_of_week", weekday_list(days.weekdays));
    }
    let [second, minute, hour] = time_field_texts(rule);
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

fn day_field_text(days: &DaySet) -> String {
    const ORDINALS: [&str; 6] = ["", "1st", "2nd", "3rd", "4th", "5th"];
    let listed =
        if days.days == 0 { String::new() } else { list(u64::from(days.days), &DAY, ListSyntax::Any).unwrap_or_default() };
    let mut parts = vec![append_element(listed, days.last.then_some("last"))];
    parts.extend(nth_weekdays(days, |name, nth| format!("{} {name}", nth.and_then(|nth| ORDINALS.get(nth)).unwrap_or(&"last"))));
    parts.retain(|part| !part.is_empty());
    parts.join(",")
}
