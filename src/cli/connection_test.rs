//! Connection tests of configured profiles, printed as one line; a failed test has exit status 1.

use serde_json::Value;

use super::Failure;
use super::call::{ApiClient, Call};
use super::output_options::{OutputOptions, Tone, text};

/// The text keys for success and failure, and the field with details of a success.
pub(super) struct TestTexts {
    pub(super) success: &'static str,
    pub(super) failure: &'static str,
    pub(super) detail_field: &'static str,
}

/// Sends the request that tests `name` and prints its result.
pub(super) async fn run(
    call: Call,
    name: &str,
    texts: &TestTexts,
    client: &ApiClient,
    output: &OutputOptions,
) -> Result<(), Failure> {
    let result = client.json(call, output).await?;
    let ok = result["ok"] == Value::Bool(true);
    output.show(&result, |result| {
        let took = output.language().duration(result["elapsed_ms"].as_i64().unwrap_or_default());
        let (key, tone, field) =
            if ok { (texts.success, Tone::Good, texts.detail_field) } else { (texts.failure, Tone::Bad, "error") };
        let values = [("name", name), ("took", &took), ("what", text(&result[field]))];
        format!("{}\n", output.paint(tone, &output.fill(key, &values)))
    })?;
    if ok { Ok(()) } else { Err(Failure::Ended(1)) }
}
