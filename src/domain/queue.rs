//! Queues as administrators set them while the server runs: paused, or with another limit than in the settings file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::i18n::message;

/// The highest limit of a queue.
pub const MAX_LIMIT: i64 = 10_000;

/// What is set for a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSetting {
    /// Its runs wait until it is resumed; those that have begun go on.
    pub paused: bool,
    /// Concurrent runs in each process, 1 to [`MAX_LIMIT`]. `None`: as in the settings file of the process.
    pub limit: Option<i64>,
}

/// The settings of all queues that have some, by name.
pub type QueueSettings = BTreeMap<String, QueueSetting>;

/// A change by an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueChange {
    Pause,
    Resume,
    /// Sets the limit; `None`: as in the settings file.
    Resize(Option<i64>),
}

impl QueueSetting {
    /// The setting after a change.
    ///
    /// # Errors
    /// A fault of the limit.
    pub fn changed(&self, change: QueueChange) -> Result<QueueSetting, Fault> {
        match change {
            QueueChange::Pause => Ok(QueueSetting { paused: true, ..self.clone() }),
            QueueChange::Resume => Ok(QueueSetting { paused: false, ..self.clone() }),
            QueueChange::Resize(limit) => match limit.filter(|limit| !(1..=MAX_LIMIT).contains(limit)) {
                None => Ok(QueueSetting { limit, ..self.clone() }),
                Some(value) => {
                    Err(Fault::new("/limit", message!("value.out_of_range", value, min = 1, max = MAX_LIMIT).of("limit")))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_keep_what_they_do_not_name() {
        let paused = QueueSetting::default().changed(QueueChange::Pause).unwrap();
        let resized = paused.changed(QueueChange::Resize(Some(3))).unwrap();
        assert_eq!(resized, QueueSetting { paused: true, limit: Some(3) });
        assert_eq!(resized.changed(QueueChange::Resume), Ok(QueueSetting { paused: false, limit: Some(3) }));
        assert_eq!(resized.changed(QueueChange::Resize(None)), Ok(paused));
    }

    #[test]
    fn limits_have_a_range() {
        for limit in [0, -1, MAX_LIMIT + 1] {
            let fault = QueueSetting::default().changed(QueueChange::Resize(Some(limit))).unwrap_err();
            assert_eq!(fault.pointer, "/limit", "{limit}");
        }
    }
}
