//! `/smtp` and `/sms`: the mail servers and SMS providers that tasks may use.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ReadErrors, WriteErrors};
use super::model::input;
use super::model::mail_sms_profile::{MailServerView, MessageTestView, SmsProviderView};
use super::model::named::{MailTestInput, SmsTestInput};
use super::{AppState, Tag};
use crate::domain::user::Action;

/// The mail server and SMS provider endpoints.
pub struct MailSmsProfiles(pub Arc<AppState>);

#[OpenApi(tag = "Tag::MailSmsProfiles")]
impl MailSmsProfiles {
    /// List mail servers
    ///
    /// The configured mail servers that `send_email` may use, without credentials.
    #[oai(path = "/smtp", method = "get", operation_id = "listMailServers")]
    async fn mail_servers(&self, caller: Caller) -> ApiResult<Json<Vec<MailServerView>>, ReadErrors> {
        let profiles = self.0.services.profiles.list(&caller.0)?;
        Ok(Json(profiles.smtp.iter().map(|(name, smtp)| MailServerView::new(name, smtp)).collect()))
    }

    /// Test a mail server
    ///
    /// Sends a short mail. A failure is returned with `ok` false and the error that a run would get. Administrators only; the number of
    /// tests is limited.
    #[oai(path = "/smtp/:name/test", method = "post", operation_id = "testMailServer")]
    async fn test_mail(
        &self,
        caller: Caller,
        /// The mail server's name in the settings.
        name: Path<String>,
        body: Body<MailTestInput>,
    ) -> ApiResult<Json<MessageTestView>, WriteErrors> {
        let to = input::mail_test(&body.parse(&caller, Action::Administer)?)?;
        Ok(Json(MessageTestView::from(self.0.services.profiles.test_mail(&caller.0, &name, &to).await?)))
    }

    /// List SMS providers
    ///
    /// The configured SMS providers that `send_sms` may use, without credentials.
    #[oai(path = "/sms", method = "get", operation_id = "listSmsProviders")]
    async fn sms_providers(&self, caller: Caller) -> ApiResult<Json<Vec<SmsProviderView>>, ReadErrors> {
        let profiles = self.0.services.profiles.list(&caller.0)?;
        Ok(Json(profiles.sms.iter().map(|(name, sms)| SmsProviderView::new(name, sms)).collect()))
    }

    /// Test an SMS provider
    ///
    /// Sends a text message, which is charged as usual. A failure is returned with `ok` false and the error that a run would get.
    /// Administrators only; the number of tests is limited.
    #[oai(path = "/sms/:name/test", method = "post", operation_id = "testSmsProvider")]
    async fn test_sms(
        &self,
        caller: Caller,
        /// The provider's name in the settings.
        name: Path<String>,
        body: Body<SmsTestInput>,
    ) -> ApiResult<Json<MessageTestView>, WriteErrors> {
        let message = input::sms_test(&body.parse(&caller, Action::Administer)?)?;
        Ok(Json(MessageTestView::from(self.0.services.profiles.test_sms(&caller.0, &name, &message).await?)))
    }
}
