//! The time of a line that is a JSON object, wherever its key stands.

use std::sync::LazyLock;

use regex::Regex;

use super::{Stamp, forms};

/// The keys are looked for in this many bytes.
const WITHIN: usize = 16 * 1024;

static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let keys = "@?timestamp|time|ts|@t|datetime|date|asctime|eventTime|time_local|time_iso8601";
    Regex::new(&format!(r#""(?:{keys})"\s*:\s*(?:"([^"]{{8,60}})"|([0-9.]{{10,30}}))"#)).ok()
});

/// The time of a JSON object; `None` if the line is none or has no time.
pub(super) fn find(line: &str) -> Option<Stamp> {
    let line = line.trim_start();
    if !line.starts_with('{') {
        return None;
    }
    let found = KEY.as_ref()?.captures(&line[..line.floor_char_boundary(WITHIN)])?;
    forms::whole(found.get(1).or_else(|| found.get(2))?.as_str())
}
