//! YAML reader and writer for JSON values: writes block style, reads any style of YAML 1.2.

mod number;
mod read;
mod write;

pub use read::{SyntaxError, read};
pub use write::write;
