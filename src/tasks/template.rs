//! Templates in parameters: any string may hold Tera expressions, filled in when a run starts. They see the run's facts and
//! nothing else: no files, no other templates.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use regex::Regex;
use serde_json::{Map, Value, json};
use tera::{Context, ErrorKind, Kwargs, State, Tera};

use crate::domain::fault::{Fault, pointer_step};

mod filters;
pub mod foreign;

/// Bytes that one string may become.
const FILLED_MAX: usize = 4 << 20;
/// What a template may name.
const NAMES: [&str; 8] = ["scheduled_at", "now", "last_success_at", "task", "execution", "attempt", "previous", "env"];

/// What the templates of one run may see. Times are shown with their zone's offset.
#[derive(Debug, Clone)]
pub struct Facts {
    pub scheduled_at: DateTime<Tz>,
    pub now: DateTime<Tz>,
    /// When the newest succeeded run of the task started; `None`: undefined, so that `default` takes its place.
    pub last_success_at: Option<DateTime<Tz>>,
    pub task_id: String,
    pub task_name: String,
    pub task_type: String,
    pub execution_id: String,
    pub attempt: i64,
    /// The execution whose end started this one, with `id`, `task_id`, `status`, `error` and `result`.
    pub previous: Option<Value>,
    pub env: Arc<BTreeMap<String, String>>,
}

/// Finds a secret by its name.
pub type Secrets = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Whether a string holds an expression.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether any string in the parameters holds an expression.
pub fn has_templates(params: &Value) -> bool {
    any(params, &is_template)
}

/// Whether an expression in the parameters may name `word`.
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

/// What is wrong with the templates in parameters, as far as it shows before a run.
pub fn check(params: &Value, base: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !has_templates(params) {
        return faults;
    }
    let engine = engine(Arc::new(|_| None));
    each(params, base, &mut |pointer, text| {
        if let Err(message) = check_text(&engine, text) {
            faults.push(Fault::new(pointer, format!("{}: {message}", last_step(pointer))));
        }
    });
    faults
}

fn check_text(engine: &Tera, text: &str) -> Result<(), String> {
    const NAME: &str = "text";
    let mut engine = engine.clone();
    engine.add_raw_template(NAME, &named_arguments(text)).map_err(|error| said(&error))?;
    let unknown = engine.get_template_variables(NAME).map_err(|error| said(&error))?;
    match unknown.into_iter().find(|name| !NAMES.contains(name)) {
        Some(name) => Err(format!("a template knows no '{name}'; it knows {}", NAMES.join(", "))),
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

/// The parameters with every expression filled in. It may take a while: a template can loop.
///
/// # Errors
/// The first string that cannot be filled in, and why.
pub fn fill(params: &Value, facts: &Facts, secrets: Secrets) -> Result<Value, Fault> {
    let engine = engine(secrets);
    let context = context(facts);
    fill_value(params, "", &|pointer, text| {
        let mut bounded = Bounded::default();
        let filled = engine.render_str_to(&named_arguments(text), &context, false, &mut bounded);
        let fault = |what: String| Fault::new(pointer, format!("{}: {what}", pointer.trim_start_matches('/')));
        match filled {
            Ok(()) => Ok(String::from_utf8_lossy(&bounded.bytes).into_owned()),
            Err(_) if bounded.full => Err(fault(format!("the template becomes longer than {FILLED_MAX} bytes"))),
            Err(error) => Err(fault(said(&error))),
        }
    })
}

fn fill_value(value: &Value, pointer: &str, fill: &dyn Fn(&str, &str) -> Result<String, Fault>) -> Result<Value, Fault> {
    Ok(match value {
        Value::String(text) if is_template(text) => Value::String(fill(pointer, text)?),
        Value::Array(list) => {
            let items = list.iter().enumerate().map(|(place, item)| fill_value(item, &format!("{pointer}/{place}"), fill));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let filled = |(key, item): (&String, &Value)| {
                Ok((key.clone(), fill_value(item, &format!("{pointer}/{}", pointer_step(key)), fill)?))
            };
            Value::Object(map.iter().map(filled).collect::<Result<Map<_, _>, Fault>>()?)
        }
        plain => plain.clone(),
    })
}

fn context(facts: &Facts) -> Context {
    let mut context = Context::new();
    let time = |at: &DateTime<Tz>| at.to_rfc3339_opts(SecondsFormat::Millis, false);
    context.insert("scheduled_at", &time(&facts.scheduled_at));
    context.insert("now", &time(&facts.now));
    if let Some(at) = &facts.last_success_at {
        context.insert("last_success_at", &time(at));
    }
    context.insert("task", &json!({"id": facts.task_id, "name": facts.task_name, "type": facts.task_type}));
    context.insert("execution", &json!({"id": facts.execution_id}));
    context.insert("attempt", &facts.attempt);
    if let Some(previous) = &facts.previous {
        context.insert("previous", previous);
    }
    context.insert("env", &*facts.env);
    context
}

fn engine(secrets: Secrets) -> Tera {
    let mut engine = Tera::default();
    filters::register(&mut engine);
    engine.register_function("secret", move |arguments: Kwargs, _: &State| {
        let name: String = arguments.must_get("name")?;
        secrets(&name).ok_or_else(|| tera::Error::message(format!("there is no secret '{name}'")))
    });
    engine
}

/// Tera's functions take named arguments alone; `secret("name")` is what people write.
fn named_arguments(text: &str) -> String {
    static SECRET: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = SECRET.get_or_init(|| Regex::new(r#"\bsecret\(\s*("[^"]*"|'[^']*')\s*\)"#).ok());
    match pattern {
        Some(pattern) => pattern.replace_all(text, "secret(name=$1)").into_owned(),
        None => text.to_owned(),
    }
}

/// An error of the engine in one line, without the picture of the place that it draws for terminals.
fn said(error: &tera::Error) -> String {
    let line = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            format!("the template does not work: {} (line {})", line(report.message()), report.span().start_line)
        }
        _ => format!("the template does not work: {}", line(&error.to_string()).trim_start_matches("error: ")),
    }
}

/// Takes so many bytes and no more.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > FILLED_MAX {
            self.full = true;
            return Err(io::Error::other("full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
