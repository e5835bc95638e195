//! Views of queues: the page, the dialog that changes a limit, and the lines of the overview.

use serde::Serialize;

use super::View;
use super::task_form::Fields;
use crate::domain::queue::MAX_LIMIT;
use crate::service::{QueueState, Queues};
use crate::web::urls::with_query;

pub const LIST: &str = "/settings/queues";

#[derive(Debug, Clone, Serialize)]
pub struct QueuesPage {
    pub queues: Vec<QueueLine>,
    /// False: the counts are lower bounds.
    pub is_exact: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueLine {
    pub name: String,
    pub waiting: i64,
    pub running: i64,
    /// Concurrent runs on each node; empty if this node does not serve the queue.
    pub limit: Option<i64>,
    /// The limit in the settings file, if another one is set.
    pub usual_limit: Option<i64>,
    pub paused: bool,
    /// The URL of the dialog for the limit.
    pub resize: String,
}

impl QueueLine {
    pub fn new(queue: &QueueState) -> QueueLine {
        QueueLine {
            name: queue.name.clone(),
            waiting: queue.waiting,
            running: queue.running,
            limit: queue.limit(),
            usual_limit: queue.usual_limit.filter(|limit| queue.setting.limit.is_some_and(|set| set != *limit)),
            paused: queue.setting.paused,
            resize: with_query("/settings/queues/limit", &[("name", &queue.name)]),
        }
    }

    /// A line for samples.
    pub fn sample(name: &str, paused: bool) -> QueueLine {
        QueueLine {
            name: name.into(),
            waiting: 1234,
            running: 3,
            limit: (!paused).then_some(8),
            usual_limit: (!paused).then_some(16),
            paused,
            resize: "/settings/queues/limit?name=x".into(),
        }
    }
}

impl QueuesPage {
    pub fn new(found: &Queues) -> QueuesPage {
        QueuesPage { queues: found.queues.iter().map(QueueLine::new).collect(), is_exact: found.is_exact }
    }
}

/// The dialog that changes the limit of a queue.
#[derive(Debug, Clone, Serialize)]
pub struct QueueLimitForm {
    /// The queue.
    pub about: String,
    /// The limit in the settings file.
    pub usual_limit: Option<i64>,
    pub highest: i64,
    pub back: &'static str,
    pub message: String,
    pub form: Fields,
}

impl QueueLimitForm {
    pub fn new(queue: &QueueState, form: Fields, message: String) -> QueueLimitForm {
        QueueLimitForm {
            about: queue.name.clone(),
            usual_limit: queue.usual_limit,
            highest: MAX_LIMIT,
            back: LIST,
            message,
            form,
        }
    }
}

impl View for QueuesPage {
    const TEMPLATE: &'static str = "pages/queues.html";

    fn samples() -> Vec<Self> {
        let queues = vec![QueueLine::sample("<b>", false), QueueLine::sample("slow", true)];
        vec![QueuesPage { queues: queues.clone(), is_exact: true }, QueuesPage { queues, is_exact: false }]
    }
}

impl View for QueueLimitForm {
    const TEMPLATE: &'static str = "pages/queue_limit.html";

    fn samples() -> Vec<Self> {
        let form = |usual_limit, message: &str| QueueLimitForm {
            about: "<b>".into(),
            usual_limit,
            highest: MAX_LIMIT,
            back: LIST,
            message: message.into(),
            form: Fields::default(),
        };
        vec![form(Some(8), ""), form(None, "…")]
    }
}
