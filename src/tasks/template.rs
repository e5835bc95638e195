//! Templates in parameters: renders the Tera expressions in strings when a run starts. They can use the variables of the run only:
//! no files and no other templates.

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
pub mod injection;

/// The largest size of a rendered string, in bytes.
const RENDERED_MAX_BYTES: usize = 4 << 20;
/// The variables of a template.
const VARIABLES: [&str; 8] = ["scheduled_at", "now", "last_success_at", "task", "execution", "attempt", "previous", "env"];

/// The values of the variables for one run. Times are rendered with the offset of their time zone.
#[derive(Debug, Clone)]
pub struct TemplateVariables {
    pub scheduled_at: DateTime<Tz>,
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
}

/// Looks up a secret by its name.
pub type Secrets = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

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
    engine.add_raw_template(NAME, &named_arguments(text)).map_err(|error| error_line(&error))?;
    let unknown = engine.get_template_variables(NAME).map_err(|error| error_line(&error))?;
    match unknown.into_iter().find(|name| !VARIABLES.contains(name)) {
        Some(name) => Err(format!("unknown template variable '{name}'; known are {}", VARIABLES.join(", "))),
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

/// The parameters with all expressions rendered. May take long, because a template can loop.
///
/// # Errors
/// The first string that cannot be rendered.
pub fn render(params: &Value, variables: &TemplateVariables, secrets: Secrets) -> Result<Value, Fault> {
    let engine = engine(secrets);
    let context = context(variables);
    render_value(params, "", &|pointer, text| {
        let mut writer = LimitedWriter::default();
        let filled = engine.render_str_to(&named_arguments(text), &context, false, &mut writer);
        let fault = |what: String| Fault::new(pointer, format!("{}: {what}", pointer.trim_start_matches('/')));
        match filled {
            Ok(()) => Ok(String::from_utf8_lossy(&writer.bytes).into_owned()),
            Err(_) if writer.full => Err(fault(format!("the rendered template is longer than {RENDERED_MAX_BYTES} bytes"))),
            Err(error) => Err(fault(error_line(&error))),
        }
    })
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
    context.insert("now", &time(&variables.now));
    if let Some(at) = &variables.last_success_at {
        context.insert("last_success_at", &time(at));
    }
    context.insert("task", &json!({"id": variables.task_id, "name": variables.task_name, "type": variables.task_type}));
    context.insert("execution", &json!({"id": variables.execution_id}));
    context.insert("attempt", &variables.attempt);
    if let Some(previous) = &variables.previous {
        context.insert("previous", previous);
    }
    context.insert("env", &*variables.env);
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

/// Rewrites `secret("name")` to `secret(name="name")`, because Tera's functions take named arguments only.
fn named_arguments(text: &str) -> String {
    static SECRET: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = SECRET.get_or_init(|| Regex::new(r#"\bsecret\(\s*("[^"]*"|'[^']*')\s*\)"#).ok());
    match pattern {
        Some(pattern) => pattern.replace_all(text, "secret(name=$1)").into_owned(),
        None => text.to_owned(),
    }
}

/// An error of the engine as one line, without its drawing of the source location.
fn error_line(error: &tera::Error) -> String {
    let line = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            format!("template error: {} (line {})", line(report.message()), report.span().start_line)
        }
        _ => format!("template error: {}", line(&error.to_string()).trim_start_matches("error: ")),
    }
}

/// A writer that fails after [`RENDERED_MAX_BYTES`] bytes.
#[derive(Default)]
struct LimitedWriter {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for LimitedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > RENDERED_MAX_BYTES {
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
