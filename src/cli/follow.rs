//! Follows a run to its end, with its output as it comes. Asked again and again in small steps, which works in the same way
//! over the network and on a database that another process runs.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Failure;
use super::call::{Call, Caller};
use super::look::Look;
use super::pour;

/// The pause between two looks.
const EVERY: Duration = Duration::from_millis(150);
/// The longest pause, of a run that has been quiet for long.
const LONGEST: Duration = Duration::from_millis(1000);
/// How often somebody looks whether there is still anything to run it.
const ANYBODY: Duration = Duration::from_secs(5);

/// What to follow a run for.
pub(super) struct Follow {
    /// Whether to show its output.
    pub(super) output: bool,
    /// Only what this attempt writes.
    pub(super) attempt: Option<u32>,
    /// How long to wait at most.
    pub(super) limit: Option<Duration>,
}

/// Waits for the end of a run, and answers it as it is then.
///
/// # Errors
/// [`Failure::Unreachable`] where nothing is there to run it, or the time is over; and as the calls.
pub(super) async fn follow(id: &str, wanted: &Follow, caller: &Caller, look: &Look) -> Result<Value, Failure> {
    let begun = Instant::now();
    let (mut place, mut pause, mut asked) = ("0.0".to_owned(), EVERY, None::<Instant>);
    loop {
        let mut call = Call::get(&["executions", id, "output"]).query("after", &place);
        call = call.query_some("attempt", wanted.attempt.as_ref());
        let answer = caller.send(call, look).await?;
        if wanted.output && !answer.body.is_empty() {
            pour(&answer.body)?;
        }
        let before = std::mem::replace(&mut place, answer.header("belfry-output-place").unwrap_or_default().to_owned());
        let status = answer.header("belfry-execution-status").unwrap_or_default().to_owned();
        if !matches!(status.as_str(), "queued" | "running") {
            return caller.json(Call::get(&["executions", id]), look).await;
        }
        if wanted.limit.is_some_and(|limit| begun.elapsed() >= limit) {
            let (word, _) = look.status(&status);
            return Err(Failure::Unreachable(look.fill("run.waited", &[("id", id), ("status", &word)])));
        }
        if asked.is_none_or(|asked| asked.elapsed() >= ANYBODY) {
            asked = Some(Instant::now());
            if !caller.can_run(look).await? {
                return Err(Failure::Unreachable(look.fill("run.nobody_waits", &[("id", id)])));
            }
        }
        pause = if before == place { (pause * 5 / 4).min(LONGEST) } else { EVERY };
        let left = wanted.limit.map_or(pause, |limit| limit.saturating_sub(begun.elapsed()).min(pause));
        tokio::time::sleep(left).await;
    }
}
