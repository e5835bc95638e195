//! The running processes, the queues, and what runs.

use std::sync::Arc;

use crate::web::view::nodes::NodesPage;
use crate::web::visit::{Answer, Visit};

/// `GET /nodes`
pub async fn show(visit: Arc<Visit>) -> Answer {
    let found = visit.service().nodes(visit.actor()?).await?;
    visit.page("settings", &NodesPage::new(&visit, &found))
}
