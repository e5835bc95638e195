//! The second factor of one's own account.

use std::sync::Arc;

use poem::http::StatusCode;

use super::refusal;
use crate::service::{Error, Standing};
use crate::web::error::Failure;
use crate::web::session::Flash;
use crate::web::view::second_factor::SecondFactorPage;
use crate::web::view::task_form::Fields;
use crate::web::visit::{Answer, Visit, redirect};

pub const PAGE: &str = "/account/second-factor";
const FIELDS: [&str; 2] = ["/present", "/code"];

/// `GET /account/second-factor`
pub async fn show(visit: Arc<Visit>) -> Answer {
    draw(&visit, StatusCode::OK, Fields::default(), String::new()).await
}

async fn draw(visit: &Visit, status: StatusCode, form: Fields, message: String) -> Answer {
    let standing = visit.service().second_factor(visit.actor()?).await?;
    let required = visit.service().second_factor_required();
    visit.page_with(status, "settings", &SecondFactorPage::new(&standing, required, form, message))
}

/// `POST /account/second-factor/begin`: makes a secret, which counts once a code of it was given.
pub async fn begin(visit: Arc<Visit>) -> Answer {
    match visit.service().begin_second_factor(visit.actor()?).await {
        Ok(()) | Err(Error::Conflict(_)) => Ok(redirect(PAGE)),
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/second-factor/abandon`
pub async fn abandon(visit: Arc<Visit>) -> Answer {
    visit.service().abandon_second_factor(visit.actor()?).await?;
    Ok(redirect(PAGE))
}

/// `POST /account/second-factor/confirm`: shows the recovery codes, this once.
pub async fn confirm(visit: Arc<Visit>) -> Answer {
    let code = visit.form.raw("/code").unwrap_or_default();
    match visit.service().confirm_second_factor(visit.actor()?, code, visit.session.as_deref()).await {
        Ok(codes) => draw_codes(&visit, codes),
        Err(error) => refuse(&visit, error).await,
    }
}

/// `POST /account/second-factor/recovery`: makes the recovery codes anew and shows them, this once.
pub async fn renew(visit: Arc<Visit>) -> Answer {
    let (password, code) = typed(&visit);
    match visit.service().renew_recovery_codes(visit.actor()?, password, code).await {
        Ok(codes) => draw_codes(&visit, codes),
        Err(error) => refuse(&visit, error).await,
    }
}

/// `POST /account/second-factor/remove`
pub async fn remove(visit: Arc<Visit>) -> Answer {
    let (password, code) = typed(&visit);
    match visit.service().remove_second_factor(visit.actor()?, password, code).await {
        Ok(()) => Ok(visit.go(PAGE, Some(&Flash::new("second_factor_off", "", "")))),
        Err(error) => refuse(&visit, error).await,
    }
}

fn typed(visit: &Visit) -> (&str, &str) {
    (visit.form.raw("/present").unwrap_or_default(), visit.form.raw("/code").unwrap_or_default())
}

fn draw_codes(visit: &Visit, codes: Vec<String>) -> Answer {
    let standing = Standing::On { recovery_left: i64::try_from(codes.len()).unwrap_or_default() };
    let page = SecondFactorPage::new(&standing, visit.service().second_factor_required(), Fields::default(), String::new());
    visit.page("settings", &SecondFactorPage { codes, ..page })
}

async fn refuse(visit: &Visit, error: Error) -> Result<poem::Response, Failure> {
    let mut form = Fields::default();
    let (status, message) = match error {
        Error::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, visit.t("login.too_many").to_owned()),
        other => refusal::shown(visit, other, &FIELDS, &mut form)?,
    };
    draw(visit, status, form, message).await
}
