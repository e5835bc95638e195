//! `/`: how things stand.

use std::sync::Arc;

use crate::web::view::overview::Overview;
use crate::web::visit::{Answer, Visit};

/// `GET /`
pub async fn show(visit: Arc<Visit>) -> Answer {
    let found = visit.service().overview(visit.actor()?).await?;
    visit.page("overview", &Overview::new(&visit, &found))
}
