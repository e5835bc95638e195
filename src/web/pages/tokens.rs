//! Tokens: one's own; for administrators everybody's.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::http::StatusCode;

use super::refusal;
use crate::domain::fault::Fault;
use crate::domain::trigger::{parse_asked, parse_zone};
use crate::domain::user::{Role, Token};
use crate::service::{Error, NewToken};
use crate::web::error::Failure;
use crate::web::form::split_tags;
use crate::web::session::Flash;
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::Ask;
use crate::web::view::tokens::{MadeToken, TokenList, withdraw_href};
use crate::web::visit::{Answer, Visit};

const LIST: &str = "/settings/tokens";
const FIELDS: [&str; 4] = ["/name", "/role", "/tags", "/expires_at"];

/// `GET /settings/tokens`
pub async fn list(visit: Arc<Visit>) -> Answer {
    let tokens = visit.service().tokens(visit.actor()?).await?;
    let mut form = Fields::default();
    form.values.insert("/role".to_owned(), visit.actor()?.role.as_str().to_owned());
    visit.page("settings", &TokenList::new(&visit, &tokens, form))
}

/// `POST /settings/tokens`: makes a token. The answer itself shows its text, which is kept nowhere else.
pub async fn create(visit: Arc<Visit>) -> Answer {
    let made = match wanted(&visit) {
        Ok(new) => visit.service().create_token(visit.actor()?, &new).await,
        Err(fault) => Err(Error::Invalid(vec![fault])),
    };
    let mut form = refusal::typed(&visit, &[]);
    let (status, message, made) = match made {
        Ok((token, text)) => {
            form.values.retain(|name, _| name == "/role");
            (StatusCode::OK, String::new(), Some(MadeToken { name: token.name, text }))
        }
        Err(error) => {
            let (status, message) = refusal::shown(&visit, error, &FIELDS, &mut form)?;
            (status, message, None)
        }
    };
    let tokens = visit.service().tokens(visit.actor()?).await?;
    visit.page_with(status, "settings", &TokenList { message, made, ..TokenList::new(&visit, &tokens, form) })
}

/// The token that the form describes; an end without an offset counts in the reader's zone where the page's script told it.
fn wanted(visit: &Visit) -> Result<NewToken, Fault> {
    let zone = visit.form.get("zone").and_then(|name| parse_zone(name).ok()).unwrap_or(visit.service().zone());
    let end = |text: &str| -> Result<DateTime<Utc>, Fault> {
        parse_asked(text, zone).map_err(|what| Fault::new("/expires_at", format!("expires_at: {what}")))
    };
    let role = match visit.form.get("/role") {
        None => None,
        Some(name) => {
            let roles = Role::ALL.map(Role::as_str).join(", ");
            let fault = || Fault::new("/role", format!("role: {} is not one of {roles}", crate::domain::input::cut(name, 40)));
            Some(Role::parse(name).ok_or_else(fault)?)
        }
    };
    Ok(NewToken {
        name: visit.form.get("/name").unwrap_or_default().to_owned(),
        role,
        tags: split_tags(visit.form.get("/tags").unwrap_or_default()),
        expires_at: visit.form.get("/expires_at").map(end).transpose()?,
    })
}

/// `GET /settings/tokens/{id}/withdraw`
pub async fn ask_withdraw(visit: Arc<Visit>) -> Answer {
    let token = asked_for(&visit).await?;
    let view = Ask::plain("withdraw", &token.name, withdraw_href(&token.id), visit.back(LIST));
    visit.ask(StatusCode::OK, "settings", &view)
}

/// `POST /settings/tokens/{id}/withdraw`
pub async fn withdraw(visit: Arc<Visit>) -> Answer {
    let token = asked_for(&visit).await?;
    visit.service().revoke_token(visit.actor()?, &token.id).await?;
    Ok(visit.done(&Flash::new("withdrawn", &token.name, ""), &token.id, LIST))
}

async fn asked_for(visit: &Visit) -> Result<Token, Failure> {
    let mut tokens = visit.service().tokens(visit.actor()?).await?.into_iter();
    tokens.find(|token| token.id == visit.id()).ok_or(Failure::NotFound)
}
