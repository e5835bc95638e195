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
mod messengers;
mod nodes;
mod overview;
mod refusal;
mod saved_views;
mod second_factor;
mod second_step;
mod secrets;
mod single_sign_on;
mod task;
mod task_form;
mod task_types;
mod tasks;
mod tokens;
pub mod transfer;
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
        .at("/login/code", get(open(web, second_step::form)).post(open(web, second_step::finish)))
        .at("/login/oidc", get(open(web, single_sign_on::depart)))
        .at("/login/oidc/callback", get(open(web, single_sign_on::arrive)))
        .at("/logout", post(signed(web, account::sign_out)))
        .at("/preferences", post(open(web, account::prefer)))
        .at("/tasks", get(signed(web, tasks::list)))
        .at("/tasks/-/rows", get(signed(web, tasks::rows)))
        .at("/tasks/-/bulk", get(signed(web, bulk::ask)).post(signed(web, bulk::act)))
        .at("/tasks/-/preview", post(signed(web, task_form::preview)))
        .at("/tasks/-/changes", post(signed(web, changes::show)))
        .at("/tasks/-/check", post(signed(web, task_form::check)))
        .at("/tasks/-/names", get(signed(web, task_form::names)))
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
        .at("/views", get(signed(web, saved_views::list)))
        .at("/views/tasks", post(signed(web, saved_views::save_tasks)))
        .at("/views/executions", post(signed(web, saved_views::save_executions)))
        .at("/views/:id/rename", post(signed(web, saved_views::rename)))
        .at("/views/:id/delete", post(signed(web, saved_views::delete)))
        .at("/calendar", get(signed(web, calendar::show)))
        .at("/task-types", get(signed(web, task_types::list)))
        .at("/account", get(signed(web, account::own)).post(signed(web, account::change_password)))
        .at("/account/sign-out", post(signed(web, account::sign_out_everywhere)))
        .at("/account/second-factor", get(signed(web, second_factor::show)))
        .at("/account/second-factor/begin", post(signed(web, second_factor::begin)))
        .at("/account/second-factor/abandon", post(signed(web, second_factor::abandon)))
        .at("/account/second-factor/confirm", post(signed(web, second_factor::confirm)))
        .at("/account/second-factor/recovery", post(signed(web, second_factor::renew)))
        .at("/account/second-factor/remove", post(signed(web, second_factor::remove)))
        .at("/audit", get(signed(web, audit::list)))
        .at("/audit/export", get(signed(web, audit::export)))
        .at("/settings/datasources", get(signed(web, datasources::list)).post(signed(web, datasources::test)))
        .at("/settings/mail", get(signed(web, messengers::mail)).post(signed(web, messengers::try_mail)))
        .at("/settings/sms", get(signed(web, messengers::sms)).post(signed(web, messengers::try_sms)))
        .at("/nodes", get(signed(web, nodes::show)))
        .at("/settings/secrets", get(signed(web, secrets::list)).post(signed(web, secrets::set)))
        .at("/settings/secrets/delete", get(signed(web, secrets::ask_delete)).post(signed(web, secrets::delete)))
        .at("/settings/tokens", get(signed(web, tokens::list)).post(signed(web, tokens::create)))
        .at("/settings/tokens/:id/withdraw", get(signed(web, tokens::ask_withdraw)).post(signed(web, tokens::withdraw)))
        .at("/settings/transfer", get(signed(web, transfer::show)).post(signed(web, transfer::import)))
        .at("/settings/transfer/export", get(signed(web, transfer::export)))
        .at("/settings/users", get(signed(web, users::list)).post(signed(web, users::create)))
        .at("/settings/users/edit", get(signed(web, users::edit)).post(signed(web, users::update)))
        .at("/settings/users/sign-out", get(signed(web, users::ask_sign_out)).post(signed(web, users::sign_out)))
        .at("/settings/users/second-factor", get(signed(web, users::ask_reset)).post(signed(web, users::reset)))
        .at("/settings/users/delete", get(signed(web, users::ask_delete)).post(signed(web, users::delete)))
}
