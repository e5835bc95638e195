//! Pages of mail servers, SMS providers and HTTP profiles: visible to all, tested by administrators.

use std::sync::Arc;

use poem::http::StatusCode;

use super::{form_errors, profiles};
use crate::domain::fault::Fault;
use crate::domain::user::Action;
use crate::service::{ConnectionTest, Error, SmsTest};
use crate::web::error::Failure;
use crate::web::form;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::managed::Managed;
use crate::web::view::profile_lists::{HttpRow, MailRow, ProfileList, ProfileRow, SmsRow};
use crate::web::view::resources::ConnectionTestView;
use crate::web::view::task_form::Fields;

/// `GET /settings/mail`
pub async fn mail(ctx: Arc<RequestContext>) -> HandlerResult {
    render::<MailRow>(&ctx, PageState::default()).await
}

/// `POST /settings/mail`: sends a test mail; shows the page with the result.
pub async fn test_mail(ctx: Arc<RequestContext>) -> HandlerResult {
    let (name, to) = (ctx.form.get("/name").unwrap_or_default(), ctx.form.get("/to").unwrap_or_default());
    let sent = ctx.services().profiles.test_mail(ctx.actor()?, name, to).await;
    render::<MailRow>(&ctx, PageState::after_test(&ctx, name, sent, &["/to"])?).await
}

/// `GET /settings/sms`
pub async fn sms(ctx: Arc<RequestContext>) -> HandlerResult {
    render::<SmsRow>(&ctx, PageState::default()).await
}

/// `POST /settings/sms`: sends a test message; shows the page with the result.
pub async fn test_sms(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Administer)?;
    let name = ctx.form.get("/name").unwrap_or_default();
    let sent = match message(&ctx) {
        Ok(message) => ctx.services().profiles.test_sms(ctx.actor()?, name, &message).await,
        Err(fault) => Err(Error::Invalid(vec![fault])),
    };
    render::<SmsRow>(&ctx, PageState::after_test(&ctx, name, sent, &["/to", "/text", "/template", "/params"])?).await
}

fn message(ctx: &RequestContext) -> Result<SmsTest, Fault> {
    let text = |name: &str| ctx.form.get(name).map(str::to_owned);
    let params = ctx.form.get("/params").map(form::to_params).transpose()?.unwrap_or_default();
    Ok(SmsTest { to: text("/to").unwrap_or_default(), text: text("/text"), template: text("/template"), params })
}

/// `GET /settings/http`
pub async fn http(ctx: Arc<RequestContext>) -> HandlerResult {
    render::<HttpRow>(&ctx, PageState::default()).await
}

/// `POST /settings/http`: sends a test request; shows the page with the answer.
pub async fn test_http(ctx: Arc<RequestContext>) -> HandlerResult {
    let (name, url) = (ctx.form.get("/name").unwrap_or_default(), ctx.form.get("/url").unwrap_or_default());
    let sent = ctx.services().profiles.test_http(ctx.actor()?, name, url).await;
    render::<HttpRow>(&ctx, PageState::after_test(&ctx, name, sent, &["/url"])?).await
}

async fn render<R: ProfileRow>(ctx: &RequestContext, state: PageState) -> HandlerResult {
    let services = ctx.services();
    let all = services.profiles.list(ctx.actor()?).await?;
    let managed = |name: &str| Managed::new(R::KIND, name, services.stored_profiles.is_from_file(R::KIND, name));
    let rows = R::profiles(&all).iter().map(|(name, settings)| R::new(name, settings, managed(name))).collect();
    let unreadable = profiles::unreadable(ctx, R::KIND).await?;
    let PageState { status, test_result, message, form } = state;
    ctx.page_with(status, "settings", &ProfileList::<R> { rows, unreadable, test_result, message, form })
}

/// What the pages show besides the profiles.
#[derive(Default)]
struct PageState {
    status: StatusCode,
    test_result: Option<ConnectionTestView>,
    message: String,
    form: Fields,
}

impl PageState {
    /// The result of a test, or its error; `names` are the fields of the form.
    fn after_test(
        ctx: &RequestContext,
        name: &str,
        sent: Result<ConnectionTest, Error>,
        names: &[&str],
    ) -> Result<PageState, Failure> {
        let mut form = form_errors::submitted(ctx, &[]);
        match sent {
            Ok(result) => {
                let test_result = Some(ConnectionTestView::new(name, result, ctx.language));
                Ok(PageState { test_result, form, ..PageState::default() })
            }
            Err(error) => {
                let (status, message) = shown(ctx, error, names, &mut form)?;
                Ok(PageState { status, test_result: None, message, form })
            }
        }
    }
}

/// Like [`form_errors::apply`], but shows how long to wait after too many tests.
fn shown(ctx: &RequestContext, error: Error, names: &[&str], form: &mut Fields) -> Result<(StatusCode, String), Failure> {
    match error {
        Error::TooManyRequests(message) => Ok((StatusCode::TOO_MANY_REQUESTS, ctx.translate(&message))),
        other => form_errors::apply(ctx, other, names, form),
    }
}
