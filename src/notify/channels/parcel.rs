//! The content of one request: the notices, and an id that every repetition keeps.

use chrono::{DateTime, Utc};

use crate::domain::notify::message::Notice;

/// One or several notices for one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The same for each try.
    pub id: String,
    /// At least one.
    pub items: Vec<Item>,
    /// The public URL of Belfry with its base path, if there is one.
    pub public_url: Option<String>,
    pub now: DateTime<Utc>,
}

/// A notice, with its incident if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub notice: Notice,
    pub incident_id: Option<String>,
}

impl Parcel {
    pub fn notices(&self) -> Vec<&Notice> {
        self.items.iter().map(|item| &item.notice).collect()
    }

    /// Whether one of the notices is urgent.
    pub fn is_urgent(&self) -> bool {
        self.items.iter().any(|item| item.notice.urgent)
    }

    /// The URL of a notice's page.
    pub fn link_of(&self, notice: &Notice) -> Option<String> {
        Some(format!("{}{}", self.public_url.as_deref()?, notice.path.as_deref()?))
    }

    /// The URL of the page with more: that of the only notice, or Belfry's own.
    pub fn link(&self) -> Option<String> {
        match self.items.as_slice() {
            [only] => self.link_of(&only.notice),
            _ => self.public_url.as_ref().map(|url| format!("{url}/")),
        }
    }
}
