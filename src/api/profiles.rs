//! What the endpoints of mail servers, SMS providers, datasources and HTTP profiles share: changes of those that administrators
//! store. Secrets are write-only.

use poem_openapi::ApiResponse;
use poem_openapi::payload::Json;
use serde_json::Value;

use super::AppState;
use super::auth::Caller;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadOneErrors, WriteErrors};
use super::headers;
use super::model::profile::{self, ProfileView};
use super::tasks::DeletedResponse;
use crate::domain::profile::ProfileKind;
use crate::service::ProfileInfo;

/// A profile with its version.
#[derive(ApiResponse)]
pub enum ProfileAnswer {
    /// The profile.
    #[oai(status = 200)]
    Found(
        Json<ProfileView>,
        /// The profile's version, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

/// A new profile.
#[derive(ApiResponse)]
pub enum CreatedProfile {
    /// The new profile.
    #[oai(status = 201)]
    Created(
        Json<ProfileView>,
        /// The profile's version, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// The profile's URL.
        #[oai(header = "Location")]
        String,
    ),
}

/// Creates a profile of a kind whose path is `path`.
pub async fn create(
    shared: &AppState,
    caller: &Caller,
    kind: ProfileKind,
    path: &str,
    body: &Value,
) -> ApiResult<CreatedProfile, CreateErrors> {
    let (name, values) = profile::new_profile(body)?;
    let created = shared.services.stored_profiles.create(&caller.0, kind, &name, &values).await?;
    let location = format!("/api/v1{path}/{}", created.name);
    let tag = headers::etag(created.version);
    Ok(CreatedProfile::Created(Json(created.into()), tag, location))
}

/// Returns a profile.
pub async fn get(shared: &AppState, caller: &Caller, kind: ProfileKind, name: &str) -> ApiResult<ProfileAnswer, ReadOneErrors> {
    Ok(answer(shared.services.stored_profiles.get(&caller.0, kind, name).await?))
}

/// Replaces a profile.
pub async fn replace(
    shared: &AppState,
    caller: &Caller,
    kind: ProfileKind,
    name: &str,
    body: &Value,
    if_match: Option<i64>,
) -> ApiResult<ProfileAnswer, WriteErrors> {
    let values = profile::changed_profile(body)?;
    Ok(answer(shared.services.stored_profiles.replace(&caller.0, kind, name, &values, if_match).await?))
}

/// Deletes a profile.
pub async fn delete(
    shared: &AppState,
    caller: &Caller,
    kind: ProfileKind,
    name: &str,
    if_match: Option<i64>,
) -> ApiResult<DeletedResponse, ChangeErrors> {
    shared.services.stored_profiles.delete(&caller.0, kind, name, if_match).await?;
    Ok(DeletedResponse::Deleted)
}

fn answer(info: ProfileInfo) -> ProfileAnswer {
    let tag = headers::etag(info.version);
    ProfileAnswer::Found(Json(info.into()), tag)
}
