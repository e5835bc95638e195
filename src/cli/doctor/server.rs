//! What the database and the servers on it tell: whether it is sound, who may sign in, which nodes live, and whether the clocks
//! agree.

use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use super::Finding;
use crate::app::DATABASE_FILE;
use crate::cli::Failure;
use crate::cli::call::{Call, Caller};
use crate::cli::look::{Look, text};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::storage::copy;

/// Clocks that are further apart make runs late or early.
const APART: TimeDelta = TimeDelta::seconds(2);

/// The local database.
pub(super) async fn of_database(settings: &Settings, caller: &Caller, look: &Look) -> Vec<Finding> {
    let file = settings.data_dir.join(DATABASE_FILE);
    let is_file = settings.database.url.is_none();
    if is_file && !file.exists() {
        let what = look.fill("doctor.database_missing", &[("file", &file.display().to_string())]);
        return vec![Finding::warning("database", what, look.text("doctor.mend_folder_missing"))];
    }
    if is_file && let Err(error) = copy::check_sqlite(&file).await {
        return vec![Finding::broken("database", error.to_string(), look.text("doctor.mend_database"))];
    }
    let users = match caller.json(Call::get(&["users"]), look).await {
        Ok(users) => users,
        Err(failure) => return vec![Finding::broken("database", failure.to_string(), look.text("doctor.mend_database"))],
    };
    let kind = if is_file { format!("SQLite, {}", file.display()) } else { "PostgreSQL".to_owned() };
    let mut findings = vec![Finding::well("database", look.fill("doctor.database_sound", &[("kind", &kind)]))];
    findings.push(administrators(&users, look));
    findings.extend(nodes(caller, look).await);
    findings.extend(past(caller, look).await);
    findings.extend(datasources(caller, look).await);
    findings
}

/// A server, asked from outside.
pub(super) async fn of_remote(shown: &str, caller: &Caller, look: &Look) -> Vec<Finding> {
    let me = match caller.send(Call::get(&["me"]), look).await {
        Ok(me) => me,
        Err(failure) => {
            return vec![Finding::broken("server", failure.to_string(), look.fill("doctor.mend_server", &[("shown", shown)]))];
        }
    };
    let account = me.json().unwrap_or_default();
    let values = [("name", text(&account["name"])), ("role", text(&account["role"]))];
    let mut findings = vec![Finding::well("server", look.fill("doctor.server_answers", &values))];
    if let Some(theirs) = me.header("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok()) {
        findings.push(apart(theirs.to_utc() - SystemClock.now(), look));
    }
    findings.extend(nodes(caller, look).await);
    findings.extend(datasources(caller, look).await);
    findings
}

fn administrators(users: &Value, look: &Look) -> Finding {
    let can = |user: &&Value| text(&user["role"]) == "admin" && user["disabled"] != Value::Bool(true);
    match users.as_array().into_iter().flatten().filter(can).count() {
        0 => Finding::warning("accounts", look.text("doctor.no_admin"), look.text("doctor.mend_no_admin")),
        count => Finding::well("accounts", look.fill("doctor.admins", &[("count", &count.to_string())])),
    }
}

/// Which servers run, and whether all are of one version.
async fn nodes(caller: &Caller, look: &Look) -> Vec<Finding> {
    let found = match caller.json(Call::get(&["nodes"]), look).await {
        Ok(found) => found,
        Err(failure) => return vec![Finding::broken("nodes", failure.to_string(), String::new())],
    };
    let all = found["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() || !caller.can_run(look).await.unwrap_or_default() {
        return vec![Finding::warning("nodes", look.text("doctor.no_nodes"), look.text("doctor.mend_no_nodes"))];
    }
    let names: Vec<String> = all.iter().map(|node| format!("{} {}", text(&node["name"]), text(&node["version"]))).collect();
    let what = names.join(", ");
    let own = env!("CARGO_PKG_VERSION");
    match all.iter().all(|node| text(&node["version"]) == own) {
        true => vec![Finding::well("nodes", what)],
        false => vec![Finding::warning("nodes", what, look.fill("doctor.mend_versions", &[("own", own)]))],
    }
}

/// Whether the clock stands behind what is on record already: then it was set back.
async fn past(caller: &Caller, look: &Look) -> Option<Finding> {
    let audit = caller.json(Call::get(&["audit"]).query("page_size", 1), look).await.unwrap_or_default();
    let runs = caller.json(Call::get(&["executions"]).query("page_size", 1), look).await.unwrap_or_default();
    let newest = [&audit["items"][0]["at"], &runs["items"][0]["queued_at"]];
    let newest = newest.into_iter().filter_map(|at| DateTime::parse_from_rfc3339(text(at)).ok()).max()?;
    Some(apart((newest.to_utc() - SystemClock.now()).max(TimeDelta::zero()), look))
}

fn apart(difference: TimeDelta, look: &Look) -> Finding {
    let ms = difference.num_milliseconds().abs();
    let took = look.language().duration(ms);
    match difference.abs() > APART {
        true => Finding::broken("clock", look.fill("doctor.clock_off", &[("by", &took)]), look.text("doctor.mend_clock")),
        false => Finding::well("clock", look.text("doctor.clock_right")),
    }
}

/// Whether each database that tasks may use answers.
async fn datasources(caller: &Caller, look: &Look) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sources = caller.json(Call::get(&["datasources"]), look).await.unwrap_or_default();
    for name in sources.as_array().into_iter().flatten().map(|source| text(&source["name"])) {
        let tried = caller.json(Call::post(&["datasources", name, "test"]), look).await;
        findings.push(match tried {
            Ok(trial) if trial["ok"] == Value::Bool(true) => Finding::well("datasource", name),
            Ok(trial) => Finding::broken(
                "datasource",
                format!("{name}: {}", text(&trial["error"])),
                look.fill("doctor.mend_datasource", &[("name", name)]),
            ),
            // One's role may not try.
            Err(Failure::Refused(why)) => Finding::warning("datasource", format!("{name}: {why}"), String::new()),
            Err(failure) => Finding::broken("datasource", format!("{name}: {failure}"), String::new()),
        });
    }
    findings
}
