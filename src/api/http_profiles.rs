//! `/http-profiles`: the HTTP services that tasks may use.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::{Created, DeletedResponse, Found};
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors, ReadOneErrors, WriteErrors};
use super::headers::{AcceptedLanguage, IfMatch};
use super::model::mail_sms_profile::MessageTestView;
use super::model::named::{HttpProfileChange, HttpProfileInput, HttpTestInput};
use super::model::profile::ProfileView;
use super::model::profile::{self, HttpProfileView};
use super::profiles;
use super::{AppState, Tag};
use crate::domain::profile::{Http, ProfileKind};
use crate::domain::user::Action;

/// The HTTP profile endpoints.
pub struct HttpProfiles(pub Arc<AppState>);

#[OpenApi(tag = "Tag::HttpProfiles")]
impl HttpProfiles {
    /// List HTTP profiles
    ///
    /// The HTTP services that `http_request` and `data_sync` may use, without credentials.
    #[oai(path = "/http-profiles", method = "get", operation_id = "listHttpProfiles")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<HttpProfileView>>, ReadErrors> {
        let services = &self.0.services;
        let profiles = services.profiles.list(&caller.0).await?;
        let view = |(name, http): (&String, &Http)| {
            HttpProfileView::new(name, http, services.stored_profiles.is_from_file(ProfileKind::Http, name))
        };
        Ok(Json(profiles.http.iter().map(view).collect()))
    }

    /// Test an HTTP profile
    ///
    /// Sends a GET request with its credentials. A refusal is returned with `ok` false and the error that a run would get.
    /// Administrators only; the number of tests is limited.
    #[oai(path = "/http-profiles/:name/test", method = "post", operation_id = "testHttpProfile")]
    async fn test(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The profile's name.
        name: Path<String>,
        body: Body<HttpTestInput>,
    ) -> ApiResult<Json<MessageTestView>, WriteErrors> {
        let url = profile::http_test(&body.parse(&caller, Action::Administer)?)?;
        let result = self.0.services.profiles.test_http(&caller.0, &name, &url).await?;
        Ok(Json(MessageTestView::new(result, language.0)))
    }

    /// Create an HTTP profile
    ///
    /// Its settings are stored encrypted, and tasks may name it at once. They are those of the settings file, checked in the same way.
    /// 409 if the name is taken. Administrators only.
    #[oai(path = "/http-profiles", method = "post", operation_id = "createHttpProfile")]
    async fn create_http_profile(
        &self,
        caller: Caller,
        body: Body<HttpProfileInput>,
    ) -> ApiResult<Created<ProfileView>, CreateErrors> {
        profiles::create(&self.0, &caller, ProfileKind::Http, "/http-profiles", &body.parse(&caller, Action::Administer)?).await
    }

    /// Get an HTTP profile
    ///
    /// With its settings, without secrets, and with what uses it. The `ETag` is its version. Administrators only.
    #[oai(path = "/http-profiles/:name", method = "get", operation_id = "getHttpProfile")]
    async fn get_http_profile(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
    ) -> ApiResult<Found<ProfileView>, ReadOneErrors> {
        profiles::get(&self.0, &caller, ProfileKind::Http, &name).await
    }

    /// Replace an HTTP profile
    ///
    /// Sets every setting; omitted ones get their default. Secrets that are left out stay; an empty text removes one. 409 for one of the
    /// settings file. Administrators only.
    #[oai(path = "/http-profiles/:name", method = "put", operation_id = "replaceHttpProfile")]
    async fn replace_http_profile(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
        if_match: IfMatch,
        body: Body<HttpProfileChange>,
    ) -> ApiResult<Found<ProfileView>, WriteErrors> {
        let body = body.parse(&caller, Action::Administer)?;
        profiles::replace(&self.0, &caller, ProfileKind::Http, &name, &body, if_match.0).await
    }

    /// Delete an HTTP profile
    ///
    /// 409 for one of the settings file, and with their names while tasks or notification channels name it. Administrators only.
    #[oai(path = "/http-profiles/:name", method = "delete", operation_id = "deleteHttpProfile")]
    async fn delete_http_profile(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        profiles::delete(&self.0, &caller, ProfileKind::Http, &name, if_match.0).await
    }
}
