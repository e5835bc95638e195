//! Notes on a preview: clock changes, the end of the schedule, jitter.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::cron::{ClockChangeClass, Cron};
use super::datetime::wall_text;
use super::zone::{change_between, offset_at};
use super::{Lang, Trigger};

/// Maximum number of clock changes with a note.
const MAX_CHANGES: usize = 3;

/// Returns the notes on a preview that starts at `after` and lists `shown`.
pub(super) fn notes(trigger: &Trigger, shown: &[DateTime<Tz>], after: DateTime<Utc>, lang: Lang) -> Vec<String> {
    if let Trigger::Idle(_) = trigger {
        return vec![idle(lang)];
    }
    let mut notes = Vec::new();
    match shown.last() {
        None => notes.push(never(lang)),
        Some(last) if trigger.next_after(last.to_utc(), after).is_none() => {
            notes.extend(no_more_firings(trigger, shown.len(), lang))
        }
        Some(_) => {}
    }
    let changes = clock_changes(trigger.zone(), after, shown);
    notes.extend(changes.into_iter().filter_map(|change| change.note(trigger, lang)).take(MAX_CHANGES));
    if trigger.jitter() > 0 && !shown.is_empty() {
        notes.push(jitter(trigger.jitter(), lang));
    }
    notes
}

fn idle(lang: Lang) -> String {
    match lang {
        Lang::En => "An idle trigger depends on the CPU load, so its runs cannot be predicted.",
        Lang::Zh => "触发取决于 CPU 负载，无法预先列出运行时间。",
    }
    .to_owned()
}

fn never(lang: Lang) -> String {
    match lang {
        Lang::En => "There are no more runs.",
        Lang::Zh => "此规则不会再触发。",
    }
    .to_owned()
}

/// The note that the schedule ends with the last time shown. A date trigger needs none.
fn no_more_firings(trigger: &Trigger, shown: usize, lang: Lang) -> Option<String> {
    let text = match lang {
        Lang::En if shown == 1 => "There are no more runs after this one.",
        Lang::En => "There are no more runs after these.",
        Lang::Zh if shown == 1 => "此后不会再触发。",
        Lang::Zh => "以上之后不会再触发。",
    };
    (!matches!(trigger, Trigger::Date(_))).then(|| text.to_owned())
}

fn jitter(seconds: u64, lang: Lang) -> String {
    match lang {
        Lang::En => format!("Each run is delayed at random by up to {seconds} s; the times shown do not include the delay."),
        Lang::Zh => format!("每次运行随机延后 0～{seconds} 秒，以上时间不含延后。"),
    }
}

/// A clock change; offsets are in seconds.
struct Change {
    at: i64,
    before: i64,
    after: i64,
}

/// Returns the clock changes between `after` and the last of `shown`.
fn clock_changes(zone: Tz, after: DateTime<Utc>, shown: &[DateTime<Tz>]) -> Vec<Change> {
    let mut from = after.timestamp();
    let mut changes = Vec::new();
    for until in shown.iter().map(DateTime::timestamp).filter(|until| *until > after.timestamp()) {
        let (before, now) = (offset_at(zone, from), offset_at(zone, until));
        if before != now {
            changes.push(Change { at: change_between(zone, from, until), before, after: now });
        }
        from = until;
    }
    changes
}

impl Change {
    /// Returns the note on how the change affects a trigger; `None` if it has no effect.
    fn note(&self, trigger: &Trigger, lang: Lang) -> Option<String> {
        match trigger {
            Trigger::Cron(cron) => self.cron_note(cron, lang),
            Trigger::Interval(interval) if interval.seconds >= 3600 => Some(self.interval_note(interval.zone, lang)),
            Trigger::Interval(_) | Trigger::Date(_) | Trigger::Idle(_) => None,
        }
    }

    fn cron_note(&self, cron: &Cron, lang: Lang) -> Option<String> {
        // The local times that are skipped or repeated.
        let (first, end) = (self.at + self.before.min(self.after), self.at + self.before.max(self.after));
        cron.rule.next_wall(first).filter(|wall| *wall < end)?;
        let (first, end) = (wall(first), wall(end));
        let class = cron.rule.class;
        Some(match (self.after > self.before, lang) {
            (true, Lang::En) if class == ClockChangeClass::Hourly => {
                format!("Clocks go forward: {first} to {end} does not exist; runs in it are dropped.")
            }
            (true, Lang::En) => format!("Clocks go forward: {first} to {end} does not exist; runs in it move to {end}."),
            (true, Lang::Zh) if class == ClockChangeClass::Hourly => {
                format!("时钟拨快：{first} 至 {end} 不存在，其间的触发被跳过。")
            }
            (true, Lang::Zh) => format!("时钟拨快：{first} 至 {end} 不存在，其间的触发移至 {end}。"),
            (false, Lang::En) if class == ClockChangeClass::Plain => {
                format!("Clocks go back: {first} to {end} occurs twice; the trigger fires the first time only.")
            }
            (false, Lang::En) => format!("Clocks go back: {first} to {end} occurs twice; the trigger fires both times."),
            (false, Lang::Zh) if class == ClockChangeClass::Plain => {
                format!("时钟拨慢：{first} 至 {end} 出现两次，仅第一次触发。")
            }
            (false, Lang::Zh) => format!("时钟拨慢：{first} 至 {end} 出现两次，两次都会触发。"),
        })
    }

    fn interval_note(&self, zone: Tz, lang: Lang) -> String {
        let at = DateTime::from_timestamp(self.at, 0).map_or_else(String::new, |at| wall_text(at, zone));
        let minutes = (self.after - self.before) / 60;
        match lang {
            Lang::En => {
                format!("Clocks change at {at}: intervals are elapsed time, so local run times shift by {minutes:+} min.")
            }
            Lang::Zh => format!("时钟于 {at} 调整：间隔按实际经过的时间计算，此后的本地运行时间变动 {minutes:+} 分钟。"),
        }
    }
}

fn wall(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).map_or_else(String::new, |wall| wall.format("%Y-%m-%d %H:%M").to_string())
}
