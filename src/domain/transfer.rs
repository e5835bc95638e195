//! Tasks as one document: written in a stable order and without what goes without saying, so that it is fit for a
//! repository, and read back into what would be created, changed and deleted.

mod document;
mod plan;

pub use document::{Document, Format, MAX_DOCUMENT, compact, find_nul, read, to_document};
pub use plan::{Change, ChangeKind, Difference, Plan, Step, differences, plan};
