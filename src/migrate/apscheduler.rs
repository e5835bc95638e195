//! APScheduler 3.x jobs, read from the pickled job states of its SQLAlchemy job store. Triggers are converted to Belfry's, with
//! weekday numbers translated; the next firings by APScheduler's own rules are computed for comparison.

mod convert;
mod firing;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::pickle::{self, Data};
use super::python::{self, Arguments, Zone};
use crate::domain::trigger::MAX_CONDITIONS;
use crate::i18n::{Message, message};

/// A job of the job store.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: String,
    pub name: String,
    /// `module:function`.
    pub function: String,
    pub args: Vec<Value>,
    pub kwargs: Map<String, Value>,
    pub trigger: Trigger,
    /// `None`: no limit.
    pub misfire_grace_seconds: Option<i64>,
    pub coalesce: bool,
    pub max_instances: i64,
    /// `None`: the job is paused.
    pub next_run: Option<DateTime<Utc>>,
    /// What is not migrated or changes, as messages to the user.
    pub notes: Vec<Message>,
}

/// A trigger of APScheduler.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    Date(DateTime<Utc>, Tz),
    Interval(Interval),
    Cron(Cron),
    Calendar(Calendar),
    /// An `OrTrigger`: fires whenever any of its triggers fires.
    Or(Vec<Trigger>),
    /// An `AndTrigger`: fires when all of its triggers fire at one time.
    And(Vec<Trigger>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    pub micros: i64,
    pub start: Option<DateTime<Utc>>,
    pub end: Option<DateTime<Utc>>,
    /// Seconds.
    pub jitter: i64,
    pub zone: Tz,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cron {
    pub fields: Vec<Field>,
    pub start: Option<DateTime<Utc>>,
    pub end: Option<DateTime<Utc>>,
    /// Seconds.
    pub jitter: i64,
    pub zone: Tz,
}

/// A field of a cron trigger, in APScheduler's order: year, month, day, week, day_of_week, hour, minute, second.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: &'static str,
    pub expressions: Vec<Expression>,
}

/// An expression of a field. Numbers are APScheduler's: weekdays count from Monday = 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expression {
    All {
        step: Option<i64>,
    },
    Range {
        first: i64,
        last: Option<i64>,
        step: Option<i64>,
    },
    /// The 1st to 5th (`which` 0 to 4) or the last (5) occurrence of a weekday in the month.
    Position {
        which: i64,
        weekday: i64,
    },
    LastDay,
}

/// A `CalendarIntervalTrigger`: every given number of years, months, weeks and days, at one time of day.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// Years, months, weeks, days.
    pub every: [i64; 4],
    /// Hour, minute, second.
    pub time: [i64; 3],
    pub start: NaiveDate,
    pub end: Option<NaiveDate>,
    pub jitter: i64,
    pub zone: Tz,
}

/// Past firings of a calendar trigger that are passed over to find the next ones.
const MAX_PAST_FIRINGS: usize = 100_000;
/// The fields of a cron trigger.
pub(super) const FIELDS: [&str; 8] = ["year", "month", "day", "week", "day_of_week", "hour", "minute", "second"];

impl Job {
    /// Reads a pickled job. `local` replaces time zones that refer to the local zone of the old machine.
    ///
    /// # Errors
    /// Why the job cannot be migrated: the invalid part, or the name of what has no equivalent.
    pub fn read(bytes: &[u8], local: Tz) -> Result<Job, Message> {
        let state = pickle::read(bytes).map_err(|problem| message!("apscheduler.unreadable", problem))?;
        if !matches!(state, Data::Dict(_)) {
            return Err(missing("state"));
        }
        let reader = Reader { local };
        let mut notes = Vec::new();
        if let Some(executor) = state.get("executor").text().filter(|name| *name != "default") {
            notes.push(message!("apscheduler.executor", executor));
        }
        let (args, kwargs) = arguments(&state, &mut notes)?;
        Ok(Job {
            id: state.get("id").text().ok_or_else(|| missing("id"))?.to_owned(),
            name: state.get("name").text().unwrap_or_default().to_owned(),
            function: state.get("func").text().ok_or_else(|| message!("apscheduler.no_function"))?.to_owned(),
            args,
            kwargs,
            trigger: reader.trigger(state.get("trigger"))?,
            misfire_grace_seconds: state.get("misfire_grace_time").int(),
            coalesce: matches!(state.get("coalesce"), Data::Bool(true)),
            max_instances: state.get("max_instances").int().unwrap_or(1),
            next_run: reader.instant(&state, "next_run_time")?,
            notes,
        })
    }

