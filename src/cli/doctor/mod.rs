//! `belfry doctor`: checks the installation and suggests fixes.

mod machine;
mod network;
mod server;

use clap::Args;
use serde_json::{Value, json};

use super::call::{ApiClient, Local};
use super::connection_args::ConnectionArgs;
use super::output_options::{OutputOptions, Tone};
use super::{Failure, answer};

/// Check settings, database, clock, disk, mail and datasources.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry doctor
  belfry doctor --json
  belfry doctor --server https://belfry.example.com

Exit status 1 if a check fails; warnings alone give 0.")]
pub(super) struct Doctor {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The result of one check.
pub(super) struct Finding {
    /// The name of the check.
    about: &'static str,
    state: State,
    /// What was found.
    what: String,
    /// How to fix it; empty if the check passed.
    fix: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    Warning,
    Broken,
}

impl Finding {
    pub(super) fn ok(about: &'static str, what: impl Into<String>) -> Finding {
        Finding { about, state: State::Ok, what: what.into(), fix: String::new() }
    }

    pub(super) fn warning(about: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { about, state: State::Warning, what: what.into(), fix: fix.into() }
    }

    pub(super) fn broken(about: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { about, state: State::Broken, what: what.into(), fix: fix.into() }
    }

    fn json(&self) -> Value {
        json!({"check": self.about, "state": self.state.word(), "found": self.what, "mend": self.fix})
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Broken => "broken",
        }
    }

    fn tone(self) -> Tone {
        match self {
            State::Ok => Tone::Good,
            State::Warning => Tone::Warning,
            State::Broken => Tone::Bad,
        }
    }
}

impl Doctor {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Doctor { connection } = self;
        let output = connection.output()?;
        let findings = match connection.address() {
            Some((shown, _)) => connection.run(async |client, output| Ok(server::check_server(shown, client, output).await))?,
            None => check_local(&connection, &output)?,
        };
        let all = Value::Array(findings.iter().map(Finding::json).collect());
        if output.is_json() {
            output.show(&all, |_| String::new())?
        } else {
            answer(&render(&findings, &output))?
        }
        match findings.iter().any(|finding| finding.state == State::Broken) {
            true => Err(Failure::Ended(1)),
            false => Ok(()),
        }
    }
}

/// Checks the local installation. Later checks need the earlier ones: without settings there is no database to check.
fn check_local(connection: &ConnectionArgs, output: &OutputOptions) -> Result<Vec<Finding>, Failure> {
    let settings = match connection.settings() {
        Ok(settings) => settings,
        Err(failure) => return Ok(vec![Finding::broken("settings", failure.to_string(), output.text("doctor.fix_settings"))]),
    };
    let mut findings = vec![Finding::ok("settings", output.text("doctor.settings_read"))];
    findings.extend(machine::check(&settings, output));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.block_on(async {
        let client = ApiClient::Local(Box::new(Local::new(settings.clone(), None)));
        findings.extend(server::check_database(&settings, &client, output).await);
        findings.extend(network::listening(&settings, output).await);
        findings.extend(network::mail(&settings, output).await);
    });
    Ok(findings)
}

fn render(findings: &[Finding], output: &OutputOptions) -> String {
    let mut out = String::new();
    for finding in findings {
        let state = output.paint(finding.state.tone(), &output.text(&format!("doctor.{}", finding.state.word())));
        out.push_str(&format!("{state} {}: {}\n", output.text(&format!("doctor.{}", finding.about)), finding.what));
        if !finding.fix.is_empty() {
            out.push_str(&format!("     {} {}\n", output.paint(Tone::Faint, "→"), finding.fix));
        }
    }
    let broken = findings.iter().filter(|finding| finding.state == State::Broken).count();
    let warnings = findings.iter().filter(|finding| finding.state == State::Warning).count();
    let key = if broken > 0 { "doctor.summary_failed" } else { "doctor.summary_ok" };
    out + &output.line(key, &[("broken", &broken.to_string()), ("warnings", &warnings.to_string())])
}
