//! Checks of the database and its servers: integrity, administrators, nodes and clocks.

use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use super::Finding;
use super::network::mail_server;
use crate::app::DATABASE_FILE;
use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call};
use crate::cli::output_options::{OutputOptions, text};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::storage::copy;

/// The largest acceptable difference between clocks.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::seconds(2);

/// Checks the local database.
pub(super) async fn check_database(settings: &Settings, client: &ApiClient, output: &OutputOptions) -> Vec<Finding> {
    let file = settings.data_dir.join(DATABASE_FILE);
    let is_file = settings.database.url.is_none();
    if is_file && !file.exists() {
        let what = output.fill("doctor.database_missing", &[("file", &file.display().to_string())]);
        return vec![Finding::warning("database", what, output.text("doctor.fix_folder_missing"))];
    }
    if is_file && let Err(error) = copy::check_sqlite(&file).await {
        return vec![Finding::broken("database", error.to_string(), output.text("doctor.fix_database"))];
    }
    let users = match client.json(Call::get(&["users"]), output).await {
        Ok(users) => users,
        Err(failure) => return vec![Finding::broken("database", failure.to_string(), output.text("doctor.fix_database"))],
    };
    let kind = if is_file { format!("SQLite, {}", file.display()) } else { "PostgreSQL".to_owned() };
    let mut findings = vec![Finding::ok("database", output.fill("doctor.database_ok", &[("kind", &kind)]))];
    findings.push(administrators(&users, output));
    findings.extend(nodes(client, output).await);
    findings.extend(recorded_times(client, output).await);
    findings.extend(datasources(client, output).await);
    findings.extend(stored_mail_servers(client, output).await);
    findings
}

/// Whether each mail server that administrators stored accepts connections.
async fn stored_mail_servers(client: &ApiClient, output: &OutputOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    let servers = client.json(Call::get(&["smtp"]), output).await.unwrap_or_default();
    for server in servers.as_array().into_iter().flatten().filter(|server| server["managed_by"].is_null()) {
        let port = server["port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
        findings.push(mail_server(text(&server["name"]), text(&server["host"]), port, output).await);
    }
    findings
}

/// Checks a server over its API.
pub(super) async fn check_server(shown: &str, client: &ApiClient, output: &OutputOptions) -> Vec<Finding> {
    let me = match client.send(Call::get(&["me"]), output).await {
        Ok(me) => me,
        Err(failure) => {
            return vec![Finding::broken("server", failure.to_string(), output.fill("doctor.fix_server", &[("shown", shown)]))];
        }
    };
    let account = me.json().unwrap_or_default();
    let values = [("name", text(&account["name"])), ("role", text(&account["role"]))];
    let mut findings = vec![Finding::ok("server", output.fill("doctor.server_reachable", &values))];
    if let Some(theirs) = me.header("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok()) {
        findings.push(clock_skew(theirs.to_utc() - SystemClock.now(), output));
    }
    findings.extend(nodes(client, output).await);
    findings.extend(datasources(client, output).await);
    findings
}

fn administrators(users: &Value, output: &OutputOptions) -> Finding {
    let can = |user: &&Value| text(&user["role"]) == "admin" && user["disabled"] != Value::Bool(true);
    match users.as_array().into_iter().flatten().filter(can).count() {
        0 => Finding::warning("accounts", output.text("doctor.no_admin"), output.text("doctor.fix_no_admin")),
        count => Finding::ok("accounts", output.fill("doctor.admins", &[("count", &count.to_string())])),
    }
}

/// Which nodes are running, and whether all have the same version.
async fn nodes(client: &ApiClient, output: &OutputOptions) -> Vec<Finding> {
    let found = match client.json(Call::get(&["nodes"]), output).await {
        Ok(found) => found,
        Err(failure) => return vec![Finding::broken("nodes", failure.to_string(), String::new())],
    };
    let all = found["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() || !client.can_run(output).await.unwrap_or_default() {
        return vec![Finding::warning("nodes", output.text("doctor.no_nodes"), output.text("doctor.fix_no_nodes"))];
    }
    let names: Vec<String> = all.iter().map(|node| format!("{} {}", text(&node["name"]), text(&node["version"]))).collect();
    let what = names.join(", ");
    let own = env!("CARGO_PKG_VERSION");
    match all.iter().all(|node| text(&node["version"]) == own) {
        true => vec![Finding::ok("nodes", what)],
        false => vec![Finding::warning("nodes", what, output.fill("doctor.fix_versions", &[("own", own)]))],
    }
}

/// Whether the clock is behind recorded times, which means it was set back.
async fn recorded_times(client: &ApiClient, output: &OutputOptions) -> Option<Finding> {
    let audit = client.json(Call::get(&["audit"]).query("page_size", 1), output).await.unwrap_or_default();
    let runs = client.json(Call::get(&["executions"]).query("page_size", 1), output).await.unwrap_or_default();
    let newest = [&audit["items"][0]["at"], &runs["items"][0]["queued_at"]];
    let newest = newest.into_iter().filter_map(|at| DateTime::parse_from_rfc3339(text(at)).ok()).max()?;
    Some(clock_skew((newest.to_utc() - SystemClock.now()).max(TimeDelta::zero()), output))
}

fn clock_skew(difference: TimeDelta, output: &OutputOptions) -> Finding {
    let ms = difference.num_milliseconds().abs();
    let took = output.language().duration(ms);
    match difference.abs() > MAX_CLOCK_SKEW {
        true => Finding::broken("clock", output.fill("doctor.clock_skewed", &[("by", &took)]), output.text("doctor.fix_clock")),
        false => Finding::ok("clock", output.text("doctor.clock_ok")),
    }
}

/// Whether each datasource can be reached.
async fn datasources(client: &ApiClient, output: &OutputOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sources = client.json(Call::get(&["datasources"]), output).await.unwrap_or_default();
    for name in sources.as_array().into_iter().flatten().map(|source| text(&source["name"])) {
        let tried = client.json(Call::post(&["datasources", name, "test"]), output).await;
        findings.push(match tried {
            Ok(result) if result["ok"] == Value::Bool(true) => Finding::ok("datasource", name),
            Ok(result) => Finding::broken(
                "datasource",
                format!("{name}: {}", text(&result["error"])),
                output.fill("doctor.fix_datasource", &[("name", name)]),
            ),
            // The account's role may not test datasources.
            Err(Failure::Refused(why)) => Finding::warning("datasource", format!("{name}: {why}"), String::new()),
            Err(failure) => Finding::broken("datasource", format!("{name}: {failure}"), String::new()),
        });
    }
    findings
}
