//! `/smtp` and `/sms`: the mail servers and SMS providers that tasks may use.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::body::Body;
use super::error::{Answer, Reading, Writing};
use super::model::input;
use super::model::messenger::{MailServerView, MessageTrialView, SmsProviderView};
use super::model::named::{MailTestInput, SmsTestInput};
use super::{Shared, Tag};

/// The calls about mail servers and SMS providers.
pub struct Messengers(pub Arc<Shared>);

#[OpenApi(tag = "Tag::Messengers")]
impl Messengers {
    /// List mail servers
    ///
    /// The mail servers of the settings that `send_email` may name; nothing of how Belfry signs in to them.
    #[oai(path = "/smtp", method = "get", operation_id = "listMailServers")]
    async fn mail_servers(&self, caller: Caller) -> Answer<Json<Vec<MailServerView>>, Reading> {
        let profiles = self.0.service.profiles(&caller.0)?;
        Ok(Json(profiles.smtp.iter().map(|(name, smtp)| MailServerView::new(name, smtp)).collect()))
    }

    /// Try a mail server
    ///
    /// Sends a short mail. That it is not taken is told with `ok` false and the error that a run would get. For administrators,
    /// who must wait between several trials.
    #[oai(path = "/smtp/:name/test", method = "post", operation_id = "testMailServer")]
    async fn try_mail(
        &self,
        caller: Caller,
        /// The mail server's name in the settings.
        name: Path<String>,
        body: Body<MailTestInput>,
    ) -> Answer<Json<MessageTrialView>, Writing> {
        let to = input::mail_trial(&body.0)?;
        Ok(Json(MessageTrialView::from(self.0.service.try_mail(&caller.0, &name, &to).await?)))
    }

    /// List SMS providers
    ///
    /// The SMS providers of the settings that `send_sms` may name; nothing of how Belfry signs in to them.
    #[oai(path = "/sms", method = "get", operation_id = "listSmsProviders")]
    async fn sms_providers(&self, caller: Caller) -> Answer<Json<Vec<SmsProviderView>>, Reading> {
        let profiles = self.0.service.profiles(&caller.0)?;
        Ok(Json(profiles.sms.iter().map(|(name, sms)| SmsProviderView::new(name, sms)).collect()))
    }

    /// Try an SMS provider
    ///
    /// Sends a text message, which costs what a message costs. That it is not taken is told with `ok` false and the error that
    /// a run would get. For administrators, who must wait between several trials.
    #[oai(path = "/sms/:name/test", method = "post", operation_id = "testSmsProvider")]
    async fn try_sms(
        &self,
        caller: Caller,
        /// The provider's name in the settings.
        name: Path<String>,
        body: Body<SmsTestInput>,
    ) -> Answer<Json<MessageTrialView>, Writing> {
        let message = input::sms_trial(&body.0)?;
        Ok(Json(MessageTrialView::from(self.0.service.try_sms(&caller.0, &name, &message).await?)))
    }
}
