//! The function `business_date`: `{{ business_date(working_days=-1, format="%Y%m%d") }}`.

use std::fmt::Write;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono::format::{Item, StrftimeItems};
use tera::{Kwargs, State, Tera, TeraResult};

use super::budget::Budget;
use crate::domain::business_date::{MAX_OFFSET, business_date};
use crate::domain::calendar::CombinedCalendar;
use crate::i18n::message;

/// The date that offsets are counted from, and the calendar of the task.
#[derive(Debug, Clone)]
pub struct BusinessDay {
    /// The date of the scheduled time in the task's zone.
    pub date: NaiveDate,
    /// `None`: Monday to Friday are working days.
    pub calendar: Option<CombinedCalendar>,
}

/// Registers the function.
pub(super) fn register(engine: &mut Tera, day: &BusinessDay, budget: &Arc<Budget>) {
    let (day, budget) = (day.clone(), budget.clone());
    engine.register_function("business_date", move |arguments: Kwargs, _: &State| text(&day, &arguments, &budget));
}

fn text(day: &BusinessDay, arguments: &Kwargs, budget: &Budget) -> TeraResult<String> {
    let offset = |name: &'static str| Ok::<i64, tera::Error>(arguments.get::<i64>(name)?.unwrap_or(0));
    let (days, working_days) = (offset("days")?, offset("working_days")?);
    let date = business_date(day.date, days, working_days, day.calendar.as_ref());
    let date = date.ok_or_else(|| budget.fail(message!("template.business_date_out_of_range", max = MAX_OFFSET)))?;
    let Some(format) = arguments.get::<String>("format")? else { return Ok(date.to_string()) };
    let items: Vec<Item<'_>> = StrftimeItems::new(&format).collect();
    if items.contains(&Item::Error) {
        return Err(budget.fail(message!("template.not_format", format)));
    }
    let mut formatted = String::new();
    write!(formatted, "{}", date.format_with_items(items.iter())).map_err(|_| budget.fail(message!("template.unformattable")))?;
    Ok(formatted)
}
