//! Page handlers, one file per resource, and the route table. Task ids never start with `-`, so helper routes are under
//! `/tasks/-/` and `/executions/-/`.

mod account;
mod audit;
mod bulk;
mod calendar;
mod calendar_minute;
mod calendars;
mod changes;
mod channels;
mod datasources;
mod demo;
mod execution;
mod execution_bulk;
mod executions;
mod failures;
mod form_errors;
mod freezes;
mod heartbeats;
mod hooks;
mod incidents;
mod mail_sms_profiles;
mod nodes;
mod notify_rules;
mod occurrences;
mod overview;
mod params;
mod pause;
mod preferences;
mod preview;
mod profiles;
mod queues;
mod rows;
mod run_form;
mod saved_views;
mod second_factor;
mod second_step;
mod secrets;
mod single_sign_on;
mod task;
mod task_form;
mod task_state;
mod task_types;
mod tasks;
mod test_run;
mod tokens;
pub mod transfer;
mod users;
mod versions;
mod why;

use std::sync::Arc;

use poem::{Route, get, post};

use super::Web;
use super::auth::{public, require_session as session};

/// Builds the route table.
pub fn routes(web: &Arc<Web>) -> Route {
    Route::new()
        .at("/", get(session(web, overview::show)))
        .at("/setup", get(public(web, account::setup_form)).post(public(web, account::set_up)))
        .at("/login", get(public(web, account::login_form)).post(public(web, account::sign_in)))
        .at("/login/code", get(public(web, second_step::form)).post(public(web, second_step::finish)))
        .at("/login/oidc", get(public(web, single_sign_on::start)))
        .at("/login/oidc/callback", get(public(web, single_sign_on::callback)))
        .at("/logout", post(session(web, account::sign_out)))
        .at("/preferences", post(public(web, account::set_preferences)))
        .at("/preferences/lists", post(session(web, preferences::set_lists)))
        .at("/failures/acknowledge", post(session(web, failures::acknowledge)))
        .at("/failures/mute", post(session(web, failures::mute)))
        .at("/demo", post(session(web, demo::add)))
        .at("/demo/remove", get(session(web, demo::confirm_remove)).post(session(web, demo::remove)))
        .at("/tasks", get(session(web, tasks::list)))
        .at("/tasks/-/rows", get(session(web, tasks::updates)))
        .at("/tasks/-/bulk", get(session(web, bulk::confirm)).post(session(web, bulk::apply)))
        .at("/tasks/-/bulk/:id", get(session(web, bulk::progress)))
        .at("/tasks/-/bulk/:id/stop", post(session(web, bulk::stop)))
        .at("/tasks/-/preview", post(session(web, preview::show)))
        .at("/tasks/-/changes", post(session(web, changes::show)))
        .at("/tasks/-/check", post(session(web, task_form::check)))
        .at("/tasks/-/names", get(session(web, task_form::names)))
        .at("/tasks/-/params", post(session(web, params::switch)))
        .at("/tasks/-/test", post(session(web, test_run::start)))
        .at("/tasks/-/type", post(session(web, task_form::type_part)))
        .at("/tasks/new", get(session(web, task_form::new)).post(session(web, task_form::create)))
        .at("/tasks/:id", get(session(web, task::show)))
        .at("/tasks/:id/edit", get(session(web, task_form::edit)).post(session(web, task_form::replace)))
        .at("/tasks/:id/copy", get(session(web, task_form::copy)))
        .at("/tasks/:id/run", get(session(web, task::confirm_run)).post(session(web, task::run)))
        .at("/tasks/:id/pause", get(session(web, pause::form)).post(session(web, pause::pause)))
        .at("/tasks/:id/occurrences", get(session(web, occurrences::list)))
        .at("/tasks/:id/backfill", post(session(web, occurrences::start)))
        .at("/tasks/:id/backfills/:second/cancel", post(session(web, occurrences::cancel)))
        .at("/tasks/:id/why", get(session(web, why::show)))
        .at("/tasks/:id/resume", post(session(web, task::resume)))
        .at("/tasks/:id/delete", get(session(web, task::confirm_delete)).post(session(web, task::delete)))
        .at("/tasks/:id/reset-state", get(session(web, task::confirm_reset)).post(session(web, task::reset_state)))
        .at("/tasks/:id/hooks", get(session(web, hooks::list)).post(session(web, hooks::create)))
        .at("/tasks/:id/hooks/:second/rotate", get(session(web, hooks::confirm_rotate)).post(session(web, hooks::rotate)))
        .at("/tasks/:id/hooks/:second/revoke", get(session(web, hooks::confirm_revoke)).post(session(web, hooks::revoke)))
        .at("/tasks/:id/versions", get(session(web, versions::list)))
        .at("/tasks/:id/restore", get(session(web, versions::confirm_restore)).post(session(web, versions::restore)))
        .at("/executions", get(session(web, executions::list)))
        .at("/executions/-/download", get(session(web, executions::download)))
        .at("/executions/-/rows", get(session(web, executions::updates)))
        .at("/executions/-/bulk", get(session(web, execution_bulk::confirm)).post(session(web, execution_bulk::apply)))
        .at("/executions/-/newer", get(session(web, executions::newer)))
        .at("/executions/:id", get(session(web, execution::show)))
        .at("/executions/:id/output", get(session(web, execution::more_output)))
        .at("/executions/:id/search", get(session(web, execution::search_output)))
        .at("/executions/:id/cancel", post(session(web, execution::cancel)))
        .at("/executions/:id/rerun", get(session(web, execution::confirm_rerun)).post(session(web, execution::rerun)))
        .at("/views", get(session(web, saved_views::list)))
        .at("/views/tasks", post(session(web, saved_views::save_tasks)))
        .at("/views/executions", post(session(web, saved_views::save_executions)))
        .at("/views/:id/rename", post(session(web, saved_views::rename)))
        .at("/views/:id/delete", post(session(web, saved_views::delete)))
        .at("/heartbeats", get(session(web, heartbeats::list)))
        .at("/heartbeats/new", get(session(web, heartbeats::new)).post(session(web, heartbeats::create)))
        .at("/heartbeats/:id", get(session(web, heartbeats::show)))
        .at("/heartbeats/:id/edit", get(session(web, heartbeats::edit)).post(session(web, heartbeats::replace)))
        .at("/heartbeats/:id/rotate", get(session(web, heartbeats::confirm_rotate)).post(session(web, heartbeats::rotate)))
        .at("/heartbeats/:id/delete", get(session(web, heartbeats::confirm_delete)).post(session(web, heartbeats::delete)))
        .at("/calendar", get(session(web, calendar::show)))
        .at("/calendar/-/minute", get(session(web, calendar_minute::show)).post(session(web, calendar_minute::move_task)))
        .at("/calendars", get(session(web, calendars::list)))
        .at("/calendars/-/new", get(session(web, calendars::new)).post(session(web, calendars::create)))
        .at("/calendars/:id", get(session(web, calendars::show)))
        .at("/calendars/:id/edit", get(session(web, calendars::edit)).post(session(web, calendars::replace)))
        .at("/calendars/:id/import", get(session(web, calendars::import_form)).post(session(web, calendars::import)))
        .at("/calendars/:id/restore", get(session(web, calendars::confirm_restore)).post(session(web, calendars::restore)))
        .at("/calendars/:id/delete", get(session(web, calendars::confirm_delete)).post(session(web, calendars::delete)))
        .at("/freezes", get(session(web, freezes::list)).post(session(web, freezes::create)))
        .at("/freezes/:id/end", get(session(web, freezes::confirm_end)).post(session(web, freezes::end)))
        .at("/task-types", get(session(web, task_types::list)))
        .at("/account", get(session(web, account::show)).post(session(web, account::change_password)))
        .at("/account/sign-out", post(session(web, account::sign_out_everywhere)))
        .at("/account/second-factor", get(session(web, second_factor::show)))
        .at("/account/second-factor/begin", post(session(web, second_factor::begin)))
        .at("/account/second-factor/abandon", post(session(web, second_factor::abandon)))
        .at("/account/second-factor/confirm", post(session(web, second_factor::confirm)))
        .at("/account/second-factor/recovery", post(session(web, second_factor::renew)))
        .at("/account/second-factor/remove", post(session(web, second_factor::remove)))
        .at("/audit", get(session(web, audit::list)))
        .at("/audit/export", get(session(web, audit::export)))
        .at("/settings/datasources", get(session(web, datasources::list)).post(session(web, datasources::test)))
        .at("/settings/mail", get(session(web, mail_sms_profiles::mail)).post(session(web, mail_sms_profiles::test_mail)))
        .at("/settings/sms", get(session(web, mail_sms_profiles::sms)).post(session(web, mail_sms_profiles::test_sms)))
        .at("/settings/http", get(session(web, mail_sms_profiles::http)).post(session(web, mail_sms_profiles::test_http)))
        .at("/settings/profiles/new", get(session(web, profiles::new)).post(session(web, profiles::create)))
        .at("/settings/profiles/edit", get(session(web, profiles::edit)).post(session(web, profiles::update)))
        .at("/settings/profiles/delete", get(session(web, profiles::confirm_delete)).post(session(web, profiles::delete)))
        .at("/incidents", get(session(web, incidents::list)))
        .at("/incidents/:id", get(session(web, incidents::show)))
        .at("/incidents/:id/acknowledge", post(session(web, incidents::acknowledge)))
        .at("/incidents/:id/close", post(session(web, incidents::close)))
        .at("/tasks/:id/mute", post(session(web, incidents::mute)))
        .at("/settings/rules", get(session(web, notify_rules::list)))
        .at("/settings/rules/new", get(session(web, notify_rules::new)).post(session(web, notify_rules::create)))
        .at("/settings/rules/edit", get(session(web, notify_rules::edit)).post(session(web, notify_rules::update)))
        .at("/settings/rules/delete", get(session(web, notify_rules::confirm_delete)).post(session(web, notify_rules::delete)))
        .at("/nodes", get(session(web, nodes::show)))
        .at("/settings/queues", get(session(web, queues::list)).post(session(web, queues::change)))
        .at("/settings/queues/limit", get(session(web, queues::limit_form)).post(session(web, queues::set_limit)))
        .at("/settings/secrets", get(session(web, secrets::list)).post(session(web, secrets::set)))
        .at("/settings/secrets/delete", get(session(web, secrets::confirm_delete)).post(session(web, secrets::delete)))
        .at("/settings/channels", get(session(web, channels::list)).post(session(web, channels::create)))
        .at("/settings/channels/-/type", post(session(web, channels::type_part)))
        .at("/settings/channels/edit", get(session(web, channels::edit)).post(session(web, channels::update)))
        .at("/settings/channels/test", post(session(web, channels::test)))
        .at("/settings/channels/delete", get(session(web, channels::confirm_delete)).post(session(web, channels::delete)))
        .at("/settings/tokens", get(session(web, tokens::list)).post(session(web, tokens::create)))
        .at("/settings/tokens/:id/revoke", get(session(web, tokens::confirm_revoke)).post(session(web, tokens::revoke)))
        .at("/settings/transfer", get(session(web, transfer::show)).post(session(web, transfer::import)))
        .at("/settings/transfer/export", get(session(web, transfer::export)))
        .at("/settings/users", get(session(web, users::list)).post(session(web, users::create)))
        .at("/settings/users/edit", get(session(web, users::edit)).post(session(web, users::update)))
        .at("/settings/users/sign-out", get(session(web, users::confirm_sign_out)).post(session(web, users::sign_out)))
        .at("/settings/users/second-factor", get(session(web, users::confirm_reset)).post(session(web, users::reset)))
        .at("/settings/users/delete", get(session(web, users::confirm_delete)).post(session(web, users::delete)))
}
