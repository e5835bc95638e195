//! Conversion of APScheduler triggers to Belfry trigger JSON. A trigger without an equivalent is refused with the reason.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::{Calendar, Cron, Expression, Field, Interval, Job, Trigger};
use crate::i18n::{Message, message};

/// Names in APScheduler's order.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const POSITIONS: [&str; 6] = ["1st", "2nd", "3rd", "4th", "5th", "last"];

impl Job {
    /// Converts the job's trigger: several triggers for an OrTrigger, otherwise one.
    ///
    /// # Errors
    /// Why the trigger has no equivalent.
    pub fn triggers(&self) -> Result<Vec<Value>, Message> {
        let mut all = Vec::new();
        flatten(&self.trigger, &mut all);
        all.into_iter()
            .map(|trigger| convert(trigger, self.next_run.filter(|_| !matches!(self.trigger, Trigger::Or(_)))))
            .collect()
    }
}

fn flatten<'t>(trigger: &'t Trigger, all: &mut Vec<&'t Trigger>) {
    match trigger {
        Trigger::Or(inner) => inner.iter().for_each(|one| flatten(one, all)),
        one => all.push(one),
    }
}

fn convert(trigger: &Trigger, next: Option<DateTime<Utc>>) -> Result<Value, Message> {
    match trigger {
        Trigger::Date(at, zone) => Ok(json!({"type": "date", "run_date": text(*at, *zone), "timezone": zone.name()})),
        Trigger::Interval(interval) => convert_interval(interval, next),
        Trigger::Cron(cron) => convert_cron(cron),
        Trigger::Calendar(calendar) => convert_calendar(calendar),
        Trigger::And(inner) => convert_all(inner, next),
        Trigger::Or(inner) => Err(message!("apscheduler.or_trigger", triggers = texts(inner))),
    }
}

/// The first trigger with the others as conditions.
fn convert_all(inner: &[Trigger], next: Option<DateTime<Utc>>) -> Result<Value, Message> {
    let mut converted = inner.iter().map(|one| convert(one, next));
    let mut first = converted.next().unwrap_or_else(|| Err(super::missing("triggers")))?;
    first["and"] = converted.collect::<Result<Vec<Value>, Message>>()?.into();
    Ok(first)
}

/// Returns the triggers as JSON texts, as far as each has an equivalent.
pub(super) fn texts(triggers: &[Trigger]) -> String {
    let mut all = Vec::new();
    triggers.iter().for_each(|trigger| flatten(trigger, &mut all));
    all.into_iter()
        .filter_map(|trigger| convert(trigger, None).ok())
        .map(|trigger| trigger.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn text(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::AutoSi, false).replace('T', " ")
}

fn bounds(map: &mut Map<String, Value>, start: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>, zone: Tz, jitter: i64) {
    let to_millis = |at: DateTime<Utc>| DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at);
    for (name, at) in [("start_date", start), ("end_date", end)] {
        map.extend(at.map(|at| (name.to_owned(), text(to_millis(at), zone).into())));
    }
    map.insert("timezone".to_owned(), zone.name().into());
    if jitter > 0 {
        map.insert("jitter".to_owned(), jitter.into());
    }
}

