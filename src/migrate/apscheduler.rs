//! APScheduler 3.x jobs, read from the pickled job states of its SQLAlchemy job store. Triggers are converted to Belfry's, with
//! weekday numbers translated; the next firings by APScheduler's own rules are computed for comparison.

mod convert;
mod firing;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::pickle::{self, Data};
use super::python::{self, Zone};

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
    /// What is not migrated, as messages to the user.
    pub notes: Vec<String>,
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

/// The fields of a cron trigger.
pub(super) const FIELDS: [&str; 8] = ["year", "month", "day", "week", "day_of_week", "hour", "minute", "second"];

impl Job {
    /// Reads a pickled job. `local` replaces time zones that refer to the local zone of the old machine.
    ///
    /// # Errors
    /// Why the job cannot be migrated: the invalid part, or the name of what has no equivalent.
    pub fn read(bytes: &[u8], local: Tz) -> Result<Job, String> {
        let state = pickle::read(bytes).map_err(|what| format!("cannot read the job's state: {what}"))?;
        if !matches!(state, Data::Dict(_)) {
            return Err("the job's state is not a dict".to_owned());
        }
        let text = |name: &str| state.get(name).text().map(str::to_owned).ok_or_else(|| format!("{name} is missing"));
        let reader = Reader { local };
        let next_run = match state.get("next_run_time") {
            Data::None => None,
            given => Some(python::instant(given, local).map_err(|what| format!("next_run_time: {what}"))?),
        };
        let mut notes = Vec::new();
        if let Some(executor) = state.get("executor").text().filter(|name| *name != "default") {
            notes.push(format!("its executor '{executor}' is not migrated; assign the task to a queue to limit concurrent runs"));
        }
        let value = |what: &str, data: &Data| python::json(data).map_err(|class| format!("{what}: {class} cannot be migrated"));
        let args = state.get("args").items().iter().map(|arg| value("an argument", arg)).collect::<Result<_, _>>()?;
        let kwargs = match state.get("kwargs") {
            Data::Dict(items) => {
                let named = |(name, data): &(Data, Data)| {
                    let name = name.text().unwrap_or_default().to_owned();
                    let read = value(&format!("the argument {name}"), data)?;
                    Ok((name, read))
                };
                items.iter().map(named).collect::<Result<_, String>>()?
            }
            _ => Map::new(),
        };
        Ok(Job {
            id: text("id")?,
            name: state.get("name").text().unwrap_or_default().to_owned(),
            function: text("func")
                .map_err(|_| "its function has no importable name: it is a lambda or a bound method".to_owned())?,
            args,
            kwargs,
            trigger: reader.trigger(state.get("trigger"))?,
            misfire_grace_seconds: state.get("misfire_grace_time").int(),
            coalesce: matches!(state.get("coalesce"), Data::Bool(true)),
            max_instances: state.get("max_instances").int().unwrap_or(1),
            next_run,
            notes,
        })
    }

    /// Returns the job's next firings by APScheduler's rules, starting with the stored next run; for a paused job those from `now`
    /// on.
    pub fn firings(&self, now: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        let first = self.next_run.or_else(|| firing::next(&self.trigger, None, now));
        std::iter::successors(first, |at| firing::next(&self.trigger, Some(*at), *at)).take(count).collect()
    }
}

struct Reader {
    local: Tz,
}

impl Reader {
    fn trigger(&self, data: &Data) -> Result<Trigger, String> {
        match data {
            Data::Object { class, state, .. } => self.by_class(class, state),
            _ => Err("its trigger is not an object".to_owned()),
        }
    }

    /// Reads a trigger by class name, either `module.Class` (pickle) or `module:Class` (combining trigger).
    fn by_class(&self, class: &str, state: &Data) -> Result<Trigger, String> {
        let class = class.replace(':', ".");
        // APScheduler 3.0 stored the state inside a tuple.
        let state = if let [_, inner] = state.items() { inner } else { state };
        match class.as_str() {
            "apscheduler.triggers.date.DateTrigger" => {
                let at = self.instant(state, "run_date")?.ok_or("run_date is missing")?;
                let zone = if let Data::Object { args, .. } = state.get("run_date") { args.get(1) } else { None };
                Ok(Trigger::Date(at, zone.map_or(Ok(self.local), |zone| self.tz(zone))?))
            }
            "apscheduler.triggers.interval.IntervalTrigger" => Ok(Trigger::Interval(Interval {
                micros: python::duration(state.get("interval")).ok_or("its interval is not a timedelta")?,
                start: self.instant(state, "start_date")?,
                end: self.instant(state, "end_date")?,
                jitter: jitter(state),
                zone: self.tz(state.get("timezone"))?,
            })),
            "apscheduler.triggers.cron.CronTrigger" => Ok(Trigger::Cron(Cron {
                fields: fields(state.get("fields"))?,
                start: self.instant(state, "start_date")?,
                end: self.instant(state, "end_date")?,
                jitter: jitter(state),
                zone: self.tz(state.get("timezone"))?,
            })),
            "apscheduler.triggers.calendarinterval.CalendarIntervalTrigger" => self.calendar(state),
            "apscheduler.triggers.combining.OrTrigger" => {
                let inner: Result<Vec<Trigger>, String> =
                    state.get("triggers").items().iter().map(|one| self.inner(one)).collect();
                require_cron_triggers(inner?, jitter(state))
            }
            "apscheduler.triggers.combining.AndTrigger" => {
                Err("an AndTrigger has no equivalent; write a single rule with the same meaning".to_owned())
            }
            other => Err(format!("unknown trigger class {other}")),
        }
    }

