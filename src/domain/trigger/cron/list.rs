//! Parser of a cron field: a comma-separated list of elements.

use super::element::read_element;
use super::field::{Field, Form, Values};
use crate::domain::trigger::text::truncate;
use crate::i18n::{Message, message};

/// Parses a comma-separated list of elements. The error message names the field, the invalid part and what is allowed.
pub(crate) fn read_field(field: &'static Field, form: Form, text: &str) -> Result<Values, Message> {
    let text = match (trim(text), field.name) {
        // Quartz writes `?` in the day field that does not count.
        ("?", "day" | "day_of_week") if form == Form::Expression => "*",
        (text, _) => text,
    };
    let mut values = Values { starred: text.starts_with('*'), ..Values::default() };
    for element in text.split(',').map(trim) {
        if element.is_empty() {
            return Err(empty_element(field, text));
        }
        values.stepped |= element.contains(['*', '/']);
        if !(element == "*" && values.is_full(field)) {
            read_element(field, form, element, &mut values)?;
        }
    }
    Ok(values)
}

fn empty_element(field: &Field, text: &str) -> Message {
    match text {
        "" => message!("cron.empty_field").of(field.name),
        _ => message!("cron.empty_element", text = truncate(text)).of(field.name),
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
