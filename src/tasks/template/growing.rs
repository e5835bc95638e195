//! Filters and functions whose value can be much larger than their input. They replace Tera's own, which have no limit.

use std::sync::Arc;

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::budget::{Budget, VALUE_MAX, filter, size};
use crate::i18n::message;

/// The most numbers of `range`, and the most parts of `split`.
const ITEMS_MAX: usize = 50_000;
/// The widest indentation.
const INDENT_MAX: usize = 1_000;

pub(super) fn register(engine: &mut Tera, budget: &Arc<Budget>) {
    filter(engine, budget, "replace", replace);
    filter(engine, budget, "join", join);
    filter(engine, budget, "split", split);
    filter(engine, budget, "indent", indent);
    filter(engine, budget, "escape", |value, _, budget| match value.is_safe() {
        true => Ok(value.clone()),
        false => escaped(value, budget, &HTML).map(|text| Value::safe_string(&text)),
    });
    filter(engine, budget, "escape_html", |value, _, budget| escaped(value, budget, &HTML));
    filter(engine, budget, "escape_xml", |value, _, budget| escaped(value, budget, &XML));
    filter(engine, budget, "newlines_to_br", newlines_to_br);
    filter(engine, budget, "str", |value, _, budget| bounded(value, budget).map(ToString::to_string));
    filter(engine, budget, "json", |value, _, budget| serde_json::to_string(bounded(value, budget)?).map_err(Error::message));
    let budget = budget.clone();
    engine.register_function("range", move |arguments: Kwargs, _: &State| range(&arguments, &budget));
}

/// The value, unless its text would be longer than [`VALUE_MAX`].
fn bounded<'v>(value: &'v Value, budget: &Budget) -> TeraResult<&'v Value> {
    fitting(size(value, VALUE_MAX), budget).map(|()| value)
}

fn fitting(bytes: usize, budget: &Budget) -> TeraResult<()> {
    match bytes <= VALUE_MAX {
        true => Ok(()),
        false => Err(budget.refuse(message!("template.filter_too_long", max = VALUE_MAX))),
    }
}

fn too_many(budget: &Budget) -> Error {
    budget.refuse(message!("template.too_many_items", max = ITEMS_MAX))
}

fn text<'v>(value: &'v Value, budget: &Budget) -> TeraResult<&'v str> {
    value.as_str().ok_or_else(|| budget.fail(message!("template.not_string", kind = value.name())))
}

fn replace(value: &Value, arguments: &Kwargs, budget: &Budget) -> TeraResult<String> {
    let (text, from, to) = (text(value, budget)?, arguments.must_get::<&str>("from")?, arguments.must_get::<&str>("to")?);
    let added = text.matches(from).count().saturating_mul(to.len());
    fitting(text.len().saturating_add(added), budget)?;
    Ok(text.replace(from, to))
}

/// Characters with what is written for them.
const HTML: [(char, &str); 5] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
const XML: [(char, &str); 5] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&apos;")];

fn escaped(value: &Value, budget: &Budget, pairs: &[(char, &str)]) -> TeraResult<String> {
    let text = text(value, budget)?;
    let written = |c: char| pairs.iter().find(|(known, _)| *known == c).map(|(_, written)| *written);
    fitting(text.chars().map(|c| written(c).map_or(c.len_utf8(), str::len)).sum(), budget)?;
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match written(c) {
            Some(written) => escaped.push_str(written),
            None => escaped.push(c),
        }
    }
    Ok(escaped)
}

fn newlines_to_br(value: &Value, _: &Kwargs, budget: &Budget) -> TeraResult<String> {
    const BREAK: &str = "<br>";
    let text = text(value, budget)?;
    fitting(text.len().saturating_add(text.matches(['\n', '\r']).count() * BREAK.len()), budget)?;
    Ok(text.replace("\r\n", BREAK).replace(['\n', '\r'], BREAK))
}

fn join(value: &Value, arguments: &Kwargs, budget: &Budget) -> TeraResult<String> {
    let items = value.as_array().ok_or_else(|| budget.fail(message!("template.join_list", kind = value.name())))?;
    let separator = arguments.get::<&str>("sep")?.unwrap_or_default();
    fitting(size(value, VALUE_MAX).saturating_add(items.len().saturating_mul(separator.len())), budget)?;
    Ok(items.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator))
}

fn split(value: &Value, arguments: &Kwargs, budget: &Budget) -> TeraResult<Vec<Value>> {
    let (text, pattern) = (text(value, budget)?, arguments.must_get::<&str>("pat")?);
    let parts: Vec<Value> = text.split(pattern).take(ITEMS_MAX + 1).map(Value::from).collect();
    if parts.len() > ITEMS_MAX {
        return Err(too_many(budget));
    }
    Ok(parts)
}

/// Indents every line but the first and blank ones, unless `first` and `blank` are true.
fn indent(value: &Value, arguments: &Kwargs, budget: &Budget) -> TeraResult<String> {
    let text = text(value, budget)?;
    let width = arguments.get::<usize>("width")?.unwrap_or(4).min(INDENT_MAX);
    let unit = arguments.get::<&str>("indentation")?.unwrap_or(" ");
    let (first, blank) = (arguments.get::<bool>("first")?.unwrap_or(false), arguments.get::<bool>("blank")?.unwrap_or(false));
    if unit.chars().count() != 1 {
        return Err(budget.fail(message!("template.indentation")));
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
        return Err(budget.fail(message!("template.range")));
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