/// Converts an interval. Its grid starts at the stored next run if that is exact, because APScheduler counts from the previous run.
fn convert_interval(interval: &Interval, next: Option<DateTime<Utc>>) -> Result<Value, Message> {
    if interval.micros < 1_000_000 || interval.micros % 1_000_000 != 0 {
        return Err(message!("apscheduler.fractional_interval", seconds = interval.micros as f64 / 1e6));
    }
    let mut remaining = interval.micros / 1_000_000;
    let mut map = Map::from_iter([("type".to_owned(), json!("interval"))]);
    for (name, seconds) in [("weeks", 604_800), ("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1)] {
        if remaining >= seconds {
            map.insert(name.to_owned(), (remaining / seconds).into());
            remaining %= seconds;
        }
    }
    let start = next.filter(|_| interval.jitter == 0).or(interval.start);
    bounds(&mut map, start, interval.end, interval.zone, interval.jitter);
    Ok(Value::Object(map))
}

fn convert_cron(cron: &Cron) -> Result<Value, Message> {
    let mut texts: Vec<(&str, String)> =
        cron.fields.iter().map(|field| Ok((field.name, field_text(field)?))).collect::<Result<_, Message>>()?;
    // An absent field after the last given one is at its minimum, one before it matches every value.
    while texts.len() > 1
        && texts.last().is_some_and(|(name, text)| matches!(*name, "minute" | "second") && text == "0")
        && texts[texts.len() - 2].1 != "*"
    {
        texts.pop();
    }
    let last = texts.len() - 1;
    let mut map = Map::from_iter([("type".to_owned(), json!("cron"))]);
    for (place, (name, text)) in texts.into_iter().enumerate() {
        if text != "*" || place == last {
            let value = text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from);
            map.insert(name.to_owned(), value);
        }
    }
    bounds(&mut map, cron.start, cron.end, cron.zone, cron.jitter);
    Ok(Value::Object(map))
}

fn field_text(field: &Field) -> Result<String, Message> {
    if field.name == "day_of_week" {
        return weekday_names(field);
    }
    let texts: Vec<String> = field.expressions.iter().map(expression_text).collect::<Result<_, _>>()?;
    Ok(if texts.iter().any(|text| text == "*") { "*".to_owned() } else { texts.join(",") })
}

fn expression_text(expression: &Expression) -> Result<String, Message> {
    let stepped = |text: String, step: Option<i64>| match step {
        None => text,
        Some(step) => format!("{text}/{step}"),
    };
    Ok(match *expression {
        Expression::All { step } => stepped("*".to_owned(), step.filter(|step| *step > 1)),
        Expression::Range { first, last: Some(last), step: None } if first == last => first.to_string(),
        Expression::Range { first, last: Some(last), step } => stepped(format!("{first}-{last}"), step),
        Expression::Range { first, last: None, step } => format!("{first}/{}", step.unwrap_or(1)),
        Expression::Position { which, weekday } => {
            let word =
                |names: &[&str], number: i64| usize::try_from(number).ok().and_then(|n| names.get(n)).copied().map(str::to_owned);
            match (word(&POSITIONS, which), word(&WEEKDAYS, weekday)) {
                (Some(which), Some(weekday)) => format!("{which} {weekday}"),
                _ => return Err(super::missing("day")),
            }
        }
        Expression::LastDay => "last".to_owned(),
    })
}

/// Returns the weekdays by name; three or more in a row become a range.
fn weekday_names(field: &Field) -> Result<String, Message> {
    let mut fires = [false; 7];
    for expression in &field.expressions {
        let (first, last, step) = match *expression {
            Expression::All { step } => (0, 6, step),
            Expression::Range { first, last, step } => (first, last.unwrap_or(6).min(6), step),
            _ => return Err(super::missing("day_of_week")),
        };
        for day in (first.max(0)..=last).step_by(usize::try_from(step.unwrap_or(1).max(1)).unwrap_or(1)) {
            fires[usize::try_from(day).unwrap_or_default()] = true;
        }
    }
    if fires == [true; 7] {
        return Ok("*".to_owned());
    }
    let mut parts = Vec::new();
    let mut day = 0;
    while day < 7 {
        let run = fires[day..].iter().take_while(|fires| **fires).count();
        match run {
            0 => {}
            1 | 2 => parts.extend((day..day + run).map(|day| WEEKDAYS[day].to_owned())),
            _ => parts.push(format!("{}-{}", WEEKDAYS[day], WEEKDAYS[day + run - 1])),
        }
        day += run.max(1);
    }
    if parts.is_empty() { Err(super::missing("day_of_week")) } else { Ok(parts.join(",")) }
}

