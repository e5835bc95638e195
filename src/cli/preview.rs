//! `belfry preview`: prints a trigger's next fire times.

use std::fmt::Write;

use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Failure, answer};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::domain::trigger::{Trigger, format_datetime, parse_zone};
use crate::i18n::Language;

/// Print the next fire times of a trigger.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry preview \"0 8 * * mon-fri\" --tz Asia/Shanghai --n 3
  belfry preview 08:30
  belfry preview '{\"type\":\"interval\",\"minutes\":5}'")]
pub(super) struct Preview {
    /// A cron expression (five fields, or six with seconds first), HH:MM, an alias such as @daily, or a trigger as JSON.
    trigger: String,
    /// IANA time zone; by default the machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// How many fire times.
    #[arg(long, short, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    n: u16,
    /// The language of the description.
    #[arg(long, value_enum, default_value_t = LanguageName::En)]
    lang: LanguageName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LanguageName {
    En,
    Zh,
}

impl From<LanguageName> for Language {
    fn from(name: LanguageName) -> Self {
        match name {
            LanguageName::En => Language::English,
            LanguageName::Zh => Language::Chinese,
        }
    }
}

impl Preview {
    pub(super) fn run(self) -> Result<(), Failure> {
        let zone = self.zone()?;
        let trigger = Trigger::parse(&self.json()?, zone).map_err(|faults| {
            let messages: Vec<String> = faults.iter().map(|fault| fault.message.text(self.lang.into())).collect();
            Failure::Usage(messages.join("; "))
        })?;
        answer(&self.render(&trigger))
    }

    fn zone(&self) -> Result<Tz, Failure> {
        match &self.tz {
            Some(name) => parse_zone(name).map_err(|message| Failure::Usage(message.of("--tz").text(self.lang.into()))),
            None => Ok(Settings::default().server.zone),
        }
    }

    fn json(&self) -> Result<Value, Failure> {
        if self.trigger.trim_start().starts_with('{') {
            return crate::domain::json::read(self.trigger.as_bytes())
                .map_err(|error| Failure::Usage(format!("the trigger is not valid JSON: {error}")));
        }
        Ok(json!({"type": "cron", "expression": self.trigger}))
    }

    fn render(&self, trigger: &Trigger) -> String {
        let lang = self.lang.into();
        let now = SystemClock.now();
        let times = trigger.preview(now, usize::from(self.n));
        let mut text = format!("{}\n{}\n", trigger.text(), trigger.describe(lang));
        for time in &times {
            let _ = writeln!(text, "  {}", format_datetime(time.to_utc(), time.timezone())); // writing to a String cannot fail
        }
        for note in trigger.notes(&times, now) {
            let _ = writeln!(text, "{}", note.text(lang)); // writing to a String cannot fail
        }
        text
    }
}
