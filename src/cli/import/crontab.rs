//! `belfry import crontab`: imports crontab lines.

use std::io::Read;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};

use super::{ImportFlags, plan};
use crate::cli::Failure;
use crate::cli::connection_args::ConnectionArgs;
use crate::config::{Settings, reason};
use crate::domain::trigger::parse_zone;
use crate::migrate::crontab::{CrontabOptions, read};

/// Import the lines of a crontab as tasks that run their commands.
#[derive(Debug, Args)]
pub(super) struct Crontab {
    /// The crontab file; - reads standard input, such as the output of `crontab -l`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file has a user column, like /etc/crontab and /etc/cron.d.
    #[arg(long)]
    system: bool,
    /// The zone of lines without CRON_TZ; by default this machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    flags: ImportFlags,
}

impl Crontab {
    pub(super) fn run(self, connection: &ConnectionArgs) -> Result<(), Failure> {
        let options = CrontabOptions { system: self.system, zone: zone(self.tz.as_deref())? };
        let found = read(&input(&self.file)?, options);
        let output = connection.output()?;
        let line = |number: usize| output.fill("import.line", &[("line", &number.to_string())]);
        for (number, reason) in &found.notes {
            output.note(&output.fill("import.not_migrated", &[("what", &line(*number)), ("reason", reason)]));
        }
        let tasks: Vec<Value> = found.entries.into_iter().map(|entry| entry.task).collect();
        if tasks.is_empty() {
            return output.print_text("import.none", &[]);
        }
        plan::import(connection, &json!({"tasks": tasks}), false, self.flags, &())
    }
}

/// The given zone, else the machine's.
pub(super) fn zone(name: Option<&str>) -> Result<Tz, Failure> {
    match name {
        Some(name) => parse_zone(name).map_err(|what| Failure::Usage(format!("--tz: {what}"))),
        None => Ok(Settings::default().server.zone),
    }
}

/// The text of a file, or of standard input for `-`.
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
