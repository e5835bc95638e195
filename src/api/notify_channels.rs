//! `/notify-channels`: where notifications go. Credentials are write-only.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::{Created, DeletedResponse};
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors, ReadOneErrors, WriteErrors};
use super::headers::AcceptedLanguage;
use super::model::named::{NotifyChannelChange, NotifyChannelInput};
use super::model::notify_channel::{self, ChannelTestView, ChannelView, DeliveryList};
use super::query::QueryString;
use super::{AppState, Tag, params};
use crate::domain::user::Action;

/// The notification channel endpoints.
pub struct NotifyChannels(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Notifications")]
impl NotifyChannels {
    /// List notification channels
    ///
    /// Those of the settings and those that administrators stored, by name, with their health and without credentials. Administrators
    /// only.
    #[oai(path = "/notify-channels", method = "get", operation_id = "listNotifyChannels")]
    async fn list(&self, caller: Caller, language: AcceptedLanguage) -> ApiResult<Json<Vec<ChannelView>>, ReadErrors> {
        let all = self.0.services.notify_channels.list(&caller.0).await?;
        Ok(Json(all.into_iter().map(|info| ChannelView::new(info, language.0)).collect()))
    }

    /// Create a notification channel
    ///
    /// Its credentials are stored encrypted. Administrators only.
    #[oai(path = "/notify-channels", method = "post", operation_id = "createNotifyChannel")]
    async fn create(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        body: Body<NotifyChannelInput>,
    ) -> ApiResult<Created<ChannelView>, CreateErrors> {
        let (name, input) = notify_channel::new_channel(&body.parse(&caller, Action::Administer)?)?;
        let created = self.0.services.notify_channels.create(&caller.0, &name, &input).await?;
        let name = created.channel.name.clone();
        Ok(Created::new(ChannelView::new(created, language.0), "/notify-channels", &name))
    }

    /// Get a notification channel
    ///
    /// With its health and without credentials. Administrators only.
    #[oai(path = "/notify-channels/:name", method = "get", operation_id = "getNotifyChannel")]
    async fn get(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The channel's name.
        name: Path<String>,
    ) -> ApiResult<Json<ChannelView>, ReadOneErrors> {
        Ok(Json(ChannelView::new(self.0.services.notify_channels.get(&caller.0, &name).await?, language.0)))
    }

    /// Replace a notification channel
    ///
    /// Credentials that are left out stay as long as the type does; an empty text removes one. 409 for a channel of the settings file.
    /// Administrators only.
    #[oai(path = "/notify-channels/:name", method = "put", operation_id = "putNotifyChannel")]
    async fn update(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The channel's name.
        name: Path<String>,
        body: Body<NotifyChannelChange>,
    ) -> ApiResult<Json<ChannelView>, WriteErrors> {
        let input = notify_channel::changed_channel(&body.parse(&caller, Action::Administer)?)?;
        Ok(Json(ChannelView::new(self.0.services.notify_channels.update(&caller.0, &name, &input).await?, language.0)))
    }

    /// Delete a notification channel
    ///
    /// Its queued messages are given up. 409 for a channel of the settings file. Administrators only.
    #[oai(path = "/notify-channels/:name", method = "delete", operation_id = "deleteNotifyChannel")]
    async fn delete(
        &self,
        caller: Caller,
        /// The channel's name.
        name: Path<String>,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.notify_channels.delete(&caller.0, &name).await?;
        Ok(DeletedResponse::Deleted)
    }

    /// Test a notification channel
    ///
    /// Sends a message at once and returns the provider's own answer; a refusal is returned with `delivered` false. Administrators only;
    /// the number of tests is limited.
    #[oai(path = "/notify-channels/:name/test", method = "post", operation_id = "testNotifyChannel")]
    async fn test(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The channel's name.
        name: Path<String>,
    ) -> ApiResult<Json<ChannelTestView>, WriteErrors> {
        Ok(Json(ChannelTestView::new(self.0.services.notify_channels.test(&caller.0, &name).await?, language.0)))
    }

    /// List a channel's deliveries
    ///
    /// Its messages, newest first, with the provider's answers. Administrators only.
    #[oai(path = "/notify-channels/:name/deliveries", method = "get", operation_id = "listNotifyDeliveries")]
    async fn deliveries(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The channel's name.
        name: Path<String>,
        query: QueryString,
    ) -> ApiResult<Json<DeliveryList>, ReadOneErrors> {
        let mut reader = query.reader(&[params::PAGE]);
        let page = reader.page();
        let page = reader.finish(page)?;
        Ok(Json(DeliveryList::new(self.0.services.notify_channels.deliveries(&caller.0, &name, &page).await?, language.0)))
    }
}