/// Converts a calendar interval of one year, month, week or day to a cron rule. Others count from their start date, which no cron
/// rule can express.
fn convert_calendar(calendar: &Calendar) -> Result<Value, Message> {
    let start = calendar.start;
    let [hour, minute, second] = calendar.time;
    let mut map = Map::from_iter([("type".to_owned(), json!("cron"))]);
    match calendar.every {
        [0, 0, 0, 1] => {}
        [0, 0, 1, 0] | [0, 0, 0, 7] => {
            let weekday = WEEKDAYS[start.weekday().num_days_from_monday() as usize];
            map.insert("day_of_week".to_owned(), weekday.into());
        }
        [0, 1, 0, 0] => drop(map.insert("day".to_owned(), start.day().into())),
        [1, 0, 0, 0] => {
            map.insert("month".to_owned(), start.month().into());
            map.insert("day".to_owned(), start.day().into());
        }
        [years, months, weeks, days] => {
            return Err(message!("apscheduler.calendar_interval", years, months, weeks, days));
        }
    }
    map.extend([("hour", hour), ("minute", minute), ("second", second)].map(|(name, value)| (name.to_owned(), value.into())));
    map.insert("start_date".to_owned(), start.to_string().into());
    map.extend(calendar.end.map(|end| ("end_date".to_owned(), format!("{end} 23:59:59").into())));
    bounds(&mut map, None, None, calendar.zone, calendar.jitter);
    Ok(Value::Object(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(given: &[(&'static str, Expression)]) -> Cron {
        let fields = super::super::FIELDS.map(|name| {
            let expressions: Vec<_> = given.iter().filter(|(of, _)| *of == name).map(|(_, e)| *e).collect();
            let zero = Expression::Range { first: 0, last: Some(0), step: None };
            let left_out = if matches!(name, "minute" | "second") { zero } else { Expression::All { step: None } };
            Field { name, expressions: if expressions.is_empty() { vec![left_out] } else { expressions } }
        });
        Cron { fields: fields.into(), start: None, end: None, jitter: 0, zone: Tz::UTC }
    }

    #[test]
    fn weekday_numbers_become_names() {
        let range = |first, last, step| ("day_of_week", Expression::Range { first, last: Some(last), step });
        let hour = ("hour", Expression::Range { first: 8, last: Some(8), step: None });
        for (expressions, expected) in [
            (vec![range(0, 4, None), hour], "mon-fri"),
            (vec![range(6, 6, None), hour], "sun"),
            (vec![range(0, 0, None), range(6, 6, None), hour], "mon,sun"),
            (vec![("day_of_week", Expression::All { step: Some(2) }), hour], "mon,wed,fri,sun"),
        ] {
            let trigger = convert_cron(&cron(&expressions)).unwrap();
            assert_eq!(trigger, json!({"type": "cron", "day_of_week": expected, "hour": 8, "timezone": "UTC"}));
        }
    }

    #[test]
    fn default_fields_are_left_out() {
        let second =
            convert_cron(&cron(&[("second", Expression::All { step: None }), ("minute", Expression::All { step: None })]))
                .unwrap();
        assert_eq!(second, json!({"type": "cron", "second": "*", "timezone": "UTC"}));
        let minutes = convert_cron(&cron(&[("minute", Expression::All { step: Some(5) })])).unwrap();
        assert_eq!(minutes, json!({"type": "cron", "minute": "*/5", "timezone": "UTC"}));
        let hourly = convert_cron(&cron(&[])).unwrap();
        assert_eq!(hourly, json!({"type": "cron", "minute": 0, "timezone": "UTC"}));
    }

    #[test]
    fn intervals_with_fractional_seconds_are_refused() {
        let interval = |micros| Interval { micros, start: None, end: None, jitter: 0, zone: Tz::UTC };
        assert!(convert_interval(&interval(1_500_000), None).unwrap_err().to_string().contains("1.5 s"));
        let read = convert_interval(&interval(694_861_000_000), None).unwrap();
        assert_eq!(
            read,
            json!({"type": "interval", "weeks": 1, "days": 1, "hours": 1, "minutes": 1, "seconds": 1, "timezone": "UTC"})
        );
    }
}
