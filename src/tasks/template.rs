//! Templates in parameters: renders the Tera expressions in strings when a run starts. They can use the variables of the run only:
//! no files and no other templates. `source` bounds a template before it is parsed, `budget` bounds its rendering.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, SecondsFormat};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use tera::{Context, ErrorKind, Kwargs, State, Tera};

use crate::domain::calendar::CombinedCalendar;
use crate::domain::fault::{Fault, MAX_FAULTS, pointer_step};
use crate::i18n::{Message, message};

mod budget;
mod business_date;
mod filters;
mod growing;
pub mod injection;
mod names;
mod scan;
mod source;
pub mod taint;
pub mod text;
mod thread;
mod values;

use budget::{BoundedWriter, Budget, TEXT_MAX};
use business_date::BusinessDay;
use values::Variable;

/// The variables of a template.
const VARIABLES: [&str; 11] = [
    "scheduled_at",
    "business_date",
    "now",
    "last_success_at",
    "task",
    "execution",
    "attempt",
    "previous",
    "env",
    "input",
    "hook",
];

/// The names of the secrets that the templates in values name.
pub fn secret_names<'v>(values: impl Iterator<Item = &'v Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open: Vec<&Value> = values.collect();
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => names.extend(names::secrets(text).into_iter().map(str::to_owned)),
            Value::Array(list) => open.extend(list),
            Value::Object(map) => open.extend(map.values()),
            _ => {}
        }
    }
    names
}

/// The values of the variables for one run. Times are rendered with the offset of their time zone.
#[derive(Debug, Clone)]
pub struct TemplateVariables {
    pub scheduled_at: DateTime<Tz>,
    /// The calendars by which `business_date` counts working days; `None`: Monday to Friday.
    pub calendar: Option<CombinedCalendar>,
    pub now: DateTime<Tz>,
    /// When the newest succeeded run of the task started; `None`: undefined, so that the filter `default` applies.
    pub last_success_at: Option<DateTime<Tz>>,
    pub task_id: String,
    pub task_name: String,
    pub task_type: String,
    pub execution_id: String,
    pub attempt: i64,
    /// The execution whose end started this one, with `id`, `task_id`, `status`, `error` and `result`.
    pub previous: Option<Value>,
    pub env: Arc<BTreeMap<String, String>>,
    /// The values of the run's inputs.
    pub input: Map<String, Value>,
    /// The call of the hook that started the run.
    pub hook: Option<Value>,
}

/// Looks up a secret by its name; the error says why there is none.
pub type Secrets = Arc<dyn Fn(&str) -> Result<String, Message> + Send + Sync>;

/// Whether a string contains an expression.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether any string in the parameters contains an expression.
pub fn has_templates(params: &Value) -> bool {
    any(params, &is_template)
}

/// Whether a string with an expression contains `word`.
pub fn mentions(params: &Value, word: &str) -> bool {
    any(params, &|text| is_template(text) && text.contains(word))
}

fn any(value: &Value, holds: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => holds(text),
        Value::Array(list) => list.iter().any(|item| any(item, holds)),
        Value::Object(map) => map.values().any(|item| any(item, holds)),
        _ => false,
    }
}

/// The faults of the templates in parameters that can be found before a run.
/// `inputs` are the names of the task's inputs.
pub fn check(params: &Value, base: &str, inputs: &[&str]) -> Vec<Fault> {
    if !has_templates(params) {
        return Vec::new();
    }
    let not_checked = |error: std::io::Error| vec![Fault::new(base, message!("template.error", error = error.to_string()))];
    thread::blocking(|| check_all(params, base, inputs)).unwrap_or_else(not_checked)
}

fn check_all(params: &Value, base: &str, inputs: &[&str]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let day = BusinessDay { date: NaiveDate::default(), calendar: None };
    let engine = engine(Arc::new(|_| Err(Message::verbatim(""))), &day, &Arc::new(Budget::new()));
    each(params, base, &mut |pointer, text| {
        if faults.len() < MAX_FAULTS
            && let Err(message) = check_text(&engine, text, inputs)
        {
            faults.push(Fault::new(pointer, message.of(last_step(pointer))));
        }
    });
    faults
}

/// Parses a text and checks its variables; returns those that it uses.
fn parse(engine: &mut Tera, text: &str, known: &[&str]) -> Result<Vec<String>, Message> {
    const NAME: &str = "text";
    engine.add_raw_template(NAME, &source::prepare(text)?).map_err(|error| engine_error(&error, None))?;
    let used = engine.get_template_variables(NAME).map_err(|error| engine_error(&error, None))?;
    if let Some(name) = used.iter().find(|name| !known.contains(name)) {
        return Err(message!("template.unknown_variable", name = *name, known = known.join(", ")));
    }
    Ok(used.iter().map(|name| (*name).to_owned()).collect())
}

fn check_text(engine: &Tera, text: &str, inputs: &[&str]) -> Result<(), Message> {
    let used = parse(&mut engine.clone(), text, &VARIABLES)?;
    let uses_inputs = used.iter().any(|name| name == "input");
    match names::members(text, "input").into_iter().find(|name| !inputs.contains(name)).filter(|_| uses_inputs) {
        Some(name) if inputs.is_empty() => Err(message!("template.no_inputs", name)),
        Some(name) => Err(message!("template.unknown_input", name, known = inputs.join(", "))),
        None => Ok(()),
    }
}

