//! YAML as far as JSON goes: values are written in block style and read from YAML 1.2, whatever its style.

mod read;
mod write;

pub use read::read;
pub use write::write;
