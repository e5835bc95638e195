//! Mail servers and SMS providers: seen by all, tried by administrators.

use std::sync::Arc;

use poem::http::StatusCode;

use super::refusal;
use crate::domain::fault::Fault;
use crate::service::{Error, SmsTrial};
use crate::web::form;
use crate::web::view::messengers::{MailPage, MailRow, SmsPage, SmsRow};
use crate::web::view::resources::TrialView;
use crate::web::view::task_form::Fields;
use crate::web::visit::{Answer, Visit};

/// `GET /settings/mail`
pub async fn mail(visit: Arc<Visit>) -> Answer {
    draw_mail(&visit, StatusCode::OK, None, String::new(), Fields::default())
}

/// `POST /settings/mail`: sends a mail. The answer is the page with what came of it.
pub async fn try_mail(visit: Arc<Visit>) -> Answer {
    let (name, to) = (visit.form.get("/name").unwrap_or_default(), visit.form.get("/to").unwrap_or_default());
    let mut form = refusal::typed(&visit, &[]);
    match visit.service().try_mail(visit.actor()?, name, to).await {
        Ok(trial) => draw_mail(&visit, StatusCode::OK, Some(TrialView::new(name, trial)), String::new(), form),
        Err(error) => {
            let (status, message) = shown(&visit, error, &["/to"], &mut form)?;
            draw_mail(&visit, status, None, message, form)
        }
    }
}

fn draw_mail(visit: &Visit, status: StatusCode, trial: Option<TrialView>, message: String, form: Fields) -> Answer {
    let profiles = visit.service().profiles(visit.actor()?)?;
    let rows = profiles.smtp.iter().map(|(name, smtp)| MailRow::new(name, smtp)).collect();
    visit.page_with(status, "settings", &MailPage { rows, trial, message, form })
}

/// `GET /settings/sms`
pub async fn sms(visit: Arc<Visit>) -> Answer {
    draw_sms(&visit, StatusCode::OK, None, String::new(), Fields::default())
}

/// `POST /settings/sms`: sends a text message. The answer is the page with what came of it.
pub async fn try_sms(visit: Arc<Visit>) -> Answer {
    let name = visit.form.get("/name").unwrap_or_default();
    let mut form = refusal::typed(&visit, &[]);
    let sent = match message(&visit) {
        Ok(message) => visit.service().try_sms(visit.actor()?, name, &message).await,
        Err(fault) => Err(Error::Invalid(vec![fault])),
    };
    match sent {
        Ok(trial) => draw_sms(&visit, StatusCode::OK, Some(TrialView::new(name, trial)), String::new(), form),
        Err(error) => {
            let (status, message) = shown(&visit, error, &["/to", "/text", "/template", "/params"], &mut form)?;
            draw_sms(&visit, status, None, message, form)
        }
    }
}

fn message(visit: &Visit) -> Result<SmsTrial, Fault> {
    let text = |name: &str| visit.form.get(name).map(str::to_owned);
    let params = visit.form.get("/params").map(form::to_params).transpose()?.unwrap_or_default();
    Ok(SmsTrial { to: text("/to").unwrap_or_default(), text: text("/text"), template: text("/template"), params })
}

fn draw_sms(visit: &Visit, status: StatusCode, trial: Option<TrialView>, message: String, form: Fields) -> Answer {
    let profiles = visit.service().profiles(visit.actor()?)?;
    let rows = profiles.sms.iter().map(|(name, sms)| SmsRow::new(name, sms)).collect();
    visit.page_with(status, "settings", &SmsPage { rows, trial, message, form })
}

/// A refusal in the form; that one must wait is said there too.
fn shown(
    visit: &Visit,
    error: Error,
    names: &[&str],
    form: &mut Fields,
) -> Result<(StatusCode, String), crate::web::error::Failure> {
    match error {
        Error::TooManyRequests(message) => Ok((StatusCode::TOO_MANY_REQUESTS, visit.said(&message))),
        other => refusal::shown(visit, other, names, form),
    }
}
