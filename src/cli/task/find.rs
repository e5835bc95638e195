//! Lookup of a task by its id, with a suggestion for a misspelt one.

use serde_json::Value;

use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call};
use crate::cli::output_options::{OutputOptions, text};
use crate::cli::pages::items;

/// How many ids are compared for a suggestion.
const SUGGESTION_CANDIDATES: u32 = 500;

/// Reads a task.
///
/// # Errors
/// [`Failure::NotFound`], with the most similar id; and those of the request.
pub(in crate::cli) async fn find_task(client: &ApiClient, output: &OutputOptions, id: &str) -> Result<Value, Failure> {
    with_suggestion(client, output, id, client.json(Call::get(&["tasks", id]), output).await).await
}

/// Adds the most similar id to a not-found failure.
pub(super) async fn with_suggestion<T>(
    client: &ApiClient,
    output: &OutputOptions,
    id: &str,
    done: Result<T, Failure>,
) -> Result<T, Failure> {
    let Err(Failure::NotFound(message)) = done else { return done };
    let known = client.json(Call::get(&["tasks"]).query("page_size", SUGGESTION_CANDIDATES), output).await.unwrap_or_default();
    let near =
        items(&known).iter().map(|task| text(&task["id"])).map(|known| (strsim::damerau_levenshtein(id, known), known)).min();
    Err(Failure::NotFound(match near {
        Some((distance, known)) if distance <= 1 + known.chars().count() / 4 => {
            output.fill("task.did_you_mean", &[("message", &message), ("id", known)])
        }
        _ => message,
    }))
}
