//! A task by its id; where there is none, the nearest there is.

use serde_json::Value;

use crate::cli::Failure;
use crate::cli::call::{Call, Caller};
use crate::cli::look::{Look, text};
use crate::cli::pages::items;

/// Ids that are looked through for the nearest one.
const LOOKED_AT: u32 = 500;

/// Reads a task.
///
/// # Errors
/// [`Failure::NotFound`], which names the nearest id; and as every call.
pub(in crate::cli) async fn found(caller: &Caller, look: &Look, id: &str) -> Result<Value, Failure> {
    hinted(caller, look, id, caller.json(Call::get(&["tasks", id]), look).await).await
}

/// Adds the nearest id to a failure that found no task.
///
/// # Errors
/// Those of the call.
pub(super) async fn hinted<T>(caller: &Caller, look: &Look, id: &str, done: Result<T, Failure>) -> Result<T, Failure> {
    let Err(Failure::NotFound(message)) = done else { return done };
    let known = caller.json(Call::get(&["tasks"]).query("page_size", LOOKED_AT), look).await.unwrap_or_default();
    let near =
        items(&known).iter().map(|task| text(&task["id"])).map(|known| (strsim::damerau_levenshtein(id, known), known)).min();
    Err(Failure::NotFound(match near {
        Some((distance, known)) if distance <= 1 + known.chars().count() / 4 => {
            look.fill("task.did_you_mean", &[("message", &message), ("id", known)])
        }
        _ => message,
    }))
}
