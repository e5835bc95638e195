//! View of the explanation of a time of a task.

use chrono_tz::Tz;
use serde::Serialize;

use super::context::ViewContext;
use super::{Moment, View};
use crate::domain::why::Explanation;
use crate::web::urls::encode;

#[derive(Debug, Clone, Serialize)]
pub struct WhyPage {
    pub task_id: String,
    pub title: String,
    pub task_href: String,
    pub zone: String,
    /// The time as it was given.
    pub at: String,
    pub message: String,
    pub answer: Option<Answer>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    pub at: Moment,
    pub due: bool,
    /// The status of the record; empty: there is none.
    pub decided: &'static str,
    /// The page of the record; empty: there is none.
    pub href: String,
    pub reasons: Vec<Reason>,
}

/// One condition of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub what: &'static str,
    pub holds: bool,
    pub detail: String,
}

impl Answer {
    pub fn new(ctx: &ViewContext, found: &Explanation, zone: Tz) -> Answer {
        let reasons = found.reasons.iter().map(|check| Reason {
            what: check.what,
            holds: check.holds,
            detail: check.detail.text(ctx.language),
        });
        Answer {
            at: Moment::zoned(found.at, zone),
            due: found.due,
            decided: found.decided.map_or("", |status| status.as_str()),
            href: found.execution_id.as_ref().map(|id| format!("/executions/{}", encode(id))).unwrap_or_default(),
            reasons: reasons.collect(),
        }
    }
}

impl View for WhyPage {
    const TEMPLATE: &'static str = "pages/why.html";

    fn samples() -> Vec<Self> {
        let page = |message: &str, answer| WhyPage {
            task_id: "<b>".into(),
            title: "<b>".into(),
            task_href: "/tasks/x".into(),
            zone: "Asia/Shanghai".into(),
            at: "<b>".into(),
            message: message.into(),
            answer,
        };
        let answer = |due, decided, href: &str| {
            let reasons = vec![
                Reason { what: "rule", holds: true, detail: "<b>".into() },
                Reason { what: "pause", holds: false, detail: "<b>".into() },
            ];
            Some(Answer { at: Moment::sample(), due, decided, href: href.into(), reasons })
        };
        let answers = [answer(true, "skipped", "/executions/x"), answer(true, "", ""), answer(false, "", "")];
        answers.into_iter().map(|answer| page("", answer)).chain([page("…", None)]).collect()
    }
}
