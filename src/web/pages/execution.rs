//! One execution, and what can be done with it.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::domain::user::Action;
use crate::service::Error;
use crate::web::ansi;
use crate::web::form;
use crate::web::session::Flash;
use crate::web::urls::encode;
use crate::web::view::execution::{ExecutionPage, MoreOutput, OutputView};
use crate::web::view::tasks::Ask;
use crate::web::view::{View, pretty};
use crate::web::visit::{Answer, Visit};

/// `GET /executions/{id}`
pub async fn show(visit: Arc<Visit>) -> Answer {
    let detail = visit.service().execution(visit.actor()?, visit.id()).await?;
    let task = visit.service().task(visit.actor()?, &detail.execution.task_id).await;
    let exists = match task {
        Ok(_) => true,
        Err(Error::NotFound(_)) => false,
        Err(error) => return Err(error.into()),
    };
    visit.page("executions", &ExecutionPage::new(&visit, &detail, exists))
}

/// `GET /executions/{id}/output?after=attempt.seq&look=…`: what was written since.
pub async fn more_output(visit: Arc<Visit>) -> Answer {
    let after = visit.query.get("after").and_then(|text| text.split_once('.'));
    let after = after.and_then(|(attempt, seq)| Some((attempt.parse::<i64>().ok()?, seq.parse::<i64>().ok()?)));
    let chunks = visit.service().output(visit.actor()?, visit.id(), after).await?;
    let looks = ansi::of_token(visit.query.raw("look").unwrap_or_default());
    let view = MoreOutput { output: OutputView::new(&chunks, after.map_or(0, |(attempt, _)| attempt), looks) };
    visit.fragment(StatusCode::OK, MoreOutput::TEMPLATE, &view)
}

/// `POST /executions/{id}/cancel`
pub async fn cancel(visit: Arc<Visit>) -> Answer {
    let execution = visit.service().cancel(visit.actor()?, visit.id()).await?;
    let flash = Flash::new("cancelled", &execution.task_id, "");
    Ok(visit.done(&flash, &execution.task_id, &href(&execution.id)))
}

/// `GET /executions/{id}/rerun?params=1`
pub async fn ask_rerun(visit: Arc<Visit>) -> Answer {
    visit.may(Action::Run)?;
    let detail = visit.service().execution(visit.actor()?, visit.id()).await?;
    let params = visit.query.get("params").map(|_| pretty(&detail.execution.params));
    ask(&visit, StatusCode::OK, &detail.execution.task_id, params, "")
}

/// `POST /executions/{id}/rerun`
pub async fn rerun(visit: Arc<Visit>) -> Answer {
    visit.may(Action::Run)?;
    let id = visit.id();
    let about = visit.service().execution(visit.actor()?, id).await?.execution.task_id;
    let typed = visit.form.raw("params");
    let params = match typed.map(form::to_params).transpose() {
        Ok(params) => params,
        Err(fault) => {
            return ask(
                &visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                &about,
                typed.map(str::to_owned),
                &visit.translated(&[fault])[0].message,
            );
        }
    };
    match visit.service().rerun(visit.actor()?, id, params.as_ref()).await {
        Ok(execution) => {
            let link = href(&execution.id);
            Ok(visit.done(&Flash::new("started", &about, &link), &about, &link))
        }
        Err(Error::Invalid(faults)) if typed.is_some() => {
            let said: Vec<_> = visit.translated(&faults).iter().map(|f| format!("{}: {}", f.pointer, f.message)).collect();
            ask(&visit, StatusCode::UNPROCESSABLE_ENTITY, &about, typed.map(str::to_owned), &said.join("\n"))
        }
        Err(error) => Err(error.into()),
    }
}

fn href(id: &str) -> String {
    format!("/executions/{}", encode(id))
}

fn ask(visit: &Visit, status: StatusCode, about: &str, params: Option<String>, fault: &str) -> Answer {
    let here = href(visit.id());
    let view = Ask {
        action: "rerun",
        about: about.to_owned(),
        post_to: format!("{here}/rerun"),
        back: visit.back(&here),
        with_params: params.is_some(),
        params: params.unwrap_or_default(),
        fault: fault.to_owned(),
        dangerous: false,
    };
    visit.ask(status, "executions", &view)
}
