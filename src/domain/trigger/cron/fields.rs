//! Reader of cron rules given by JSON fields.

use serde_json::Value;

use super::field::{DAY, DAY_OF_WEEK, Field, Form, HOUR, MINUTE, MONTH, SECOND, Values, WEEK, YEAR};
use super::list::read_field;
use super::rule::Fields;
use crate::domain::trigger::input::Reader;
use crate::domain::trigger::text::truncate;
use crate::i18n::message;

/// The fields in the order that determines the defaults of absent fields.
pub(crate) static FIELDS: [&Field; 8] = [&YEAR, &MONTH, &DAY, &WEEK, &DAY_OF_WEEK, &HOUR, &MINUTE, &SECOND];

/// Reads the eight fields. A time matches if all fields match.
pub(super) fn read_fields(reader: &mut Reader<'_>) -> Option<Fields> {
    let last_given = FIELDS.iter().rposition(|field| reader.value(field.name).is_some()).unwrap_or(FIELDS.len());
    let mut index = 0;
    let mut next = || {
        let field = FIELDS[index];
        let value = read_key(reader, field, index > last_given);
        index += 1;
        value
    };
    // Every field is read before any fault returns, so that all faults are reported.
    let (year, month, day, week) = (next(), next(), next(), next());
    let (day_of_week, hour, minute, second) = (next(), next(), next(), next());
    Some(Fields {
        year: year?,
        month: month?,
        day: day?,
        week: week?,
        day_of_week: day_of_week?,
        hour: hour?,
        minute: minute?,
        second: second?,
        either_day: false,
    })
}

fn read_key(reader: &mut Reader<'_>, field: &'static Field, after_last: bool) -> Option<Values> {
    let read = match reader.value(field.name) {
        None => return Some(default_values(field, after_last)),
        Some(Value::String(_)) => read_field(field, Form::Fields, reader.text(field.name)?),
        Some(Value::Number(number)) if number.is_u64() => read_field(field, Form::Fields, &number.to_string()),
        Some(Value::Number(number)) if number.is_i64() => {
            Err(message!("value.out_of_range", value = number.to_string(), min = field.min, max = field.max).of(field.name))
        }
        Some(value) => Err(message!("cron.not_integer_or_text", value = truncate(&value.to_string())).of(field.name)),
    };
    read.map_err(|message| reader.fault_with_message(field.name, message)).ok()
}

/// The values of an absent field: `*` before the last field given; after it the minimum, except `*` for week and day_of_week.
fn default_values(field: &'static Field, after_last: bool) -> Values {
    if after_last && *field != WEEK && *field != DAY_OF_WEEK { Values::only(field.min) } else { Values::every(field) }
}
