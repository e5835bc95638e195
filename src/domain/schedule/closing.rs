//! Notes on occurrences that a calendar or a freeze changed.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::calendar::DayName;
use crate::i18n::{Message, message};

/// What became of an occurrence of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// As the rule says.
    Regular,
    /// A calendar moved it to another day.
    Moved,
    /// It waited until the calendar opened.
    Held,
    /// It does not run.
    Closed(Closing),
}

impl Note {
    /// Its name in answers; `None`: nothing is to be noted.
    pub const fn as_str(&self) -> Option<&'static str> {
        match self {
            Note::Regular => None,
            Note::Moved => Some("moved"),
            Note::Held => Some("held"),
            Note::Closed(_) => Some("closed"),
        }
    }
}

/// Why an occurrence does not run.
#[derive(Debug, Clone, PartialEq)]
pub enum Closing {
    /// The day is not a working day.
    Day {
        calendar: Arc<str>,
        name: Option<DayName>,
    },
    /// A window of the calendar is closed.
    Window {
        calendar: Arc<str>,
        name: Option<DayName>,
    },
    /// The task runs only while the calendars are closed, and they are open.
    Open {
        calendars: String,
    },
    Freeze {
        reason: String,
        until: DateTime<Utc>,
    },
}

/// The codes of the reasons that calendars give.
pub const REASONS: [&str; 3] = ["firing.closed_day", "firing.closed_window", "firing.calendar_open"];
/// The codes of the reasons that freezes give.
pub const FROZEN: [&str; 2] = ["firing.frozen", "firing.frozen_because"];

impl Closing {
    /// The reason, for the log.
    pub fn message(&self) -> Message {
        let name = |name: &Option<DayName>| match name {
            Some(name) => message!("firing.named_day", name = name.message()),
            None => Message::verbatim(""),
        };
        match self {
            Closing::Day { calendar, name: day } => message!("firing.closed_day", calendar = &**calendar, name = name(day)),
            Closing::Window { calendar, name: window } => {
                message!("firing.closed_window", calendar = &**calendar, name = name(window))
            }
            Closing::Open { calendars } => message!("firing.calendar_open", calendars),
            Closing::Freeze { reason, until } => {
                let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
                match reason.is_empty() {
                    true => message!("firing.frozen", until),
                    false => message!("firing.frozen_because", until, reason),
                }
            }
        }
    }
}
