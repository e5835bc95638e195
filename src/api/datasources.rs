//! `/datasources`: the databases that tasks may use.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::{Created, DeletedResponse, Found};
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors, ReadOneErrors, WriteErrors};
use super::headers::{AcceptedLanguage, IfMatch};
use super::model::datasource::{ConnectionTestView, DatasourceView};
use super::model::named::{DatasourceChange, DatasourceInput};
use super::model::profile::ProfileView;
use super::profiles;
use super::{AppState, Tag};
use crate::domain::profile::ProfileKind;
use crate::domain::user::Action;

/// The datasource endpoints.
pub struct Datasources(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Datasources")]
impl Datasources {
    /// List datasources
    ///
    /// The databases that `send_sql` and `data_sync` may use, without credentials.
    #[oai(path = "/datasources", method = "get", operation_id = "listDatasources")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<DatasourceView>>, ReadErrors> {
        let services = &self.0.services;
        let sources = services.datasources.list(&caller.0).await?;
        let from_file = |name: &str| services.stored_profiles.is_from_file(ProfileKind::Datasource, name);
        Ok(Json(sources.iter().map(|source| DatasourceView::new(source, from_file(&source.name))).collect()))
    }

    /// Test a datasource
    ///
    /// Connects and queries the server's version. A failed connection is returned with `ok` false and the error.
    #[oai(path = "/datasources/:name/test", method = "post", operation_id = "testDatasource")]
    async fn test(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The datasource's name.
        name: Path<String>,
    ) -> ApiResult<Json<ConnectionTestView>, ReadOneErrors> {
        let result = self.0.services.datasources.test(&caller.0, &name).await?;
        Ok(Json(ConnectionTestView::new(result, language.0)))
    }

    /// Create a datasource
    ///
    /// Its settings are stored encrypted, and tasks may name it at once. They are those of the settings file, checked in the same way.
    /// 409 if the name is taken. Administrators only.
    #[oai(path = "/datasources", method = "post", operation_id = "createDatasource")]
    async fn create_datasource(
        &self,
        caller: Caller,
        body: Body<DatasourceInput>,
    ) -> ApiResult<Created<ProfileView>, CreateErrors> {
        profiles::create(&self.0, &caller, ProfileKind::Datasource, "/datasources", &body.parse(&caller, Action::Administer)?)
            .await
    }

    /// Get a datasource
    ///
    /// With its settings, without secrets, and with what uses it. The `ETag` is its version. Administrators only.
    #[oai(path = "/datasources/:name", method = "get", operation_id = "getDatasource")]
    async fn get_datasource(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
    ) -> ApiResult<Found<ProfileView>, ReadOneErrors> {
        profiles::get(&self.0, &caller, ProfileKind::Datasource, &name).await
    }

    /// Replace a datasource
    ///
    /// Sets every setting; omitted ones get their default. Secrets that are left out stay; an empty text removes one. 409 for one of the
    /// settings file. Administrators only.
    #[oai(path = "/datasources/:name", method = "put", operation_id = "replaceDatasource")]
    async fn replace_datasource(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
        if_match: IfMatch,
        body: Body<DatasourceChange>,
    ) -> ApiResult<Found<ProfileView>, WriteErrors> {
        let body = body.parse(&caller, Action::Administer)?;
        profiles::replace(&self.0, &caller, ProfileKind::Datasource, &name, &body, if_match.0).await
    }

    /// Delete a datasource
    ///
    /// 409 for one of the settings file, and with their names while tasks or notification channels name it. Administrators only.
    #[oai(path = "/datasources/:name", method = "delete", operation_id = "deleteDatasource")]
    async fn delete_datasource(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        profiles::delete(&self.0, &caller, ProfileKind::Datasource, &name, if_match.0).await
    }
}
