//! The outcome of a run as a line and as an exit status.

use serde_json::Value;

use super::Failure;
use super::output_options::{OutputOptions, text};

/// The same as coreutils' `timeout`.
const TIMED_OUT: u8 = 124;
/// The same as a program ended by Ctrl+C.
const CANCELLED: u8 = 130;

/// Returns `Ok` for success, else [`Failure::Ended`] with the exit status: a command's own, 124 timed out, 130 cancelled, 1 otherwise.
pub(super) fn status(run: &Value) -> Result<(), Failure> {
    let own = run["result"]["exit_code"].as_u64().and_then(|code| u8::try_from(code).ok()).filter(|code| *code > 0);
    match text(&run["status"]) {
        "succeeded" => Ok(()),
        "timed_out" => Err(Failure::Ended(TIMED_OUT)),
        "cancelled" => Err(Failure::Ended(CANCELLED)),
        _ => Err(Failure::Ended(own.unwrap_or(1))),
    }
}

/// One line about the outcome of a run.
pub(super) fn line(run: &Value, output: &OutputOptions) -> String {
    let (word, tone) = output.status(text(&run["status"]));
    let took = run["duration_ms"].as_i64().map_or_else(String::new, |ms| format!(" ({})", output.language().duration(ms)));
    let error = run["error"].as_str().map_or_else(String::new, |error| format!(": {error}"));
    format!("{} {}{took}{error}\n", text(&run["task_id"]), output.paint(tone, &word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn exit_status_follows_the_outcome() {
        let status = |run: Value| status(&run).err().map_or(0, |failure| failure.status());
        assert_eq!(status(json!({"status": "succeeded", "result": {"exit_code": 3}})), 0, "the task counts 3 as success");
        assert_eq!(status(json!({"status": "failed", "result": {"exit_code": 3}})), 3);
        assert_eq!(status(json!({"status": "failed", "result": {"exit_code": 4_294_967_295_u64}})), 1, "of Windows");
        assert_eq!(status(json!({"status": "failed", "result": null})), 1);
        assert_eq!(status(json!({"status": "timed_out"})), 124);
        assert_eq!(status(json!({"status": "cancelled"})), 130);
        assert_eq!(status(json!({"status": "interrupted"})), 1);
    }
}
