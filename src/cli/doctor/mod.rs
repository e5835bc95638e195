//! `belfry doctor`: looks whether all is well, and says of what is not how to mend it.

mod machine;
mod network;
mod server;

use clap::Args;
use serde_json::{Value, json};

use super::call::{Caller, Local};
use super::look::{Look, Tone};
use super::reach::Reach;
use super::{Failure, answer};

/// Look whether settings, database, clock, disk, mail and datasources are as they should be.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry doctor
  belfry doctor --json
  belfry doctor --server https://belfry.example.com

Exit status 1 where something is broken; warnings alone give 0.")]
pub(super) struct Doctor {
    #[command(flatten)]
    reach: Reach,
}

/// What one look came to.
pub(super) struct Finding {
    /// The key of what was looked at.
    about: &'static str,
    state: State,
    /// What was found.
    what: String,
    /// How to mend it; empty where all is well.
    mend: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Well,
    Warning,
    Broken,
}

impl Finding {
    pub(super) fn well(about: &'static str, what: impl Into<String>) -> Finding {
        Finding { about, state: State::Well, what: what.into(), mend: String::new() }
    }

    pub(super) fn warning(about: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { about, state: State::Warning, what: what.into(), mend: mend.into() }
    }

    pub(super) fn broken(about: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { about, state: State::Broken, what: what.into(), mend: mend.into() }
    }

    fn json(&self) -> Value {
        json!({"check": self.about, "state": self.state.word(), "found": self.what, "mend": self.mend})
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Well => "ok",
            State::Warning => "warning",
            State::Broken => "broken",
        }
    }

    fn tone(self) -> Tone {
        match self {
            State::Well => Tone::Good,
            State::Warning => Tone::Warning,
            State::Broken => Tone::Bad,
        }
    }
}

impl Doctor {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Doctor { reach } = self;
        let look = reach.look()?;
        let findings = match reach.address() {
            Some((shown, _)) => reach.run(async |caller, look| Ok(server::of_remote(shown, caller, look).await))?,
            None => of_local(&reach, &look)?,
        };
        let all = Value::Array(findings.iter().map(Finding::json).collect());
        if look.is_json() {
            look.show(&all, |_| String::new())?
        } else {
            answer(&told(&findings, &look))?
        }
        match findings.iter().any(|finding| finding.state == State::Broken) {
            true => Err(Failure::Ended(1)),
            false => Ok(()),
        }
    }
}

/// Each look leans on those before it: without settings there is no database to look at.
fn of_local(reach: &Reach, look: &Look) -> Result<Vec<Finding>, Failure> {
    let settings = match reach.settings() {
        Ok(settings) => settings,
        Err(failure) => return Ok(vec![Finding::broken("settings", failure.to_string(), look.text("doctor.mend_settings"))]),
    };
    let mut findings = vec![Finding::well("settings", look.text("doctor.settings_read"))];
    findings.extend(machine::all(&settings, look));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.block_on(async {
        let caller = Caller::Local(Box::new(Local::new(settings.clone(), None)));
        findings.extend(server::of_database(&settings, &caller, look).await);
        findings.extend(network::listening(&settings, look).await);
        findings.extend(network::mail(&settings, look).await);
    });
    Ok(findings)
}

fn told(findings: &[Finding], look: &Look) -> String {
    let mut told = String::new();
    for finding in findings {
        let state = look.paint(finding.state.tone(), &look.text(&format!("doctor.{}", finding.state.word())));
        told.push_str(&format!("{state} {}: {}\n", look.text(&format!("doctor.{}", finding.about)), finding.what));
        if !finding.mend.is_empty() {
            told.push_str(&format!("     {} {}\n", look.paint(Tone::Faint, "→"), finding.mend));
        }
    }
    let broken = findings.iter().filter(|finding| finding.state == State::Broken).count();
    let warnings = findings.iter().filter(|finding| finding.state == State::Warning).count();
    let key = if broken > 0 { "doctor.sum_broken" } else { "doctor.sum_well" };
    told + &look.line(key, &[("broken", &broken.to_string()), ("warnings", &warnings.to_string())])
}
