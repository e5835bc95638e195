//! YAML reader and writer for JSON values: writes block style, reads any style of YAML 1.2.

mod read;
mod write;

pub use read::read;
pub use write::write;