    /// Returns the job's next firings by APScheduler's rules at or after `now`, without jitter: from the stored next run on, if that is
    /// exact.
    pub fn firings(&self, now: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        let stored = self.next_run.filter(|_| self.trigger.jitter() == 0);
        let first = match (&self.trigger, stored) {
            (_, Some(at)) if at >= now => Some(at),
            (Trigger::Interval(interval), Some(at)) => {
                firing::next(&Trigger::Interval(Interval { start: Some(at), ..interval.clone() }), None, now)
            }
            (Trigger::Date(at, _), _) => Some(*at),
            _ => firing::next(&self.trigger, None, now),
        };
        let times = std::iter::successors(first, |at| firing::next(&self.trigger, Some(*at), *at));
        times.take(MAX_PAST_FIRINGS).skip_while(|at| *at < now).take(count).collect()
    }

    /// The stored next run, if it is past: the scheduler has not run since.
    pub fn overdue(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.next_run.filter(|at| *at < now)
    }
}

/// Reads positional and named arguments.
fn arguments(state: &Data, notes: &mut Vec<Message>) -> Result<(Vec<Value>, Map<String, Value>), Message> {
    let mut reader = Arguments::default();
    let args = state.get("args").items().iter().enumerate();
    let args = args.map(|(place, data)| reader.convert(&format!("args[{place}]"), data)).collect::<Result<_, _>>()?;
    let mut kwargs = Map::new();
    if let Data::Dict(items) = state.get("kwargs") {
        for (name, data) in items {
            let name = name.text().unwrap_or_default();
            kwargs.insert(name.to_owned(), reader.convert(name, data)?);
        }
    }
    notes.append(&mut reader.changes);
    Ok((args, kwargs))
}

fn missing(field: &str) -> Message {
    message!("apscheduler.missing", field)
}

impl Trigger {
    /// The maximum jitter, in seconds.
    fn jitter(&self) -> i64 {
        match self {
            Trigger::Date(..) => 0,
            Trigger::Interval(interval) => interval.jitter,
            Trigger::Cron(cron) => cron.jitter,
            Trigger::Calendar(calendar) => calendar.jitter,
            Trigger::Or(inner) | Trigger::And(inner) => inner.iter().map(Trigger::jitter).max().unwrap_or(0),
        }
    }
}

impl Trigger {
    /// Changes the jitter, in seconds, of a trigger that has one of its own.
    fn set_jitter(&mut self, change: impl Fn(i64) -> i64) {
        match self {
            Trigger::Interval(Interval { jitter, .. })
            | Trigger::Cron(Cron { jitter, .. })
            | Trigger::Calendar(Calendar { jitter, .. }) => {
                *jitter = change(*jitter);
            }
            Trigger::Date(..) | Trigger::Or(_) | Trigger::And(_) => {}
        }
    }
}

struct Reader {
    local: Tz,
}

impl Reader {
    fn trigger(&self, data: &Data) -> Result<Trigger, Message> {
        match data {
            Data::Object { class, state, .. } => self.by_class(class, state),
            _ => Err(missing("trigger")),
        }
    }

