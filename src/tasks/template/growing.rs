//! Filters and functions whose value can be much larger than their input. They replace Tera's own, which have no limit.

use std::sync::Arc;

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::budget::{Budget, TEXT_MAX, size};
use crate::i18n::message;

/// The most numbers of `range`, and the most parts of `split`.
const ITEMS_MAX: usize = 50_000;
/// The widest indentation.
const INDENT_MAX: usize = 1_000;

pub(super) fn register(engine: &mut Tera, budget: &Arc<Budget>) {
    add(engine, budget, "replace", replace);
    add(engine, budget, "join", join);
    add(engine, budget, "split", split);
    add(engine, budget, "indent", indent);
    add(engine, budget, "str", |value, _, budget| bounded(value, budget).map(ToString::to_string));
    add(engine, budget, "json", |value, _, budget| serde_json::to_string(bounded(value, budget)?).map_err(Error::message));
    let budget = budget.clone();
    engine.register_function("range", move |arguments: Kwargs, _: &State| range(&arguments, &budget));
}

fn add<T: Into<Value> + 'static>(
    engine: &mut Tera,
    budget: &Arc<Budget>,
    name: &'static str,
    filter: fn(&Value, &Kwargs, &Budget) -> TeraResult<T>,
) {
    let budget = budget.clone();
    engine.register_filter(name, move |value: Value, arguments: Kwargs, _: &State| filter(&value, &arguments, &budget));
}

/// The value, unless its text would be longer than [`TEXT_MAX`].
fn bounded<'v>(value: &'v Value, budget: &Budget) -> TeraResult<&'v Value> {
    fitting(size(value, TEXT_MAX), budget).map(|()| value)
}

fn fitting(bytes: usize, budget: &Budget) -> TeraResult<()> {
    match bytes <= TEXT_MAX {
        true => Ok(()),
        false => Err(budget.refuse(message!("template.filter_too_long", max = TEXT_MAX))),
    }
}

fn too_many(budget: &Budget) -> Error {
    budget.refuse(message!("template.too_many_items", max = ITEMS_MAX))
}

fn text(value: &Value) -> TeraResult<&str> {
    value.as_str().ok_or_else(|| Error::message(format!("the filter needs a string, not a value of type {}", value.name())))
}

fn replace(value: &Value, arguments: &Kwargs, budget: &Budget) -> TeraResult<String> {
    let (text, from, to) = (text(value)?, arguments.must_get::<&str>("from")?, arguments.must_get::<&str>("to")?);
    let added = text.matches(from).count().saturating_mul(to.len());
    fitting(text.len().saturating_add(added), budget)?;
    Ok(text.replace(from, to))
}

fn join(value: &Value, arguments: &Kwargs, budget: &Budget) -> TeraResult<String> {
    let items =
        value.as_array().ok_or_else(|| Error::message(format!("join needs a list, not a value of type {}", value.name())))?;
    let separator = arguments.get::<&str>("sep")?.unwrap_or_default();
    fitting(size(value, TEXT_MAX).saturating_add(items.len().saturating_mul(separator.len())), budget)?;
    Ok(items.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator))
}

fn split(value: &Value, arguments: &Kwargs, budget: &Budget) -> TeraResult<Vec<Value>> {
    let (text, pattern) = (text(value)?, arguments.must_get::<&str>("pat")?);
    let parts: Vec<Value> = text.split(pattern).take(ITEMS_MAX + 1).map(Value::from).collect();
    if parts.len() > ITEMS_MAX {
        return Err(too_many(budget));
    }
    Ok(parts)
}

/// Indents every line but the first and blank ones, unless `first` and `blank` are true.
fn indent(value: &Value, arguments: &Kwargs, budget: &Budget) -> TeraResult<String> {
    let text = text(value)?;
    let width = arguments.get::<usize>("width")?.unwrap_or(4).min(INDENT_MAX);
    let unit = arguments.get::<&str>("indentation")?.unwrap_or(" ");
    let (first, blank) = (arguments.get::<bool>("first")?.unwrap_or(false), arguments.get::<bool>("blank")?.unwrap_or(false));
    if unit.chars().count() != 1 {
        return Err(Error::message("indentation must be one character"));
    }
    let indentation = unit.repeat(width);
    fitting(text.len().saturating_add((text.matches('\n').count() + 1).saturating_mul(indentation.len())), budget)?;
    let lines = text.split('\n').enumerate().map(|(number, line)| {
        let indented = if number == 0 { first } else { !line.is_empty() || blank };
        if indented { format!("{indentation}{line}") } else { line.to_owned() }
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn range(arguments: &Kwargs, budget: &Budget) -> TeraResult<Vec<i64>> {
    let (start, end) = (arguments.get::<i64>("start")?.unwrap_or(0), arguments.must_get::<i64>("end")?);
    let step = arguments.get::<i64>("step_by")?.unwrap_or(1);
    if step == 0 || (step > 0 && start > end) {
        return Err(Error::message("range: step_by must not be 0, and start must not be greater than end"));
    }
    let next = |number: &i64| number.checked_add(step);
    let numbers: Vec<i64> = std::iter::successors(Some(start), next)
        .take_while(|number| if step > 0 { *number < end } else { *number > end })
        .take(ITEMS_MAX + 1)
        .collect();
    if numbers.len() > ITEMS_MAX {
        return Err(too_many(budget));
    }
    Ok(numbers)
}
