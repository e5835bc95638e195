//! Triggers: calendar and time triggers with their repetitions as triggers here.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Duration, NaiveDateTime, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::duration;
use super::rule::{Days, Repetition, Rule};
use super::xml::Element;
use crate::domain::trigger::{MONTH_NAMES, WEEKDAY_NAMES};
use crate::i18n::{Message, message};
use crate::migrate::{ImportContext, check_trigger, python};

const DAY: i64 = 86_400;

/// A trigger of Windows with the triggers that together mean the same.
pub(super) struct ReadTrigger {
    pub rule: Rule,
    pub triggers: Vec<Value>,
    pub is_enabled: bool,
}

/// Reads a trigger.
///
/// # Errors
/// Why it has no equivalent.
pub(super) fn read(element: &Element, context: ImportContext<'_>) -> Result<ReadTrigger, Message> {
    if !matches!(element.name.as_str(), "CalendarTrigger" | "TimeTrigger") {
        return Err(message!("schtasks.trigger", kind = &element.name));
    }
    let (start, zone) = boundary(element, "StartBoundary", context.zone)?.ok_or_else(|| message!("schtasks.no_start"))?;
    let end = match boundary(element, "EndBoundary", context.zone)? {
        Some((wall, zone)) => {
            let at = zone.from_local_datetime(&wall).earliest().map(|at| at.to_utc());
            if at.is_some_and(|at| at < context.now) {
                return Err(message!("schtasks.ended", at = wall.to_string()));
            }
            at
        }
        None => None,
    };
    let rule = Rule { start, zone, end, days: days(element)?, repetition: repetition(element)? };
    let triggers =
        Writer { rule: &rule, jitter: element.find(&["RandomDelay"]).and_then(duration::seconds).unwrap_or(0) }.write(context)?;
    for trigger in &triggers {
        check_trigger(trigger, zone)?;
    }
    Ok(ReadTrigger { rule, triggers, is_enabled: element.is_true(&["Enabled"], true) })
}

/// Reads a local time, with the zone of its offset if it has one.
fn boundary(element: &Element, name: &str, zone: Tz) -> Result<Option<(NaiveDateTime, Tz)>, Message> {
    let Some(text) = element.find(&[name]) else { return Ok(None) };
    let unreadable = || message!("schtasks.time", value = text).of(name);
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        let seconds = i64::from(at.offset().local_minus_utc());
        let zone = python::fixed(seconds).ok_or_else(unreadable)?;
        return Ok(Some((whole_seconds(at.naive_local()), zone)));
    }
    let wall = text.parse::<NaiveDateTime>().map_err(|_| unreadable())?;
    Ok(Some((whole_seconds(wall), zone)))
}

fn whole_seconds(wall: NaiveDateTime) -> NaiveDateTime {
    wall.with_nanosecond(0).unwrap_or(wall)
}

fn days(element: &Element) -> Result<Days, Message> {
    if element.name == "TimeTrigger" {
        return Ok(Days::Once);
    }
    let schedule = element.children.iter().find(|child| child.name.starts_with("ScheduleBy"));
    let schedule = schedule.ok_or_else(|| message!("schtasks.no_schedule"))?;
    let number = |name: &str| schedule.find(&[name]).and_then(|text| text.parse::<i64>().ok()).unwrap_or(1).clamp(1, 10_000);
    match schedule.name.as_str() {
        "ScheduleByDay" => Ok(Days::Daily(number("DaysInterval"))),
        "ScheduleByWeek" => Ok(Days::Weekly(number("WeeksInterval"), names(schedule, "DaysOfWeek", &WEEKDAY_NAMES, 0b111_1111))),
        "ScheduleByMonth" => {
            let days = numbers(schedule, "DaysOfMonth", 31, 32)?;
            Ok(Days::Monthly(days, names(schedule, "Months", &MONTH_NAMES, 0x1ffe)))
        }
        "ScheduleByMonthDayOfWeek" => Ok(Days::MonthlyWeekday {
            weeks: numbers(schedule, "Weeks", 4, 6)?,
            weekdays: names(schedule, "DaysOfWeek", &WEEKDAY_NAMES, 0b111_1111),
            months: names(schedule, "Months", &MONTH_NAMES, 0x1ffe),
        }),
        other => Err(message!("schtasks.trigger", kind = other)),
    }
}

/// Reads the elements that name days or months; all of them if the list is absent.
fn names(schedule: &Element, list: &str, names: &[&str], all: u64) -> u64 {
    let Some(list) = schedule.child(list).filter(|list| !list.children.is_empty()) else { return all };
    let bit = |child: &Element| names.iter().position(|name| *name == child.name).map_or(0, |place| 1 << place);
    list.children.iter().map(bit).fold(0, |set, bit| set | bit)
}

