//! All calendars of a server, compiled, and the freezes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::builtin::built_in;
use super::combined::CombinedCalendar;
use super::compiled::{Base, CompiledCalendar, Exception, Yearly};
use super::definition::Calendar;
use super::freeze::FreezeSet;
use super::holiday::DayName;
use super::names::CN;
use super::window::Window;
use crate::i18n::{Message, message};

/// How many calendars may be built on each other.
const MAX_DEPTH: usize = 10;

/// The calendars by name, the built-in ones among them, and the freezes.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarSet {
    calendars: HashMap<Arc<str>, Arc<CompiledCalendar>>,
    pub freezes: FreezeSet,
}

/// Calendars that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetError {
    /// A calendar is built on one that does not exist.
    MissingBase { name: String, base: String },
    /// A calendar is built on itself, or on too many others.
    Cycle { name: String },
}

impl SetError {
    /// The calendar at fault.
    pub fn name(&self) -> &str {
        match self {
            SetError::MissingBase { name, .. } | SetError::Cycle { name } => name,
        }
    }

    pub fn message(&self) -> Message {
        match self {
            SetError::MissingBase { base, .. } => message!("calendar.missing", name = base),
            SetError::Cycle { name } => message!("calendar.cycle", name, max = MAX_DEPTH),
        }
    }
}

impl Default for CalendarSet {
    /// The built-in calendars.
    fn default() -> Self {
        let calendars = built_in().iter().map(|calendar| (calendar.name.clone(), calendar.clone())).collect();
        Self { calendars, freezes: FreezeSet::default() }
    }
}

impl CalendarSet {
    /// Compiles calendars with their versions. One of the name `cn` takes the place of the built-in one, which is its base.
    ///
    /// # Errors
    /// The first calendar whose base is missing or leads back to it.
    pub fn compile(definitions: &[(Calendar, i64)], freezes: FreezeSet) -> Result<CalendarSet, SetError> {
        let by_name: BTreeMap<&str, &(Calendar, i64)> = definitions.iter().map(|one| (one.0.name.as_str(), one)).collect();
        let mut set = CalendarSet { freezes, ..CalendarSet::default() };
        let mut done = HashMap::new();
        for name in by_name.keys() {
            let compiled = resolve(name, &by_name, &mut done, 0)?;
            set.calendars.insert(compiled.name.clone(), compiled);
        }
        Ok(set)
    }

    pub fn get(&self, name: &str) -> Option<&Arc<CompiledCalendar>> {
        self.calendars.get(name)
    }

    /// China's calendar in force.
    pub fn cn(&self) -> &CompiledCalendar {
        self.get(CN).unwrap_or(&built_in()[0])
    }

    /// The names, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.calendars.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Several calendars as one.
    ///
    /// # Errors
    /// The first name that is not the name of a calendar.
    pub fn combine(&self, names: &[String]) -> Result<CombinedCalendar, String> {
        let one = |name: &String| self.get(name).cloned().ok_or_else(|| name.clone());
        names.iter().map(one).collect::<Result<_, _>>().map(CombinedCalendar::new)
    }
}

type Definitions<'d> = BTreeMap<&'d str, &'d (Calendar, i64)>;

fn resolve(
    name: &str,
    all: &Definitions<'_>,
    done: &mut HashMap<String, Arc<CompiledCalendar>>,
    depth: usize,
) -> Result<Arc<CompiledCalendar>, SetError> {
    if let Some(compiled) = done.get(name) {
        return Ok(compiled.clone());
    }
    let Some((definition, version)) = all.get(name) else {
        return built_in()
            .iter()
            .find(|calendar| &*calendar.name == name)
            .cloned()
            .ok_or_else(|| SetError::MissingBase { name: String::new(), base: name.to_owned() });
    };
    if depth >= MAX_DEPTH {
        return Err(SetError::Cycle { name: name.to_owned() });
    }
    // Only the built-in `cn` may be the base of a calendar of its name.
    let base = match definition.base == name && name == CN {
        true => built_in()[0].clone(),
        false => resolve(&definition.base, all, done, depth + 1).map_err(|error| match error {
            SetError::MissingBase { name: inner, base } if inner.is_empty() => {
                SetError::MissingBase { name: name.to_owned(), base }
            }
            SetError::Cycle { .. } => SetError::Cycle { name: name.to_owned() },
            other => other,
        })?,
    };
    if base.depth() >= MAX_DEPTH {
        return Err(SetError::Cycle { name: name.to_owned() });
    }
    let compiled = Arc::new(compile(definition, *version, base));
    done.insert(name.to_owned(), compiled.clone());
    Ok(compiled)
}

fn compile(definition: &Calendar, version: i64, base: Arc<CompiledCalendar>) -> CompiledCalendar {
    CompiledCalendar {
        name: definition.name.as_str().into(),
        zone: definition.zone.or(base.zone),
        version,
        weekdays: definition.weekdays,
        years: definition.years.clone(),
        dates: dates(definition),
        yearly: yearly(definition),
        windows: windows(definition),
        base: Base::Calendar(base),
    }
}

/// The days of all dates and ranges: a single date goes before a range, else the later rule.
fn dates(definition: &Calendar) -> Vec<Exception> {
    let (mut singles, mut ranges) = (BTreeMap::new(), BTreeMap::new());
    for rule in &definition.dates {
        let name = DayName::from_text(&rule.name);
        let days = if rule.date == rule.until { &mut singles } else { &mut ranges };
        for date in rule.date.iter_days().take(rule.days()) {
            days.insert(date, Exception { date, working: rule.working, name: name.clone() });
        }
    }
    ranges.append(&mut singles);
    ranges.into_values().collect()
}

fn yearly(definition: &Calendar) -> Vec<Yearly> {
    let one = |rule: &super::definition::YearlyRule| {
        let (month, day) = (rule.month, rule.day);
        ((month, day), Yearly { month, day, working: rule.working, name: DayName::from_text(&rule.name) })
    };
    definition.yearly.iter().map(one).collect::<BTreeMap<_, _>>().into_values().collect()
}

fn windows(definition: &Calendar) -> Vec<(Window, Option<DayName>)> {
    let one = |closure: &super::definition::ClosureRule| {
        Window::parse(&closure.window).ok().map(|window| (window, DayName::from_text(&closure.name)))
    };
    definition.closures.iter().filter_map(one).collect()
}
