//! The part of a request that views need: language, user, time and the names of task types.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::user::Actor;
use crate::i18n::{Language, Texts};
use crate::tasks::registry::Registry;

/// The values that views are built from, besides their data.
pub struct ViewContext<'a> {
    pub language: Language,
    pub texts: &'a Texts,
    /// The signed-in user.
    pub actor: Option<&'a Actor>,
    /// The server's time zone.
    pub zone: Tz,
    pub now: DateTime<Utc>,
    pub registry: &'a Registry,
}

impl ViewContext<'_> {
    pub fn t<'k>(&'k self, key: &'k str) -> &'k str {
        self.texts.get(key)
    }
}
