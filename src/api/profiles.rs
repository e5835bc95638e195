//! Shared by the endpoints of mail servers, SMS providers, datasources and HTTP profiles: changes of those that administrators
//! store. Secrets are write-only.

use serde_json::Value;

use super::AppState;
use super::answer::{Created, DeletedResponse, Found};
use super::auth::Caller;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadOneErrors, WriteErrors};
use super::model::profile::{self, ProfileView};

use crate::domain::profile::ProfileKind;

/// Creates a profile of a kind whose path is `path`.
pub async fn create(
    shared: &AppState,
    caller: &Caller,
    kind: ProfileKind,
    path: &str,
    body: &Value,
) -> ApiResult<Created<ProfileView>, CreateErrors> {
    let (name, values) = profile::new_profile(body)?;
    let created = shared.services.stored_profiles.create(&caller.0, kind, &name, &values).await?;
    let name = created.name.clone();
    Ok(Created::new(created.into(), path, &name))
}

/// Returns a profile.
pub async fn get(
    shared: &AppState,
    caller: &Caller,
    kind: ProfileKind,
    name: &str,
) -> ApiResult<Found<ProfileView>, ReadOneErrors> {
    Ok(Found(shared.services.stored_profiles.get(&caller.0, kind, name).await?.into()))
}

/// Replaces a profile.
pub async fn replace(
    shared: &AppState,
    caller: &Caller,
    kind: ProfileKind,
    name: &str,
    body: &Value,
    if_match: Option<i64>,
) -> ApiResult<Found<ProfileView>, WriteErrors> {
    let values = profile::changed_profile(body)?;
    Ok(Found(shared.services.stored_profiles.replace(&caller.0, kind, name, &values, if_match).await?.into()))
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
