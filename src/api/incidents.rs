//! `/incidents`, and the mute of a task.

use std::sync::Arc;

use chrono_tz::Tz;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use serde_json::Value;

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, Problem, ReadErrors, ReadOneErrors, WriteErrors};
use super::headers::AcceptedLanguage;
use super::model::incident::{IncidentDetailView, IncidentList, IncidentView, MuteView};
use super::model::input;
use super::model::named::MuteInput;
use super::query::QueryString;
use super::{AppState, Tag, params};
use crate::domain::notify::incident::IncidentFilter;
use crate::domain::user::Action;

/// The endpoints of incidents.
pub struct Incidents(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Notifications")]
impl Incidents {
    /// List incidents
    ///
    /// Newest first. Accounts limited to tags see those of their tasks.
    #[oai(path = "/incidents", method = "get", operation_id = "listIncidents")]
    async fn list(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        query: QueryString,
    ) -> ApiResult<Json<IncidentList>, ReadErrors> {
        let mut reader = query.reader(&[params::INCIDENTS, params::PAGE]);
        let page = reader.page();
        let filter = IncidentFilter {
            open: reader.word("status", read_status, &["open", "closed"]),
            task_id: reader.text("task_id"),
            ..IncidentFilter::default()
        };
        let (filter, page) = reader.finish((filter, page))?;
        Ok(Json(IncidentList::new(self.0.services.incidents.list(&caller.0, &filter, &page).await?, language.0)))
    }

    /// Get an incident
    ///
    /// With its first and last run, and its messages with the answers of their providers.
    #[oai(path = "/incidents/:id", method = "get", operation_id = "getIncident")]
    async fn get(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The incident's id.
        id: Path<String>,
    ) -> ApiResult<Json<IncidentDetailView>, ReadOneErrors> {
        Ok(Json(IncidentDetailView::new(self.0.services.incidents.get(&caller.0, &id).await?, language.0)))
    }

    /// Acknowledge an incident
    ///
    /// No reminders follow; its end is told. 409 if it is closed or acknowledged.
    #[oai(path = "/incidents/:id/acknowledge", method = "post", operation_id = "acknowledgeIncident")]
    async fn acknowledge(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The incident's id.
        id: Path<String>,
    ) -> ApiResult<Json<IncidentView>, ChangeErrors> {
        Ok(Json(IncidentView::new(self.0.services.incidents.acknowledge(&caller.0, &id).await?, language.0)))
    }

    /// Close an incident
    ///
    /// By hand, without a message. The next failure opens a new one. 409 if it is closed.
    #[oai(path = "/incidents/:id/close", method = "post", operation_id = "closeIncident")]
    async fn close(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The incident's id.
        id: Path<String>,
    ) -> ApiResult<Json<IncidentView>, ChangeErrors> {
        Ok(Json(IncidentView::new(self.0.services.incidents.close(&caller.0, &id).await?, language.0)))
    }

    /// Mute a task
    ///
    /// Until a time nothing is told of the task. Its incidents are on record; what is still open then is told. Null or a time that has
    /// passed ends the mute.
    #[oai(path = "/tasks/:id/mute", method = "post", operation_id = "muteTask")]
    async fn mute(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        body: Body<MuteInput>,
    ) -> ApiResult<Json<MuteView>, WriteErrors> {
        let body: Value = body.parse(&caller, Action::Run)?;
        let until = input::mute(&body, self.0.services.zone)?;
        let mute = self.0.services.incidents.mute(&caller.0, &id, until).await.map_err(Problem::from)?;
        Ok(Json(MuteView::new(mute, Tz::UTC)))
    }
}

fn read_status(text: &str) -> Option<bool> {
    match text {
        "open" => Some(true),
        "closed" => Some(false),
        _ => None,
    }
}
