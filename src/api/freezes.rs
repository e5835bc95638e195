//! `/freezes`: spans of time in which nothing starts by its schedule.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::{Created, DeletedResponse};
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors};
use super::model::freeze::{FreezeView, input};
use super::model::named::FreezeInput;
use super::query::QueryString;
use super::{AppState, Tag, params};
use crate::domain::calendar::Freeze;
use crate::domain::user::Action;

/// The freeze endpoints.
pub struct Freezes(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Calendars")]
impl Freezes {
    /// List freezes
    ///
    /// Those that are not over, those that end last first; with `all` the newest five hundred. An account limited to tags sees those
    /// of all tasks and of its tags.
    #[oai(path = "/freezes", method = "get", operation_id = "listFreezes")]
    async fn list(&self, caller: Caller, query: QueryString) -> ApiResult<Json<Vec<FreezeView>>, ReadErrors> {
        let mut reader = query.reader(&[params::FREEZES]);
        let all = reader.word("all", |text| text.parse().ok(), &["true", "false"]).unwrap_or(false);
        reader.finish(())?;
        let found = self.0.services.freezes.list(&caller.0, all).await?;
        Ok(Json(found.into_iter().map(|freeze| self.view(freeze)).collect()))
    }

    /// Begin a freeze
    ///
    /// From now, or from a later time, until a time. Occurrences that fall into it are recorded as skipped with its reason, or held
    /// until its end if the task says so (`on_closed`). Runs that people or programs ask for start as usual.
    #[oai(path = "/freezes", method = "post", operation_id = "createFreeze")]
    async fn create(&self, caller: Caller, body: Body<FreezeInput>) -> ApiResult<Created<FreezeView>, CreateErrors> {
        let new = input(&body.parse(&caller, Action::Run)?, self.0.services.zone)?;
        let created = self.0.services.freezes.create(&caller.0, &new).await?;
        let id = created.id.clone();
        Ok(Created::new(self.view(created), "/freezes", &id))
    }

    /// End a freeze
    ///
    /// It ends now, and stays on record; one that has not begun is deleted. 409 if it is over.
    #[oai(path = "/freezes/:id", method = "delete", operation_id = "endFreeze")]
    async fn end(
        &self,
        caller: Caller,
        /// The freeze's id.
        id: Path<String>,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.freezes.end(&caller.0, &id).await?;
        Ok(DeletedResponse::Deleted)
    }
}

impl Freezes {
    fn view(&self, freeze: Freeze) -> FreezeView {
        FreezeView::new(freeze, self.0.services.zone, self.0.services.clock.now())
    }
}