    /// Reads a trigger by class name, either `module.Class` (pickle) or `module:Class` (combining trigger).
    fn by_class(&self, class: &str, state: &Data) -> Result<Trigger, Message> {
        let class = class.replace(':', ".");
        // APScheduler 3.0 stored the state inside a tuple.
        let state = if let [_, inner] = state.items() { inner } else { state };
        match class.as_str() {
            "apscheduler.triggers.date.DateTrigger" => {
                let at = self.instant(state, "run_date")?.ok_or_else(|| missing("run_date"))?;
                let zone = if let Data::Object { args, .. } = state.get("run_date") { args.get(1) } else { None };
                Ok(Trigger::Date(at, zone.map_or(Ok(self.local), |zone| self.shown_zone(zone))?))
            }
            "apscheduler.triggers.interval.IntervalTrigger" => Ok(Trigger::Interval(Interval {
                micros: python::duration(state.get("interval")).ok_or_else(|| missing("interval"))?,
                start: self.instant(state, "start_date")?,
                end: self.instant(state, "end_date")?,
                jitter: jitter(state),
                zone: self.shown_zone(state.get("timezone"))?,
            })),
            "apscheduler.triggers.cron.CronTrigger" => Ok(Trigger::Cron(Cron {
                fields: fields(state.get("fields"))?,
                start: self.instant(state, "start_date")?,
                end: self.instant(state, "end_date")?,
                jitter: jitter(state),
                zone: self.tz(state.get("timezone"))?,
            })),
            "apscheduler.triggers.calendarinterval.CalendarIntervalTrigger" => self.calendar(state),
            "apscheduler.triggers.combining.OrTrigger" => require_cron_triggers(self.all_inner(state)?, jitter(state)),
            "apscheduler.triggers.combining.AndTrigger" => all_of(self.all_inner(state)?, jitter(state)),
            other => Err(message!("apscheduler.unknown_trigger", class = other)),
        }
    }

    fn all_inner(&self, state: &Data) -> Result<Vec<Trigger>, Message> {
        state.get("triggers").items().iter().map(|one| self.inner(one)).collect()
    }

    /// Reads a trigger inside a combining trigger: its class and its state.
    fn inner(&self, data: &Data) -> Result<Trigger, Message> {
        match data.items() {
            [class, state] => self.by_class(class.text().ok_or_else(|| missing("trigger"))?, state),
            _ => self.trigger(data),
        }
    }

    fn calendar(&self, state: &Data) -> Result<Trigger, Message> {
        let numbers = |name: &str| state.get(name).items().iter().map(Data::int).collect::<Option<Vec<_>>>();
        let every = numbers("interval").and_then(|list| list.try_into().ok()).ok_or_else(|| missing("interval"))?;
        let time = numbers("time").and_then(|list| list.try_into().ok()).ok_or_else(|| missing("time"))?;
        Ok(Trigger::Calendar(Calendar {
            every,
            time,
            start: python::date(state.get("start_date")).ok_or_else(|| missing("start_date"))?,
            end: python::date(state.get("end_date")),
            jitter: jitter(state),
            zone: self.tz(state.get("timezone"))?,
        }))
    }

    fn instant(&self, state: &Data, name: &str) -> Result<Option<DateTime<Utc>>, Message> {
        match state.get(name) {
            Data::None => Ok(None),
            data => python::instant(data, self.local).map(Some).map_err(|problem| problem.of(name)),
        }
    }

    /// The zone by whose clock a rule fires.
    fn tz(&self, data: &Data) -> Result<Tz, Message> {
        match python::zone(data)? {
            Zone::Named(zone) => Ok(zone),
            Zone::Local => Ok(self.local),
            Zone::Offset(seconds) => python::fixed(seconds).ok_or_else(|| message!("apscheduler.offset", seconds)),
        }
    }

    /// The zone in which instants are written; UTC for an offset without a zone, which changes no instant.
    fn shown_zone(&self, data: &Data) -> Result<Tz, Message> {
        match python::zone(data)? {
            Zone::Offset(seconds) => Ok(python::fixed(seconds).unwrap_or(Tz::UTC)),
            _ => self.tz(data),
        }
    }
}