fn each(value: &Value, pointer: &str, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) if is_template(text) => visit(pointer, text),
        Value::Array(list) => list.iter().enumerate().for_each(|(place, item)| each(item, &format!("{pointer}/{place}"), visit)),
        Value::Object(map) => map.iter().for_each(|(key, item)| each(item, &format!("{pointer}/{}", pointer_step(key)), visit)),
        _ => {}
    }
}

fn last_step(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap_or(pointer)
}

/// The parameters with all expressions rendered, within a bounded time, on a thread of their own. A caller that no longer
/// waits ends the rendering.
///
/// # Errors
/// The first string that cannot be rendered.
pub async fn render(params: Value, variables: TemplateVariables, secrets: Secrets) -> Result<Value, Fault> {
    let rendered = thread::spawn(move |budget| render_all(&params, &variables, secrets, budget)).await;
    rendered.unwrap_or_else(|error| Err(Fault::new("", message!("template.error", error = error.to_string()))))
}

fn render_all(params: &Value, variables: &TemplateVariables, secrets: Secrets, budget: &Arc<Budget>) -> Result<Value, Fault> {
    let day = BusinessDay { date: variables.scheduled_at.date_naive(), calendar: variables.calendar.clone() };
    let engine = engine(secrets, &day, budget);
    let context = context(variables);
    render_value(params, "", &|pointer, text| {
        let rendered = render_text(&engine, text, &context, budget);
        rendered.map_err(|message| Fault::new(pointer, message.of(pointer.trim_start_matches('/'))))
    })
}

fn render_text(engine: &Tera, text: &str, context: &Context, budget: &Budget) -> Result<String, Message> {
    let mut writer = BoundedWriter::new(budget);
    let rendered = engine.render_str_to(&source::prepare(text)?, context, false, &mut writer);
    match rendered {
        Ok(()) => Ok(String::from_utf8_lossy(&writer.bytes).into_owned()),
        Err(_) if writer.full => Err(message!("template.too_long", max = TEXT_MAX)),
        Err(error) => Err(budget.exceeded().unwrap_or_else(|| engine_error(&error, budget.fault()))),
    }
}

fn render_value(value: &Value, pointer: &str, render: &dyn Fn(&str, &str) -> Result<String, Fault>) -> Result<Value, Fault> {
    Ok(match value {
        Value::String(text) if is_template(text) => Value::String(render(pointer, text)?),
        Value::Array(list) => {
            let items = list.iter().enumerate().map(|(place, item)| render_value(item, &format!("{pointer}/{place}"), render));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let filled = |(key, item): (&String, &Value)| {
                Ok((key.clone(), render_value(item, &format!("{pointer}/{}", pointer_step(key)), render)?))
            };
            Value::Object(map.iter().map(filled).collect::<Result<Map<_, _>, Fault>>()?)
        }
        plain => plain.clone(),
    })
}

fn context(variables: &TemplateVariables) -> Context {
    let mut context = Context::new();
    let time = |at: &DateTime<Tz>| at.to_rfc3339_opts(SecondsFormat::Millis, false);
    context.insert("scheduled_at", &time(&variables.scheduled_at));
    context.insert("business_date", &variables.scheduled_at.date_naive().to_string());
    context.insert("now", &time(&variables.now));
    if let Some(at) = &variables.last_success_at {
        context.insert("last_success_at", &time(at));
    }
    context.insert("task", &json!({"id": variables.task_id, "name": variables.task_name, "type": variables.task_type}));
    context.insert("execution", &json!({"id": variables.execution_id}));
    context.insert("attempt", &variables.attempt);
    if let Some(previous) = &variables.previous {
        context.insert("previous", &Variable(previous));
    }
    context.insert("env", &*variables.env);
    context.insert("input", &values::Members(&variables.input));
    if let Some(hook) = &variables.hook {
        context.insert("hook", &Variable(hook));
    }
    context
}

/// An engine without functions that read anything.
fn plain_engine(budget: &Arc<Budget>) -> Tera {
    let mut engine = Tera::default();
    filters::register(&mut engine, budget);
    growing::register(&mut engine, budget);
    budget::register(&mut engine, budget);
    engine
}

fn engine(secrets: Secrets, day: &BusinessDay, budget: &Arc<Budget>) -> Tera {
    let mut engine = plain_engine(budget);
    business_date::register(&mut engine, day, budget);
    let faults = budget.clone();
    engine.register_function("secret", move |arguments: Kwargs, _: &State| {
        let name: String = arguments.must_get("name")?;
        secrets(&name).map_err(|fault| faults.fail(fault))
    });
    engine
}

/// An error of the engine on one line, without its drawing of the source location; `fault` is the cause if a filter or a
/// function of Belfry failed.
fn engine_error(error: &tera::Error, fault: Option<Message>) -> Message {
    let line = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    let cause = |text: &str| fault.unwrap_or_else(|| Message::verbatim(line(text).trim_start_matches("error: ")));
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            message!("template.error_at", error = cause(report.message()), line = report.span().start_line)
        }
        _ => message!("template.error", error = cause(&error.to_string())),
    }
}

#[cfg(test)]
mod tests;
