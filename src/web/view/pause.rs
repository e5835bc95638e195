//! Views of pauses: the dialog, and the note on a task's page.

use chrono_tz::Tz;
use serde::Serialize;

use super::task_form::Fields;
use super::{Moment, View};
use crate::domain::pause::Pause;

/// The dialog that pauses a task, or changes its pause.
#[derive(Debug, Clone, Serialize)]
pub struct PauseForm {
    /// The task's id.
    pub about: String,
    pub post_to: String,
    pub back: String,
    /// The task's time zone.
    pub zone: String,
    pub message: String,
    pub form: Fields,
}

/// The pause of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PauseNote {
    pub since: Moment,
    pub until: Option<Moment>,
    pub reason: String,
    pub by: String,
}

impl PauseNote {
    pub fn new(pause: &Pause, zone: Tz) -> PauseNote {
        PauseNote {
            since: Moment::zoned(pause.since, zone),
            until: pause.until.map(|until| Moment::zoned(until, zone)),
            reason: pause.reason.clone(),
            by: pause.by.clone(),
        }
    }

    /// A note for samples.
    pub fn sample() -> PauseNote {
        PauseNote { since: Moment::sample(), until: Some(Moment::sample()), reason: "<b>".into(), by: "<b>".into() }
    }
}

impl View for PauseForm {
    const TEMPLATE: &'static str = "pages/pause.html";

    fn samples() -> Vec<Self> {
        let form = |message: &str| PauseForm {
            about: "<b>".into(),
            post_to: "/tasks/x/pause".into(),
            back: "/tasks/x".into(),
            zone: "Asia/Shanghai".into(),
            message: message.into(),
            form: Fields::default(),
        };
        vec![form(""), form("…")]
    }
}
