//! Render budget: bounds the steps, the time and the memory of one rendering. The calls that `source` inserts spend it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use crate::i18n::{Message, message};

/// The functions that `source` inserts.
pub(super) const STEP: &str = "budget_step";
pub(super) const KEEP: &str = "budget_keep";

/// The longest time that the templates of one run may take to render.
const TIME_MAX: Duration = Duration::from_secs(10);
/// The most steps: expressions and turns of loops.
const STEPS_MAX: usize = 500_000;
/// The largest value of a variable, and of a filter that can enlarge its input, in bytes.
pub(super) const VALUE_MAX: usize = 2 << 20;
/// The most bytes of all rendered strings, and of all values of variables.
const BYTES_MAX: usize = 16 << 20;
/// The largest size of one rendered string, in bytes.
pub(super) const TEXT_MAX: usize = 4 << 20;

/// The budget of the templates of one run.
#[derive(Debug)]
pub(super) struct Budget {
    deadline: Instant,
    stopped: AtomicBool,
    steps: AtomicUsize,
    kept: AtomicUsize,
    written: AtomicUsize,
    exceeded: OnceLock<Message>,
    fault: OnceLock<Message>,
}

impl Budget {
    pub fn new() -> Self {
        let (steps, kept, written) = Default::default();
        let (deadline, stopped) = (Instant::now() + TIME_MAX, AtomicBool::new(false));
        let (exceeded, fault) = Default::default();
        Self { deadline, stopped, steps, kept, written, exceeded, fault }
    }

    /// What the rendering used up, if that ended it.
    pub fn exceeded(&self) -> Option<Message> {
        self.exceeded.get().cloned()
    }

    /// Why a filter or a function failed, if that ended the rendering.
    pub fn fault(&self) -> Option<Message> {
        self.fault.get().cloned()
    }

    /// The error of a filter or a function. Its message is kept, because the engine's error holds words of one language only.
    pub fn fail(&self, fault: Message) -> Error {
        let error = Error::message(fault.to_string());
        let _ = self.fault.set(fault); // the first failure ends the rendering
        error
    }

    /// The result for the engine. An excess is kept, because the engine's error would surround it with its own words.
    fn spend(&self, result: Result<(), Message>) -> TeraResult<&'static str> {
        result.map(|()| "").map_err(|over| self.refuse(over))
    }

    /// The error that ends the rendering because of an excess.
    pub fn refuse(&self, over: Message) -> Error {
        let error = Error::message(over.to_string());
        let _ = self.exceeded.set(over); // the first excess is the cause
        error
    }

    /// Ends the rendering at its next step.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn step(&self) -> Result<(), Message> {
        if self.steps.fetch_add(1, Ordering::Relaxed) >= STEPS_MAX {
            return Err(message!("template.too_many_steps", max = STEPS_MAX));
        }
        if self.stopped.load(Ordering::Relaxed) || Instant::now() >= self.deadline {
            return Err(message!("template.too_slow", seconds = TIME_MAX.as_secs()));
        }
        Ok(())
    }

    fn keep(&self, value: &Value) -> Result<(), Message> {
        let size = size(value, VALUE_MAX);
        if size > VALUE_MAX {
            return Err(message!("template.value_too_large", max = VALUE_MAX));
        }
        if self.kept.fetch_add(size, Ordering::Relaxed) + size > BYTES_MAX {
            return Err(message!("template.values_too_large", max = BYTES_MAX));
        }
        self.step()
    }
}

/// Registers a filter.
pub(super) fn filter<T: Into<Value> + 'static>(
    engine: &mut Tera,
    budget: &Arc<Budget>,
    name: &'static str,
    filter: fn(&Value, &Kwargs, &Budget) -> TeraResult<T>,
) {
    let budget = budget.clone();
    engine.register_filter(name, move |value: Value, arguments: Kwargs, _: &State| filter(&value, &arguments, &budget));
}

/// Registers the functions that spend the budget.
pub(super) fn register(engine: &mut Tera, budget: &Arc<Budget>) {
    let steps = budget.clone();
    engine.register_function(STEP, move |_: Kwargs, _: &State| -> TeraResult<&'static str> { steps.spend(steps.step()) });
    let keeps = budget.clone();
    engine.register_function(KEEP, move |arguments: Kwargs, _: &State| -> TeraResult<&'static str> {
        arguments.get::<Value>("value")?.map_or(Ok(""), |value| keeps.spend(keeps.keep(&value)))
    });
}

/// How deep a value may be nested; whoever walks it recurses.
const DEPTH_MAX: usize = 200;

/// The size of a value in bytes, about that of its JSON; counting stops above `limit`. A value may hold another one several
/// times, so its size can exceed its memory by far. A value that is nested too deep counts as larger than any limit.
pub(super) fn size(value: &Value, limit: usize) -> usize {
    measured(value, limit, DEPTH_MAX)
}

fn measured(value: &Value, limit: usize, depth: usize) -> usize {
    if depth == 0 {
        return limit + 1;
    }
    let mut total = 8;
    if let Some(text) = value.as_str() {
        total += text.len();
    } else if let Some(bytes) = value.as_bytes() {
        total += bytes.len();
    } else if let Some(items) = value.as_array() {
        for item in items {
            if total > limit {
                break;
            }
            total += measured(item, limit - total, depth - 1);
        }
    } else if let Some(map) = value.as_map() {
        for (key, item) in map {
            if total > limit {
                break;
            }
            total += key.as_str().map_or(8, str::len);
            total += measured(item, limit.saturating_sub(total), depth - 1);
        }
    }
    total
}

/// A writer that fails after [`TEXT_MAX`] bytes of one string and [`BYTES_MAX`] bytes of all strings.
pub(super) struct BoundedWriter<'b> {
    budget: &'b Budget,
    pub bytes: Vec<u8>,
    /// Whether it failed.
    pub full: bool,
}

impl<'b> BoundedWriter<'b> {
    pub fn new(budget: &'b Budget) -> Self {
        Self { budget, bytes: Vec::new(), full: false }
    }
}

impl Write for BoundedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let all = self.budget.written.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        if self.bytes.len() + bytes.len() > TEXT_MAX || all > BYTES_MAX {
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
mod tests {
    use super::*;

    #[test]
    fn size_stops_counting_above_the_limit() {
        let mut value = Value::from(vec![Value::from("four"), Value::from(1)]);
        assert_eq!(size(&value, 100), 28);
        for _ in 0..60 {
            value = Value::from(vec![value.clone(), value]);
        }
        assert!(size(&value, 1_000) > 1_000);
    }

    #[test]
    fn stopped_budget_refuses_the_next_step() {
        let budget = Budget::new();
        assert_eq!(budget.step(), Ok(()));
        budget.stop();
        assert_eq!(budget.step().unwrap_err().code(), "template.too_slow");
    }
}
