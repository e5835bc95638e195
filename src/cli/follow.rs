//! Following a run to its end, with its output. It polls, which works the same over the network and on a database that another
//! process uses.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Failure;
use super::call::{ApiClient, Call};
use super::output_options::OutputOptions;
use super::write_stdout;

/// The shortest pause between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(150);
/// The longest pause, for a run that has been quiet for long.
const MAX_POLL_INTERVAL: Duration = Duration::from_millis(1000);
/// How often to check that a server is there to run it.
const SERVER_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Options for following a run.
pub(super) struct Follow {
    /// Whether to print its output.
    pub(super) output: bool,
    /// Only the output of this attempt.
    pub(super) attempt: Option<u32>,
    /// How long to wait at most.
    pub(super) limit: Option<Duration>,
}

/// Waits for the end of a run and returns the execution.
///
/// # Errors
/// [`Failure::Unreachable`] if no server is there to run it or the limit has passed; and the errors of the requests.
pub(super) async fn follow(id: &str, wanted: &Follow, client: &ApiClient, output: &OutputOptions) -> Result<Value, Failure> {
    let started = Instant::now();
    let (mut place, mut pause, mut asked) = ("0.0".to_owned(), POLL_INTERVAL, None::<Instant>);
    loop {
        let mut call = Call::get(&["executions", id, "output"]).query("after", &place);
        call = call.query_some("attempt", wanted.attempt.as_ref());
        let answer = client.send(call, output).await?;
        if wanted.output && !answer.body.is_empty() {
            write_stdout(&answer.body)?;
        }
        let before = std::mem::replace(&mut place, answer.header("belfry-output-place").unwrap_or_default().to_owned());
        let status = answer.header("belfry-execution-status").unwrap_or_default().to_owned();
        if !matches!(status.as_str(), "queued" | "running") {
            return client.json(Call::get(&["executions", id]), output).await;
        }
        if wanted.limit.is_some_and(|limit| started.elapsed() >= limit) {
            let (word, _) = output.status(&status);
            return Err(Failure::Unreachable(output.fill("run.still_running", &[("id", id), ("status", &word)])));
        }
        if asked.is_none_or(|asked| asked.elapsed() >= SERVER_CHECK_INTERVAL) {
            asked = Some(Instant::now());
            if !client.can_run(output).await? {
                return Err(Failure::Unreachable(output.fill("run.no_server_waiting", &[("id", id)])));
            }
        }
        pause = if before == place { (pause * 5 / 4).min(MAX_POLL_INTERVAL) } else { POLL_INTERVAL };
        let left = wanted.limit.map_or(pause, |limit| limit.saturating_sub(started.elapsed()).min(pause));
        tokio::time::sleep(left).await;
    }
}
