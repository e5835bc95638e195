//! Mail and SMS profile pages: visible to all, tested by administrators.

use std::sync::Arc;

use poem::http::StatusCode;

use super::form_errors;
use crate::domain::fault::Fault;
use crate::domain::user::Action;
use crate::service::{ConnectionTest, Error, SmsTest};
use crate::web::error::Failure;
use crate::web::form;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::mail_sms_profiles::{MailPage, MailRow, SmsPage, SmsRow};
use crate::web::view::resources::ConnectionTestView;
use crate::web::view::task_form::Fields;

/// `GET /settings/mail`
pub async fn mail(ctx: Arc<RequestContext>) -> HandlerResult {
    render_mail(&ctx, PageState::default())
}

/// `POST /settings/mail`: sends a test mail; shows the page with the result.
pub async fn test_mail(ctx: Arc<RequestContext>) -> HandlerResult {
    let (name, to) = (ctx.form.get("/name").unwrap_or_default(), ctx.form.get("/to").unwrap_or_default());
    let sent = ctx.services().profiles.test_mail(ctx.actor()?, name, to).await;
    render_mail(&ctx, PageState::after_test(&ctx, name, sent, &["/to"])?)
}

fn render_mail(ctx: &RequestContext, state: PageState) -> HandlerResult {
    let profiles = ctx.services().profiles.list(ctx.actor()?)?;
    let rows = profiles.smtp.iter().map(|(name, smtp)| MailRow::new(name, smtp)).collect();
    let PageState { status, test_result, message, form } = state;
    ctx.page_with(status, "settings", &MailPage { rows, test_result, message, form })
}

/// `GET /settings/sms`
pub async fn sms(ctx: Arc<RequestContext>) -> HandlerResult {
    render_sms(&ctx, PageState::default())
}

/// `POST /settings/sms`: sends a test message; shows the page with the result.
pub async fn test_sms(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Administer)?;
    let name = ctx.form.get("/name").unwrap_or_default();
    let sent = match message(&ctx) {
        Ok(message) => ctx.services().profiles.test_sms(ctx.actor()?, name, &message).await,
        Err(fault) => Err(Error::Invalid(vec![fault])),
    };
    render_sms(&ctx, PageState::after_test(&ctx, name, sent, &["/to", "/text", "/template", "/params"])?)
}

fn message(ctx: &RequestContext) -> Result<SmsTest, Fault> {
    let text = |name: &str| ctx.form.get(name).map(str::to_owned);
    let params = ctx.form.get("/params").map(form::to_params).transpose()?.unwrap_or_default();
    Ok(SmsTest { to: text("/to").unwrap_or_default(), text: text("/text"), template: text("/template"), params })
}

fn render_sms(ctx: &RequestContext, state: PageState) -> HandlerResult {
    let profiles = ctx.services().profiles.list(ctx.actor()?)?;
    let rows = profiles.sms.iter().map(|(name, sms)| SmsRow::new(name, sms)).collect();
    let PageState { status, test_result, message, form } = state;
    ctx.page_with(status, "settings", &SmsPage { rows, test_result, message, form })
}

/// What both pages show besides the profiles.
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
