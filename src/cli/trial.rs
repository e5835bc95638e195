//! Trials of what the settings name: whether it answers, told in one line. One that does not is exit status 1.

use serde_json::Value;

use super::Failure;
use super::call::{Call, Caller};
use super::look::{Look, Tone, text};

/// The keys of what is said of a good and of a bad trial, and the field in which a good one tells more.
pub(super) struct Words {
    pub(super) good: &'static str,
    pub(super) bad: &'static str,
    pub(super) said: &'static str,
}

/// Makes the call that tries `name`.
pub(super) async fn ask(call: Call, name: &str, words: &Words, caller: &Caller, look: &Look) -> Result<(), Failure> {
    let trial = caller.json(call, look).await?;
    let ok = trial["ok"] == Value::Bool(true);
    look.show(&trial, |trial| {
        let took = look.language().duration(trial["elapsed_ms"].as_i64().unwrap_or_default());
        let (key, tone, field) = if ok { (words.good, Tone::Good, words.said) } else { (words.bad, Tone::Bad, "error") };
        let values = [("name", name), ("took", &took), ("what", text(&trial[field]))];
        format!("{}\n", look.paint(tone, &look.fill(key, &values)))
    })?;
    if ok { Ok(()) } else { Err(Failure::Ended(1)) }
}