/// Returns an `And` trigger; one of a single trigger is that trigger. The jitter of all is that of the first.
fn all_of(inner: Vec<Trigger>, jitter: i64) -> Result<Trigger, Message> {
    let mut flat = Vec::new();
    for trigger in inner {
        match trigger {
            Trigger::And(more) => flat.extend(more),
            one => flat.push(one),
        }
    }
    let max = MAX_CONDITIONS + 1;
    if flat.len() > max || flat.iter().any(|one| matches!(one, Trigger::Or(_))) {
        return Err(message!("apscheduler.and_trigger", max, triggers = convert::texts(&flat)));
    }
    for (place, trigger) in flat.iter_mut().enumerate() {
        trigger.set_jitter(|own| if place == 0 { own.max(jitter) } else { 0 });
    }
    if flat.len() == 1 { Ok(flat.remove(0)) } else { Ok(Trigger::And(flat)) }
}

/// Returns an `Or` trigger of cron triggers only. Inside an OrTrigger, APScheduler counts an interval from the last firing of any of
/// the triggers and drops a date that does not come first, which separate tasks cannot reproduce.
fn require_cron_triggers(mut inner: Vec<Trigger>, jitter: i64) -> Result<Trigger, Message> {
    let is_cron = |trigger: &Trigger| matches!(trigger, Trigger::Cron(_));
    let is_supported = |trigger: &Trigger| match trigger {
        Trigger::And(all) => all.iter().all(is_cron),
        one => is_cron(one) || matches!(one, Trigger::Or(_)),
    };
    if !inner.iter().all(is_supported) {
        return Err(message!("apscheduler.or_trigger", triggers = convert::texts(&inner)));
    }
    for trigger in &mut inner {
        match trigger {
            Trigger::And(all) => all.iter_mut().take(1).for_each(|first| first.set_jitter(|own| own.max(jitter))),
            one => one.set_jitter(|own| own.max(jitter)),
        }
    }
    Ok(Trigger::Or(inner))
}

/// Returns the jitter in whole seconds, rounded up.
fn jitter(state: &Data) -> i64 {
    match state.get("jitter") {
        Data::Float(seconds) => seconds.ceil() as i64,
        other => other.int().unwrap_or(0),
    }
}

fn fields(data: &Data) -> Result<Vec<Field>, Message> {
    let read: Vec<Field> = data.items().iter().map(field).collect::<Result<_, _>>()?;
    let names: Vec<&str> = read.iter().map(|field| field.name).collect();
    if names == FIELDS { Ok(read) } else { Err(missing("fields")) }
}

fn field(data: &Data) -> Result<Field, Message> {
    let Data::Object { class, state, .. } = data else { return Err(missing("fields")) };
    if !class.starts_with("apscheduler.triggers.cron.fields.") {
        return Err(message!("apscheduler.unknown_class", class));
    }
    // The state of a class with slots is a pair; the slots come second.
    let state = if let [_, slots] = state.items() { slots } else { state };
    let given = state.get("name").text().unwrap_or_default();
    let name = FIELDS.into_iter().find(|name| *name == given).ok_or_else(|| missing("fields"))?;
    let expressions: Vec<Expression> = state.get("expressions").items().iter().map(expression).collect::<Result<_, _>>()?;
    if expressions.is_empty() { Err(missing(name)) } else { Ok(Field { name, expressions }) }
}

fn expression(data: &Data) -> Result<Expression, Message> {
    let Data::Object { class, state, .. } = data else { return Err(missing("expressions")) };
    let number = |name: &str| state.get(name).int();
    let needed = |name: &str| number(name).ok_or_else(|| missing(name));
    match class.strip_prefix("apscheduler.triggers.cron.expressions.").unwrap_or_default() {
        "AllExpression" => Ok(Expression::All { step: number("step") }),
        "RangeExpression" | "MonthRangeExpression" | "WeekdayRangeExpression" => {
            // A single name has no end; it stands for itself alone.
            let alone = !class.ends_with(".RangeExpression");
            let (first, last) = (needed("first")?, number("last"));
            let last = last.or_else(|| (alone && number("step").is_none()).then_some(first));
            Ok(Expression::Range { first, last, step: number("step") })
        }
        "WeekdayPositionExpression" => Ok(Expression::Position { which: needed("option_num")?, weekday: needed("weekday")? }),
        "LastDayOfMonthExpression" => Ok(Expression::LastDay),
        _ => Err(message!("apscheduler.unknown_class", class)),
    }
}
