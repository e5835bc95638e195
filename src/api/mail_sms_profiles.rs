//! `/smtp` and `/sms`: the mail servers and SMS providers that tasks may use.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::{Created, DeletedResponse, Found};
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors, ReadOneErrors, WriteErrors};
use super::headers::{AcceptedLanguage, IfMatch};
use super::model::input;
use super::model::mail_sms_profile::{MailServerView, MessageTestView, SmsProviderView};
use super::model::named::{MailServerChange, MailServerInput, MailTestInput, SmsProviderChange, SmsProviderInput, SmsTestInput};
use super::model::profile::ProfileView;
use super::profiles;
use super::{AppState, Tag};
use crate::domain::profile::{ProfileKind, Sms, Smtp};
use crate::domain::user::Action;

/// The mail server and SMS provider endpoints.
pub struct MailSmsProfiles(pub Arc<AppState>);

#[OpenApi(tag = "Tag::MailSmsProfiles")]
impl MailSmsProfiles {
    /// List mail servers
    ///
    /// The mail servers that `send_email` may use, without credentials.
    #[oai(path = "/smtp", method = "get", operation_id = "listMailServers")]
    async fn mail_servers(&self, caller: Caller) -> ApiResult<Json<Vec<MailServerView>>, ReadErrors> {
        let services = &self.0.services;
        let profiles = services.profiles.list(&caller.0).await?;
        let view = |(name, smtp): (&String, &Smtp)| {
            MailServerView::new(name, smtp, services.stored_profiles.is_from_file(ProfileKind::Smtp, name))
        };
        Ok(Json(profiles.smtp.iter().map(view).collect()))
    }

    /// Test a mail server
    ///
    /// Sends a short mail. A failure is returned with `ok` false and the error that a run would get. Administrators only; the number of
    /// tests is limited.
    #[oai(path = "/smtp/:name/test", method = "post", operation_id = "testMailServer")]
    async fn test_mail(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The mail server's name.
        name: Path<String>,
        body: Body<MailTestInput>,
    ) -> ApiResult<Json<MessageTestView>, WriteErrors> {
        let to = input::mail_test(&body.parse(&caller, Action::Administer)?)?;
        let result = self.0.services.profiles.test_mail(&caller.0, &name, &to).await?;
        Ok(Json(MessageTestView::new(result, language.0)))
    }

    /// List SMS providers
    ///
    /// The SMS providers that `send_sms` may use, without credentials.
    #[oai(path = "/sms", method = "get", operation_id = "listSmsProviders")]
    async fn sms_providers(&self, caller: Caller) -> ApiResult<Json<Vec<SmsProviderView>>, ReadErrors> {
        let services = &self.0.services;
        let profiles = services.profiles.list(&caller.0).await?;
        let view = |(name, sms): (&String, &Sms)| {
            SmsProviderView::new(name, sms, services.stored_profiles.is_from_file(ProfileKind::Sms, name))
        };
        Ok(Json(profiles.sms.iter().map(view).collect()))
    }

    /// Test an SMS provider
    ///
    /// Sends a text message, which is charged as usual. A failure is returned with `ok` false and the error that a run would get.
    /// Administrators only; the number of tests is limited.
    #[oai(path = "/sms/:name/test", method = "post", operation_id = "testSmsProvider")]
    async fn test_sms(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The provider's name.
        name: Path<String>,
        body: Body<SmsTestInput>,
    ) -> ApiResult<Json<MessageTestView>, WriteErrors> {
        let message = input::sms_test(&body.parse(&caller, Action::Administer)?)?;
        let result = self.0.services.profiles.test_sms(&caller.0, &name, &message).await?;
        Ok(Json(MessageTestView::new(result, language.0)))
    }

