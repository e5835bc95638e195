//! `belfry preview`: prints the next fire times of a trigger, with a built-in calendar if one is given.

use std::fmt::Write;

use chrono::DateTime;
use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::calendar_flags::CalendarFlags;
use super::{Failure, answer};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::domain::calendar::CalendarSet;
use crate::domain::fault::Fault;
use crate::domain::input::Fields;
use crate::domain::schedule::{Schedule, ScheduleSettings};
use crate::domain::trigger::{format_datetime, parse_zone};
use crate::i18n::{Language, message};

/// Print the next fire times of a trigger.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry preview \"0 8 * * mon-fri\" --tz Asia/Shanghai --n 3
  belfry preview 08:30 --calendar cn
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
    #[command(flatten)]
    calendars: CalendarFlags,
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
        let mut given = self.calendars.fields();
        given.insert("trigger".to_owned(), self.json()?);
        let mut fields = Fields::new(&Value::Object(given), "");
        let taken = ScheduleSettings::take(&mut fields, zone);
        let Some(taken) = taken else { return Err(self.refused(fields.finish(()).err().unwrap_or_default())) };
        let missing = |name| self.refused(vec![Fault::new("/calendar", message!("calendar.missing", name).of("calendar"))]);
        let schedule = taken.rules.bind(&CalendarSet::default(), &[], None).map_err(missing)?;
        let now = SystemClock.now();
        if schedule.never_opens(now, now) {
            return Err(Failure::Usage(message!("schedule.never_opens").text(self.lang.into())));
        }
        answer(&self.render(&schedule))
    }

    fn refused(&self, faults: Vec<Fault>) -> Failure {
        let messages: Vec<String> = faults.iter().map(|fault| fault.message.text(self.lang.into())).collect();
        Failure::Usage(messages.join("; "))
    }

    fn zone(&self) -> Result<Tz, Failure> {
        match &self.tz {
            Some(name) => parse_zone(name).map_err(|message| Failure::Usage(message.of("--tz").text(self.lang.into()))),
            None => Ok(Settings::default().server.zone),
        }
    }

    fn json(&self) -> Result<Value, Failure> {
        if self.trigger.trim_start().starts_with('{') {
            return crate::domain::json::read(self.trigger.as_bytes()).map_err(|error| {
                Failure::Usage(message!("cli.not_json", error = error.to_string()).of("trigger").text(self.lang.into()))
            });
        }
        Ok(json!({"type": "cron", "expression": self.trigger}))
    }

    fn render(&self, schedule: &Schedule) -> String {
        let lang = self.lang.into();
        let now = SystemClock.now();
        let mut text = format!("{}\n{}\n", schedule.text(), schedule.describe(lang));
        let preview = schedule.preview(schedule.next_at_or_after(now, now), now, now, usize::from(self.n));
        for one in &preview.occurrences {
            let note = match one.note {
                Some("moved" | "held") => message!("schedule.moved_from", original = local(&one.scheduled_at)).text(lang),
                Some(_) => message!("schedule.is_provisional").text(lang),
                None => String::new(),
            };
            let _ = writeln!(text, "  {}{note}", local(&one.at)); // writing to a String cannot fail
        }
        for note in &preview.notes {
            let _ = writeln!(text, "{}", note.text(lang)); // writing to a String cannot fail
        }
        text
    }
}

fn local(at: &DateTime<Tz>) -> String {
    format_datetime(at.to_utc(), at.timezone())
}
