//! `belfry import crontab`.

use std::io::Read;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};

use super::{How, plan};
use crate::cli::Failure;
use crate::cli::reach::Reach;
use crate::config::{Settings, reason};
use crate::domain::moving::crontab::{Form, read};
use crate::domain::trigger::parse_zone;

/// Bring the lines of a crontab as tasks that run their commands.
#[derive(Debug, Args)]
pub(super) struct Crontab {
    /// The crontab; - reads the input, such as `crontab -l` gives.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// It has a column for the user, as /etc/crontab and /etc/cron.d have.
    #[arg(long)]
    system: bool,
    /// The zone of lines without CRON_TZ; by default this machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    how: How,
}

impl Crontab {
    pub(super) fn run(self, reach: &Reach) -> Result<(), Failure> {
        let form = Form { system: self.system, zone: zone(self.tz.as_deref())? };
        let found = read(&input(&self.file)?, form);
        let look = reach.look()?;
        let line = |number: usize| look.fill("import.line", &[("line", &number.to_string())]);
        for (number, reason) in &found.notes {
            look.note(&look.fill("import.not_moved", &[("what", &line(*number)), ("reason", reason)]));
        }
        let tasks: Vec<Value> = found.entries.into_iter().map(|entry| entry.task).collect();
        if tasks.is_empty() {
            return look.say("import.none", &[]);
        }
        plan::import(reach, &json!({"tasks": tasks}), false, self.how, &())
    }
}

/// The zone that was named, else the machine's.
pub(super) fn zone(name: Option<&str>) -> Result<Tz, Failure> {
    match name {
        Some(name) => parse_zone(name).map_err(|what| Failure::Usage(format!("--tz: {what}"))),
        None => Ok(Settings::default().server.zone),
    }
}

/// A file's text, or the input's for `-`.
pub(super) fn input(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::read_to_string(path).map(|found| {
            text = found;
            0
        })
    };
    read.map_err(|error| Failure::Usage(format!("cannot read {}: {}", path.display(), reason(&error))))?;
    Ok(text)
}
