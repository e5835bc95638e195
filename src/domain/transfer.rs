//! Export and import of tasks as one document. An export has a stable order and omits defaults, so it suits version
//! control; an import becomes a plan of creations, updates and deletions.

mod document;
mod plan;

pub use document::{Document, Exported, Format, HookMark, MAX_DOCUMENT, compact, find_nul, read, to_document};
pub use plan::{Change, ChangeKind, Difference, Plan, Step, differences, plan};
