//! The task types there are.

use std::sync::Arc;

use crate::web::view::task_types::{TaskTypes, TypeView};
use crate::web::visit::{Answer, Visit};

/// `GET /task-types`
pub async fn list(visit: Arc<Visit>) -> Answer {
    let types = visit.service().registry().all().iter().map(|entry| TypeView::new(&entry.spec, visit.language)).collect();
    visit.page("task-types", &TaskTypes { types })
}
