//! `/datasources`: the databases that tasks may use.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{ApiResult, ReadErrors, ReadOneErrors};
use super::model::datasource::{ConnectionTestView, DatasourceView};
use super::{AppState, Tag};

/// The datasource endpoints.
pub struct Datasources(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Datasources")]
impl Datasources {
    /// List datasources
    ///
    /// The configured databases that `send_sql` and `data_sync` may use, without credentials.
    #[oai(path = "/datasources", method = "get", operation_id = "listDatasources")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<DatasourceView>>, ReadErrors> {
        let sources = self.0.services.datasources.list(&caller.0)?;
        Ok(Json(sources.iter().map(|source| DatasourceView::from(source.as_ref())).collect()))
    }

    /// Test a datasource
    ///
    /// Connects and queries the server's version. A failed connection is returned with `ok` false and the error.
    #[oai(path = "/datasources/:name/test", method = "post", operation_id = "testDatasource")]
    async fn test(
        &self,
        caller: Caller,
        /// The datasource's name in the settings.
        name: Path<String>,
    ) -> ApiResult<Json<ConnectionTestView>, ReadOneErrors> {
        let result = self.0.services.datasources.test(&caller.0, &name).await?;
        Ok(Json(ConnectionTestView::from(result)))
    }
}