    /// Reads a trigger inside a combining trigger: its class and its state.
    fn inner(&self, data: &Data) -> Result<Trigger, String> {
        match data.items() {
            [class, state] => self.by_class(class.text().ok_or("a trigger has no class")?, state),
            _ => self.trigger(data),
        }
    }

    fn calendar(&self, state: &Data) -> Result<Trigger, String> {
        let numbers = |name: &str| state.get(name).items().iter().map(Data::int).collect::<Option<Vec<_>>>();
        let every = numbers("interval").and_then(|list| list.try_into().ok()).ok_or("cannot read its interval")?;
        let time = numbers("time").and_then(|list| list.try_into().ok()).ok_or("cannot read its time")?;
        Ok(Trigger::Calendar(Calendar {
            every,
            time,
            start: python::date(state.get("start_date")).ok_or("start_date is not a date")?,
            end: python::date(state.get("end_date")),
            jitter: jitter(state),
            zone: self.tz(state.get("timezone"))?,
        }))
    }

    fn instant(&self, state: &Data, name: &str) -> Result<Option<DateTime<Utc>>, String> {
        match state.get(name) {
            Data::None => Ok(None),
            data => python::instant(data, self.local).map(Some).map_err(|what| format!("{name}: {what}")),
        }
    }

    fn tz(&self, data: &Data) -> Result<Tz, String> {
        match python::zone(data)? {
            Zone::Named(zone) => Ok(zone),
            Zone::Local => Ok(self.local),
            Zone::Offset(seconds) => {
                Err(format!("an offset of {seconds} seconds is not a time zone; set the trigger's timezone by name"))
            }
        }
    }
}

/// Returns an `Or` trigger of cron triggers only. Inside an OrTrigger, APScheduler counts an interval from the last firing of any of
/// the triggers and drops a date that does not come first, which separate tasks cannot reproduce.
fn require_cron_triggers(mut inner: Vec<Trigger>, jitter: i64) -> Result<Trigger, String> {
    for trigger in &mut inner {
        match trigger {
            Trigger::Cron(cron) => cron.jitter = cron.jitter.max(jitter),
            Trigger::Or(_) => {}
            _ => {
                return Err(
                    "an OrTrigger with triggers other than cron has no equivalent; create a task for each trigger".to_owned()
                );
            }
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

fn fields(data: &Data) -> Result<Vec<Field>, String> {
    let read: Vec<Field> = data.items().iter().map(field).collect::<Result<_, _>>()?;
    let names: Vec<&str> = read.iter().map(|field| field.name).collect();
    if names == FIELDS { Ok(read) } else { Err(format!("unexpected cron fields: {}", names.join(", "))) }
}

fn field(data: &Data) -> Result<Field, String> {
    let Data::Object { class, state, .. } = data else { return Err("a cron field is not an object".to_owned()) };
    if !class.starts_with("apscheduler.triggers.cron.fields.") {
        return Err(format!("unknown field class {class}"));
    }
    // The state of a class with slots is a pair; the slots come second.
    let state = if let [_, slots] = state.items() { slots } else { state };
    let given = state.get("name").text().unwrap_or_default();
    let name = FIELDS.into_iter().find(|name| *name == given).ok_or_else(|| format!("unknown field '{given}'"))?;
    let expressions: Vec<Expression> = state.get("expressions").items().iter().map(expression).collect::<Result<_, _>>()?;
    if expressions.is_empty() { Err(format!("the field {name} is empty")) } else { Ok(Field { name, expressions }) }
}

fn expression(data: &Data) -> Result<Expression, String> {
    let Data::Object { class, state, .. } = data else { return Err("an expression is not an object".to_owned()) };
    let number = |name: &str| state.get(name).int();
    let needed = |name: &str| number(name).ok_or_else(|| format!("{class} without {name}"));
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
        _ => Err(format!("unknown expression class {class}")),
    }
}