/// Reads the numbers of a list, with `last` for the text `Last`.
fn numbers(schedule: &Element, list: &str, max: u32, last: u32) -> Result<u64, Message> {
    let mut set = 0;
    for child in schedule.child(list).map(|list| list.children.as_slice()).unwrap_or_default() {
        let text = child.text.trim();
        let number =
            if text.eq_ignore_ascii_case("last") { Some(last) } else { text.parse().ok().filter(|day| (1..=max).contains(day)) };
        set |= 1 << number.ok_or_else(|| message!("schtasks.time", value = text).of(list))?;
    }
    if set == 0 { Err(message!("schtasks.no_schedule")) } else { Ok(set) }
}

fn repetition(element: &Element) -> Result<Option<Repetition>, Message> {
    let Some(text) = element.find(&["Repetition", "Interval"]) else { return Ok(None) };
    let unreadable = |text: &str| message!("schtasks.duration", value = text);
    let interval = duration::seconds(text).filter(|seconds| *seconds > 0).ok_or_else(|| unreadable(text))?;
    let length = element.find(&["Repetition", "Duration"]);
    let duration = length.map(|text| duration::seconds(text).ok_or_else(|| unreadable(text))).transpose()?;
    Ok(Some(Repetition { interval, duration: duration.filter(|seconds| *seconds > 0) }))
}

struct Writer<'r> {
    rule: &'r Rule,
    /// Seconds.
    jitter: i64,
}

impl Writer<'_> {
    fn write(&self, context: ImportContext<'_>) -> Result<Vec<Value>, Message> {
        let Rule { start, zone, repetition, .. } = self.rule;
        match (&self.rule.days, repetition) {
            (Days::Once, None) => {
                let is_past = self.rule.firings(context.now, 1).is_empty();
                if is_past {
                    return Err(message!("schtasks.passed", at = start.to_string()));
                }
                Ok(vec![json!({"type": "date", "run_date": start.to_string(), "timezone": zone.name()})])
            }
            (Days::Once, Some(repetition)) => {
                let end = repetition.duration.map(|duration| *start + Duration::seconds(duration - 1));
                if self.rule.firings(context.now, 1).is_empty() {
                    return Err(message!("schtasks.passed", at = end.unwrap_or(*start).to_string()));
                }
                Ok(vec![self.interval(repetition.interval, *start, end)])
            }
            (Days::Daily(1), repetition) => {
                self.crons(repetition.map(|one| Repetition { duration: one.duration.or(Some(DAY)), ..one }))
            }
            (Days::Daily(every), None) => Ok(vec![self.interval(every * DAY, *start, None)]),
            (Days::Weekly(every, weekdays), None) if *every > 1 => Ok(self.every_weeks(*every, *weekdays)),
            (Days::Daily(_) | Days::Weekly(2.., _), Some(_)) => Err(message!("schtasks.repetition")),
            (_, Some(Repetition { duration: None, .. })) => Err(message!("schtasks.repetition")),
            (_, repetition) => self.crons(*repetition),
        }
    }

    /// One interval for each weekday, from its first day in the week of the start on.
    fn every_weeks(&self, every: i64, weekdays: u64) -> Vec<Value> {
        let start = self.rule.start;
        let sunday = start - Duration::days(i64::from(start.weekday().num_days_from_sunday()));
        let days = (0..7).filter(|day| weekdays >> day & 1 == 1).map(|day| sunday + Duration::days(day));
        let first = |at: NaiveDateTime| if at < start { at + Duration::weeks(every) } else { at };
        days.map(|at| self.interval(every * 7 * DAY, first(at), None)).collect()
    }

    fn interval(&self, seconds: i64, start: NaiveDateTime, end: Option<NaiveDateTime>) -> Value {
        let mut map = Map::from_iter([("type".to_owned(), json!("interval")), ("seconds".to_owned(), json!(seconds))]);
        self.bounds(&mut map, start, end);
        Value::Object(map)
    }

    /// Cron rules, one for each set of hours with the same minutes.
    fn crons(&self, repetition: Option<Repetition>) -> Result<Vec<Value>, Message> {
        let (today, tomorrow) = times_of_day(self.rule.start.time(), repetition)?;
        let mut rules = vec![(self.days(0)?, today)];
        if !tomorrow.is_empty() {
            match self.rule.days {
                Days::Daily(_) => rules[0].1.extend(tomorrow),
                _ => rules.push((self.days(1)?, tomorrow)),
            }
        }
        let mut triggers = Vec::new();
        for (days, mut times) in rules {
            times.sort_unstable();
            times.dedup();
            for (minutes, hours) in by_minutes(&times) {
                let mut map = Map::from_iter([("type".to_owned(), json!("cron"))]);
                map.extend(days.clone());
                let second = self.rule.start.second();
                for (name, text) in [("hour", list(&hours)), ("minute", list(&minutes)), ("second", second.to_string())] {
                    map.insert(name.to_owned(), text.into());
                }
                self.bounds(&mut map, self.rule.start, None);
                triggers.push(Value::Object(map));
            }
        }
        Ok(triggers)
    }

    /// The fields of the days, moved by a number of days.
    fn days(&self, shift: u32) -> Result<Map<String, Value>, Message> {
        let mut map = Map::new();
        let mut put = |name: &str, text: String| drop(map.insert(name.to_owned(), text.into()));
        let weekday = |day: u32| WEEKDAY_NAMES[((day + shift) % 7) as usize][..3].to_ascii_lowercase();
        let bits = |set: u64| (0..40).filter(move |bit: &u32| set >> bit & 1 == 1);
        let months = |months: u64| if months == 0x1ffe { "*".to_owned() } else { list(&bits(months).collect::<Vec<_>>()) };
        match self.rule.days {
            Days::Once | Days::Daily(_) => {}
            Days::Weekly(_, weekdays) => put("day_of_week", bits(weekdays).map(weekday).collect::<Vec<_>>().join(",")),
            Days::Monthly(..) | Days::MonthlyWeekday { .. } if shift > 0 => return Err(message!("schtasks.repetition")),
            Days::Monthly(days, given) => {
                put("month", months(given));
                let day = |day: u32| if day == 32 { "last".to_owned() } else { day.to_string() };
                put("day", bits(days).map(day).collect::<Vec<_>>().join(","));
            }
            Days::MonthlyWeekday { weeks, weekdays, months: given } => {
                put("month", months(given));
                let which = |week: u32| ["", "1st", "2nd", "3rd", "4th", "5th", "last"][week as usize];
                let days =
                    bits(weeks).flat_map(|week| bits(weekdays).map(move |day| format!("{} {}", which(week), weekday(day))));
                put("day", days.collect::<Vec<_>>().join(","));
            }
        }
        Ok(map)
    }

    fn bounds(&self, map: &mut Map<String, Value>, start: NaiveDateTime, end: Option<NaiveDateTime>) {
        map.insert("start_date".to_owned(), start.to_string().into());
        let boundary = self.rule.end.map(|end| end.with_timezone(&self.rule.zone).naive_local());
        if let Some(end) = end.into_iter().chain(boundary).min() {
            map.insert("end_date".to_owned(), end.to_string().into());
        }
        map.insert("timezone".to_owned(), self.rule.zone.name().into());
        if self.jitter > 0 {
            map.insert("jitter".to_owned(), self.jitter.into());
        }
    }
}

