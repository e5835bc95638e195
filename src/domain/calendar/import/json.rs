//! Whole years as JSON: `{"years": {"2027": {"off": ["01-01"], "work": ["02-06"]}}}`; a year may also group its days by
//! holiday: `{"2027": {"new_year": {"off": [...], "work": [...]}}}`.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::super::read::parse_date;
use super::ImportedDays;
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::{display_value, json_syntax, truncate};
use crate::i18n::{Message, message};

/// The most years of a file.
const MAX_YEARS: usize = 200;
/// The most holidays of a year.
const MAX_HOLIDAYS: usize = 100;

pub(super) fn read(text: &str) -> Result<ImportedDays, Fault> {
    let value = crate::domain::json::read(text.as_bytes()).map_err(|error| Fault::new("", json_syntax(&error)))?;
    let years = value.get("years").and_then(Value::as_object);
    let years = years.filter(|years| years.len() <= MAX_YEARS);
    let years = years.ok_or_else(|| Fault::new("/years", message!("calendar.import_years", max = MAX_YEARS).of("years")))?;
    let mut days = ImportedDays::default();
    for (year, holidays) in years {
        let pointer = format!("/years/{}", pointer_step(&truncate(year, 20)));
        let number = year.parse().ok().filter(|number| (1970..=9999).contains(number));
        let number: i32 =
            number.ok_or_else(|| Fault::new(&*pointer, message!("calendar.import_year", text = truncate(year, 20))))?;
        let Value::Object(map) = holidays else {
            return Err(Fault::new(pointer, message!("value.not_object_but", value = display_value(holidays))));
        };
        read_year(&mut days, number, map, &pointer)?;
        days.years.push(number);
    }
    days.years.sort_unstable();
    Ok(days)
}

fn read_year(days: &mut ImportedDays, year: i32, map: &Map<String, Value>, pointer: &str) -> Result<(), Fault> {
    if map.len() > MAX_HOLIDAYS {
        return Err(Fault::new(pointer, message!("calendar.list_too_long", count = map.len(), max = MAX_HOLIDAYS)));
    }
    for (name, value) in map {
        let below = format!("{pointer}/{}", pointer_step(&truncate(name, 40)));
        match (name.as_str(), value) {
            ("off" | "work", Value::Array(list)) => read_days(days, year, list, (name == "work", ""), &below)?,
            (_, Value::Object(holiday)) => {
                for (kind, list) in holiday {
                    let place = format!("{below}/{}", pointer_step(&truncate(kind, 20)));
                    match (kind.as_str(), list) {
                        ("off" | "work", Value::Array(list)) => read_days(days, year, list, (kind == "work", name), &place)?,
                        _ => return Err(Fault::new(place, message!("calendar.import_off_work"))),
                    }
                }
            }
            _ => return Err(Fault::new(below, message!("calendar.import_off_work"))),
        }
    }
    Ok(())
}

fn read_days(
    days: &mut ImportedDays,
    year: i32,
    list: &[Value],
    (working, name): (bool, &str),
    pointer: &str,
) -> Result<(), Fault> {
    for (place, item) in list.iter().enumerate() {
        let fault = |message: Message| Fault::new(format!("{pointer}/{place}"), message);
        let text = item.as_str().ok_or_else(|| fault(message!("value.not_texts", value = display_value(item))))?;
        let date: NaiveDate = parse_date(&format!("{year}-{}", truncate(text, 10))).map_err(fault)?;
        days.add(date, working, name).map_err(fault)?;
    }
    Ok(())
}
