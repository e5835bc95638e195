//! `/notify-rules`: which events of which tasks are sent through which channels.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::{Created, DeletedResponse, Found};
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors, ReadOneErrors, WriteErrors};
use super::headers::IfMatch;
use super::model::named::NotifyRuleInput;
use super::model::notify_rule::NotifyRuleView;

use super::{AppState, Tag};
use crate::domain::user::Action;

/// The endpoints of notification rules.
pub struct NotifyRules(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Notifications")]
impl NotifyRules {
    /// List notification rules
    ///
    /// By name. Accounts limited to tags see the rules for these tags and for tasks of theirs alone.
    #[oai(path = "/notify-rules", method = "get", operation_id = "listNotifyRules")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<NotifyRuleView>>, ReadErrors> {
        let all = self.0.services.notify_rules.list(&caller.0).await?;
        Ok(Json(all.into_iter().map(NotifyRuleView::from).collect()))
    }

    /// Create a notification rule
    ///
    /// `tasks`, `channels` and `events` or `digest` are required. 409 if the name is taken. Accounts limited to tags name these tags or single
    /// tasks of theirs.
    #[oai(path = "/notify-rules", method = "post", operation_id = "createNotifyRule")]
    async fn create(&self, caller: Caller, body: Body<NotifyRuleInput>) -> ApiResult<Created<NotifyRuleView>, CreateErrors> {
        let created = self.0.services.notify_rules.create(&caller.0, &body.parse(&caller, Action::Edit)?).await?;
        let name = created.definition.name.clone();
        Ok(Created::new(created.into(), "/notify-rules", &name))
    }

    /// Get a notification rule
    ///
    /// The `ETag` is its version.
    #[oai(path = "/notify-rules/:name", method = "get", operation_id = "getNotifyRule")]
    async fn get(
        &self,
        caller: Caller,
        /// The rule's name.
        name: Path<String>,
    ) -> ApiResult<Found<NotifyRuleView>, ReadOneErrors> {
        Ok(Found(self.0.services.notify_rules.get(&caller.0, &name).await?.into()))
    }

    /// Replace a notification rule
    ///
    /// Sets every field; omitted ones get their default. What the rule has told of open incidents stays told.
    #[oai(path = "/notify-rules/:name", method = "put", operation_id = "replaceNotifyRule")]
    async fn replace(
        &self,
        caller: Caller,
        /// The rule's name.
        name: Path<String>,
        if_match: IfMatch,
        body: Body<NotifyRuleInput>,
    ) -> ApiResult<Found<NotifyRuleView>, WriteErrors> {
        let body = body.parse(&caller, Action::Edit)?;
        Ok(Found(self.0.services.notify_rules.replace(&caller.0, &name, &body, if_match.0).await?.into()))
    }

    /// Delete a notification rule
    ///
    /// Its messages stay on record; open incidents stay open.
    #[oai(path = "/notify-rules/:name", method = "delete", operation_id = "deleteNotifyRule")]
    async fn delete(
        &self,
        caller: Caller,
        /// The rule's name.
        name: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.notify_rules.delete(&caller.0, &name, if_match.0).await?;
        Ok(DeletedResponse::Deleted)
    }
}