/// Hour and minute.
type TimeOfDay = (u32, u32);

/// Returns the times of the day of the trigger, and those of the day after.
fn times_of_day(start: NaiveTime, repetition: Option<Repetition>) -> Result<(Vec<TimeOfDay>, Vec<TimeOfDay>), Message> {
    let first = i64::from(start.num_seconds_from_midnight());
    let Some(Repetition { interval, duration }) = repetition else {
        return Ok((vec![(start.hour(), start.minute())], Vec::new()));
    };
    let duration = duration.unwrap_or(DAY);
    let fits = interval % 60 == 0 && duration <= DAY && (duration < DAY || DAY % interval == 0);
    if !fits {
        return Err(message!("schtasks.repetition"));
    }
    let (mut today, mut tomorrow) = (Vec::new(), Vec::new());
    for at in (first..first + duration).step_by(usize::try_from(interval).unwrap_or(usize::MAX)) {
        let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::try_from(at % DAY).unwrap_or(0), 0).unwrap_or(start);
        let times = if at < DAY { &mut today } else { &mut tomorrow };
        times.push((time.hour(), time.minute()));
    }
    Ok((today, tomorrow))
}

/// Groups the hours that have the same minutes.
fn by_minutes(times: &[TimeOfDay]) -> BTreeMap<Vec<u32>, Vec<u32>> {
    let mut by_hour: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (hour, minute) in times {
        by_hour.entry(*hour).or_default().push(*minute);
    }
    let mut grouped: BTreeMap<Vec<u32>, Vec<u32>> = BTreeMap::new();
    for (hour, minutes) in by_hour {
        grouped.entry(minutes).or_default().push(hour);
    }
    grouped
}

fn list(numbers: &[u32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
