//! `/datasources`: the databases that tasks may use.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{Answer, Reading, ReadingOne};
use super::model::datasource::{DatasourceView, TrialView};
use super::{Shared, Tag};

/// The calls about datasources.
pub struct Datasources(pub Arc<Shared>);

#[OpenApi(tag = "Tag::Datasources")]
impl Datasources {
    /// List datasources
    ///
    /// The databases of the settings that `send_sql` and `data_sync` may name; nothing of how Belfry signs in to them.
    #[oai(path = "/datasources", method = "get", operation_id = "listDatasources")]
    async fn list(&self, caller: Caller) -> Answer<Json<Vec<DatasourceView>>, Reading> {
        let sources = self.0.service.datasources(&caller.0)?;
        Ok(Json(sources.iter().map(|source| DatasourceView::from(source.as_ref())).collect()))
    }

    /// Try a datasource
    ///
    /// Connects and asks for the server's version. A database that does not answer is told with `ok` false and its error.
    #[oai(path = "/datasources/:name/test", method = "post", operation_id = "testDatasource")]
    async fn test(
        &self,
        caller: Caller,
        /// The datasource's name in the settings.
        name: Path<String>,
    ) -> Answer<Json<TrialView>, ReadingOne> {
        let trial = self.0.service.try_datasource(&caller.0, &name).await?;
        Ok(Json(TrialView::from(trial)))
    }
}
