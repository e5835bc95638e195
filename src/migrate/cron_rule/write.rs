//! Writing of cron rules as triggers.

use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::CronRule;
use super::field::{DaySpecial, MONTHS, WEEKDAYS, WeekdaySpecial, bits, range};
use crate::i18n::Message;

impl CronRule {
    /// Returns the trigger of the same meaning, with weekdays by name.
    ///
    /// # Errors
    /// The part that has no equivalent.
    pub fn trigger(&self, zone: Tz) -> Result<Value, Message> {
        let both_restricted = !self.either && !self.has_every_day() && !self.has_every_weekday();
        let trigger = if self.years.is_some() || both_restricted { self.by_fields(zone) } else { self.by_expression(zone) };
        super::super::check_trigger(&trigger, zone)?;
        Ok(trigger)
    }

    fn has_every_day(&self) -> bool {
        self.day == range(1, 31)
    }

    fn has_every_weekday(&self) -> bool {
        self.weekday == range(0, 6)
    }

    fn by_expression(&self, zone: Tz) -> Value {
        let stars = !self.either;
        let day = join(set_text(self.day, 1, 31, stars), self.day_specials.iter().map(|special| special.text()));
        let weekday = join(self.weekday_text(stars), self.weekday_specials.iter().map(|special| special.text()));
        let mut texts =
            vec![set_text(self.minute, 0, 59, true), set_text(self.hour, 0, 23, true), day, self.month_text(), weekday];
        if self.second != 1 {
            texts.insert(0, set_text(self.second, 0, 59, true));
        }
        json!({"type": "cron", "expression": texts.join(" "), "timezone": zone.name()})
    }

    /// By fields, which must all match.
    fn by_fields(&self, zone: Tz) -> Value {
        let mut map = Map::from_iter([("type".to_owned(), json!("cron"))]);
        let mut put = |name: &str, text: String| {
            if text != "*" {
                map.insert(name.to_owned(), text.into());
            }
        };
        if let Some(years) = &self.years {
            put("year", years.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
        }
        put("month", self.month_text());
        let ordinals = self.weekday_specials.iter().map(|special| special.ordinal());
        let specials = self.day_specials.iter().map(|special| special.field_text()).chain(ordinals);
        let plain = if self.weekday_specials.is_empty() { set_text(self.day, 1, 31, true) } else { String::new() };
        put("day", join(plain, specials));
        if self.weekday_specials.is_empty() {
            put("day_of_week", self.weekday_text(true));
        }
        // The smaller fields are always given: one that is left out would be at its minimum or match every value.
        for (name, set, max) in [("hour", self.hour, 23), ("minute", self.minute, 59), ("second", self.second, 59)] {
            map.insert(name.to_owned(), set_text(set, 0, max, true).into());
        }
        map.insert("timezone".to_owned(), zone.name().into());
        Value::Object(map)
    }

    fn month_text(&self) -> String {
        if self.month == range(1, 12) {
            return "*".to_owned();
        }
        let by_step = set_text(self.month, 1, 12, true);
        if by_step.starts_with('*') { by_step } else { names(self.month, &MONTHS) }
    }

    fn weekday_text(&self, stars: bool) -> String {
        if self.has_every_weekday() && stars { "*".to_owned() } else { names(self.weekday, &WEEKDAYS) }
    }
}

impl DaySpecial {
    fn text(self) -> String {
        match self {
            DaySpecial::Last(0) => "L".to_owned(),
            DaySpecial::Last(back) => format!("L-{back}"),
            DaySpecial::Nearest(day) => format!("{day}W"),
            DaySpecial::LastWorkday => "LW".to_owned(),
        }
    }

    fn field_text(self) -> String {
        if self == DaySpecial::Last(0) { "last".to_owned() } else { self.text() }
    }
}

impl WeekdaySpecial {
    fn name(self) -> &'static str {
        WEEKDAYS[self.weekday as usize]
    }

    fn text(self) -> String {
        self.nth.map_or_else(|| format!("{}L", self.name()), |nth| format!("{}#{nth}", self.name()))
    }

    /// The form in the field `day`.
    fn ordinal(self) -> String {
        let which = self.nth.map_or("last", |nth| ["", "1st", "2nd", "3rd", "4th", "5th"][nth as usize]);
        format!("{which} {}", self.name())
    }
}

fn join(plain: String, specials: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = (!plain.is_empty()).then_some(plain).into_iter().chain(specials).collect();
    all.join(",")
}

/// Returns the shortest text of a set. Without `stars` no text begins with `*`.
fn set_text(set: u64, min: u32, max: u32, stars: bool) -> String {
    if stars {
        if set == range(min, max) {
            return "*".to_owned();
        }
        let stepped = |step: u32| (min..=max).step_by(step as usize).fold(0_u64, |set, number| set | 1 << number);
        if let Some(step) = (2..=(max - min).div_ceil(2)).find(|step| stepped(*step) == set) {
            return format!("*/{step}");
        }
    }
    runs(set)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect::<Vec<_>>()
        .join(",")
}

fn names(set: u64, names: &[&str]) -> String {
    let name = |number: u32| names[number as usize];
    let text = |(first, last)| if first == last { name(first).to_owned() } else { format!("{}-{}", name(first), name(last)) };
    runs(set).map(text).collect::<Vec<_>>().join(",")
}

/// Returns the runs of three or more neighbours, and the other numbers alone.
fn runs(set: u64) -> impl Iterator<Item = (u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in bits(set) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs.into_iter()
        .flat_map(|(first, last)| if last - first == 1 { vec![(first, first), (last, last)] } else { vec![(first, last)] })
}
