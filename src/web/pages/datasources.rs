//! Datasources: seen by all, tried by administrators.

use std::sync::Arc;

use crate::web::view::resources::{DatasourceList, DatasourceRow, TrialView};
use crate::web::visit::{Answer, Visit};

/// `GET /settings/datasources`
pub async fn list(visit: Arc<Visit>) -> Answer {
    draw(&visit, None)
}

/// `POST /settings/datasources`: tries one. The answer is the list with what came of it.
pub async fn test(visit: Arc<Visit>) -> Answer {
    let name = visit.form.raw("name").unwrap_or_default();
    let trial = visit.service().try_datasource(visit.actor()?, name).await?;
    draw(&visit, Some(TrialView::new(name, trial)))
}

fn draw(visit: &Visit, trial: Option<TrialView>) -> Answer {
    let sources = visit.service().datasources(visit.actor()?)?;
    let rows = sources.iter().map(|source| DatasourceRow::new(source)).collect();
    visit.page("settings", &DatasourceList { rows, trial })
}
