//! The handlers, one file a resource, and the table of their addresses. Task ids never start with `-`, so helpers of the
//! pages live below `/tasks/-/` and `/executions/-/`.

mod account;
mod audit;
mod bulk;
mod calendar;
mod changes;
mod datasources;
mod execution;
mod executions;
mod overview;
mod refusal;
mod secrets;
mod task;
mod task_form;
mod task_types;
mod tasks;
mod tokens;
mod users;
mod versions;

use std::sync::Arc;

use poem::{Route, get, post};

use super::Web;
use super::door::{open, signed};

/// All addresses of pages.
pub fn routes(web: &Arc<Web>) -> Route {
    Route::new()
        .at("/", get(signed(web, overview::show)))
        .at("/setup", get(open(web, account::setup_form)).post(open(web, account::set_up)))
        .at("/login", get(open(web, account::login_form)).post(open(web, account::sign_in)))
        .at("/logout", post(signed(web, account::sign_out)))
        .at("/preferences", post(open(web, account::prefer)))
        .at("/tasks", get(signed(web, tasks::list)))
        .at("/tasks/-/rows", get(signed(web, tasks::rows)))
        .at("/tasks/-/bulk", get(signed(web, bulk::ask)).post(signed(web, bulk::act)))
        .at("/tasks/-/preview", post(signed(web, task_form::preview)))
        .at("/tasks/-/changes", post(signed(web, changes::show)))
        .at("/tasks/-/check", post(signed(web, task_form::check)))
        .at("/tasks/-/type", post(signed(web, task_form::type_part)))
        .at("/tasks/new", get(signed(web, task_form::new)).post(signed(web, task_form::create)))
        .at("/tasks/:id", get(signed(web, task::show)))
        .at("/tasks/:id/edit", get(signed(web, task_form::edit)).post(signed(web, task_form::replace)))
        .at("/tasks/:id/copy", get(signed(web, task_form::copy)))
        .at("/tasks/:id/run", get(signed(web, task::ask_run)).post(signed(web, task::run)))
        .at("/tasks/:id/pause", post(signed(web, task::pause)))
        .at("/tasks/:id/resume", post(signed(web, task::resume)))
        .at("/tasks/:id/delete", get(signed(web, task::ask_delete)).post(signed(web, task::delete)))
        .at("/tasks/:id/versions", get(signed(web, versions::list)))
        .at("/tasks/:id/restore", get(signed(web, versions::ask_restore)).post(signed(web, versions::restore)))
        .at("/executions", get(signed(web, executions::list)))
        .at("/executions/-/download", get(signed(web, executions::download)))
        .at("/executions/-/rows", get(signed(web, executions::rows)))
        .at("/executions/:id", get(signed(web, execution::show)))
        .at("/executions/:id/output", get(signed(web, execution::more_output)))
        .at("/executions/:id/cancel", post(signed(web, execution::cancel)))
        .at("/executions/:id/rerun", get(signed(web, execution::ask_rerun)).post(signed(web, execution::rerun)))
        .at("/calendar", get(signed(web, calendar::show)))
        .at("/task-types", get(signed(web, task_types::list)))
        .at("/account", get(signed(web, account::own)).post(signed(web, account::change_password)))
        .at("/audit", get(signed(web, audit::list)))
        .at("/settings/datasources", get(signed(web, datasources::list)).post(signed(web, datasources::test)))
        .at("/settings/secrets", get(signed(web, secrets::list)).post(signed(web, secrets::set)))
        .at("/settings/secrets/delete", get(signed(web, secrets::ask_delete)).post(signed(web, secrets::delete)))
        .at("/settings/tokens", get(signed(web, tokens::list)).post(signed(web, tokens::create)))
        .at("/settings/tokens/:id/withdraw", get(signed(web, tokens::ask_withdraw)).post(signed(web, tokens::withdraw)))
        .at("/settings/users", get(signed(web, users::list)).post(signed(web, users::create)))
        .at("/settings/users/edit", get(signed(web, users::edit)).post(signed(web, users::update)))
        .at("/settings/users/delete", get(signed(web, users::ask_delete)).post(signed(web, users::delete)))
}