    /// Create a mail server
    ///
    /// Its settings are stored encrypted, and tasks may name it at once. They are those of the settings file, checked in the same way.
    /// 409 if the name is taken. Administrators only.
    #[oai(path = "/smtp", method = "post", operation_id = "createMailServer")]
    async fn create_mail_server(
        &self,
        caller: Caller,
        body: Body<MailServerInput>,
    ) -> ApiResult<Created<ProfileView>, CreateErrors> {
        profiles::create(&self.0, &caller, ProfileKind::Smtp, "/smtp", &body.parse(&caller, Action::Administer)?).await
    }

    /// Get a mail server
    ///
    /// With its settings, without secrets, and with what uses it. The `ETag` is its version. Administrators only.
    #[oai(path = "/smtp/:name", method = "get", operation_id = "getMailServer")]
    async fn get_mail_server(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
    ) -> ApiResult<Found<ProfileView>, ReadOneErrors> {
        profiles::get(&self.0, &caller, ProfileKind::Smtp, &name).await
    }

    /// Replace a mail server
    ///
    /// Sets every setting; omitted ones get their default. Secrets that are left out stay; an empty text removes one. 409 for one of the
    /// settings file. Administrators only.
    #[oai(path = "/smtp/:name", method = "put", operation_id = "replaceMailServer")]
    async fn replace_mail_server(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
        if_match: IfMatch,
        body: Body<MailServerChange>,
    ) -> ApiResult<Found<ProfileView>, WriteErrors> {
        let body = body.parse(&caller, Action::Administer)?;
        profiles::replace(&self.0, &caller, ProfileKind::Smtp, &name, &body, if_match.0).await
    }

    /// Delete a mail server
    ///
    /// 409 for one of the settings file, and with their names while tasks or notification channels name it. Administrators only.
    #[oai(path = "/smtp/:name", method = "delete", operation_id = "deleteMailServer")]
    async fn delete_mail_server(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        profiles::delete(&self.0, &caller, ProfileKind::Smtp, &name, if_match.0).await
    }

    /// Create an SMS provider
    ///
    /// Its settings are stored encrypted, and tasks may name it at once. They are those of the settings file, checked in the same way.
    /// 409 if the name is taken. Administrators only.
    #[oai(path = "/sms", method = "post", operation_id = "createSmsProvider")]
    async fn create_sms_provider(
        &self,
        caller: Caller,
        body: Body<SmsProviderInput>,
    ) -> ApiResult<Created<ProfileView>, CreateErrors> {
        profiles::create(&self.0, &caller, ProfileKind::Sms, "/sms", &body.parse(&caller, Action::Administer)?).await
    }

    /// Get an SMS provider
    ///
    /// With its settings, without secrets, and with what uses it. The `ETag` is its version. Administrators only.
    #[oai(path = "/sms/:name", method = "get", operation_id = "getSmsProvider")]
    async fn get_sms_provider(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
    ) -> ApiResult<Found<ProfileView>, ReadOneErrors> {
        profiles::get(&self.0, &caller, ProfileKind::Sms, &name).await
    }

    /// Replace an SMS provider
    ///
    /// Sets every setting; omitted ones get their default. Secrets that are left out stay; an empty text removes one. 409 for one of the
    /// settings file. Administrators only.
    #[oai(path = "/sms/:name", method = "put", operation_id = "replaceSmsProvider")]
    async fn replace_sms_provider(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
        if_match: IfMatch,
        body: Body<SmsProviderChange>,
    ) -> ApiResult<Found<ProfileView>, WriteErrors> {
        let body = body.parse(&caller, Action::Administer)?;
        profiles::replace(&self.0, &caller, ProfileKind::Sms, &name, &body, if_match.0).await
    }

    /// Delete an SMS provider
    ///
    /// 409 for one of the settings file, and with their names while tasks or notification channels name it. Administrators only.
    #[oai(path = "/sms/:name", method = "delete", operation_id = "deleteSmsProvider")]
    async fn delete_sms_provider(
        &self,
        caller: Caller,
        /// The profile's name.
        name: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        profiles::delete(&self.0, &caller, ProfileKind::Sms, &name, if_match.0).await
    }
}
