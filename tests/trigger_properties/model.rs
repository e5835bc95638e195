//! A naive model of cron rules: checks every minute of a few days.

use std::collections::BTreeSet;

use chrono::offset::LocalResult;
use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Text and values of one field; `special` holds the day keywords as (weekday, n-th), where `None` means the last day or the last
/// occurrence.
#[derive(Debug, Clone)]
pub struct Field {
    text: String,
    values: BTreeSet<u32>,
    special: Vec<(Option<u32>, Option<u32>)>,
}

#[derive(Debug, Clone)]
pub struct Model {
    by_expression: bool,
    zone: Tz,
    start: i64,
    week: Option<Field>,
    month: Field,
    day: Field,
    day_of_week: Field,
    hour: Field,
    minute: Field,
}

/// Zones with clock changes, and the change (Unix seconds) around which the model checks.
const CHANGES: [(Tz, i64); 12] = [
    (Tz::America__New_York, 1_741_503_600),
    (Tz::America__New_York, 1_762_063_200),
    (Tz::Europe__Berlin, 1_743_296_400),
    (Tz::Europe__Berlin, 1_761_440_400),
    (Tz::Australia__Lord_Howe, 1_759_591_800),
    (Tz::Australia__Lord_Howe, 1_743_865_200),
    (Tz::Pacific__Apia, 1_325_239_200),
    (Tz::America__Sao_Paulo, 1_541_300_400),
    (Tz::America__Sao_Paulo, 1_550_368_800),
    (Tz::Antarctica__Troll, 1_743_296_400),
    (Tz::Europe__Dublin, 1_761_440_400),
    (Tz::America__New_York, 4_297_993_200),
];

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const ORDINALS: [&str; 5] = ["1st", "2nd", "3rd", "4th", "5th"];

type Piece = (String, BTreeSet<u32>, Option<(Option<u32>, Option<u32>)>);

fn plain(text: String, values: impl Iterator<Item = u32>) -> Piece {
    (text, values.collect(), None)
}

fn element(min: u32, max: u32) -> impl Strategy<Value = Piece> {
    (0..6_u8, min..=max, min..=max, 1..=max - min).prop_map(move |(kind, a, b, step)| {
        let (a, b) = (a.min(b), a.max(b));
        let step_by = |n: u32| n as usize;
        match kind {
            0 => plain("*".into(), min..=max),
            1 => plain(format!("*/{step}"), (min..=max).step_by(step_by(step))),
            2 => plain(format!("{a}-{b}"), a..=b),
            3 if b > a => {
                let step = step.min(b - a);
                plain(format!("{a}-{b}/{step}"), (a..=b).step_by(step_by(step)))
            }
            4 if a < max => {
                let step = step.min(max - a);
                plain(format!("{a}/{step}"), (a..=max).step_by(step_by(step)))
            }
            _ => plain(format!("{a:02}"), std::iter::once(a)),
        }
    })
}

fn field(piece: impl Strategy<Value = Piece> + 'static) -> impl Strategy<Value = Field> {
    prop::collection::vec(piece, 1..4).prop_map(|pieces| Field {
        text: pieces.iter().map(|piece| piece.0.clone()).collect::<Vec<_>>().join(","),
        values: pieces.iter().flat_map(|piece| piece.1.clone()).collect(),
        special: pieces.into_iter().filter_map(|piece| piece.2).collect(),
    })
}

fn star(min: u32, max: u32) -> Field {
    Field { text: "*".into(), values: (min..=max).collect(), special: Vec::new() }
}

fn numbers(min: u32, max: u32) -> BoxedStrategy<Field> {
    prop_oneof![2 => field(element(min, max)), 1 => Just(star(min, max))].boxed()
}

/// Hours around which clocks change.
fn early_hours() -> impl Strategy<Value = Field> {
    field((0..=3_u32, 0..=1_u32).prop_map(|(hour, more)| plain(format!("{hour}-{}", hour + more), hour..=hour + more)))
}

fn day_words(by_expression: bool) -> BoxedStrategy<Piece> {
    if by_expression {
        return Just(("L".to_owned(), BTreeSet::new(), Some((None, None)))).boxed();
    }
    (0..7_u32, prop::option::of(1..=5_u32))
        .prop_map(|(day, nth)| {
            let ordinal = nth.map_or("last", |nth| ORDINALS[nth as usize - 1]);
            (format!("{ordinal} {}", WEEKDAYS[day as usize]), BTreeSet::new(), Some((Some(day), nth)))
        })
        .boxed()
}

fn weekday_words(by_expression: bool) -> BoxedStrategy<Piece> {
    let span = (0..7_u32, 0..7_u32).prop_map(|(first, length)| {
        let text = format!("{}-{}", WEEKDAYS[first as usize], WEEKDAYS[((first + length) % 7) as usize]);
        plain(text, (first..=first + length).map(|day| day % 7))
    });
    let nth = (0..=7_u32, prop::option::of(1..=5_u32)).prop_map(|(day, nth)| {
        let text = nth.map_or_else(|| format!("{day}L"), |nth| format!("{day}#{nth}"));
        (text, BTreeSet::new(), Some((Some(day % 7), nth)))
    });
    if by_expression { prop_oneof![span, nth].boxed() } else { span.boxed() }
}

fn days(by_expression: bool) -> impl Strategy<Value = (Field, Field)> {
    let day = prop_oneof![3 => element(1, 31), 1 => day_words(by_expression)];
    let weekday = prop_oneof![1 => element(0, 6), 2 => weekday_words(by_expression)];
    (prop_oneof![1 => Just(star(1, 31)), 1 => field(day)], prop_oneof![1 => Just(star(0, 6)), 1 => field(weekday)])
}

pub fn any_model() -> impl Strategy<Value = Model> {
    any::<bool>().prop_flat_map(|by_expression| {
        let place = (prop::sample::select(&CHANGES[..]), 0..60_i64);
        let times = (prop_oneof![3 => numbers(0, 23), 2 => early_hours()], numbers(0, 59));
        let month = prop_oneof![4 => Just(star(1, 12)), 1 => numbers(1, 12)];
        let week = prop::option::weighted(0.2, numbers(1, 53));
        (place, days(by_expression), times, month, week).prop_map(move |(((zone, change), back), days, times, month, week)| {
            Model {
                by_expression,
                zone,
                start: change - back * 3600,
                week: week.filter(|_| !by_expression),
                month,
                day: days.0,
                day_of_week: days.1,
                hour: times.0,
                minute: times.1,
            }
        })
    })
}

/// Returns the JSON for a rule's text: an expression, or fields as `key=value` with blanks allowed in a value.
pub fn read_back(text: &str) -> Value {
    if !text.contains('=') {
        return json!({"type": "cron", "expression": text});
    }
    let mut object = json!({"type": "cron"});
    let mut key = String::new();
    for word in text.split(' ') {
        if let Some((name, value)) = word.split_once('=') {
            name.clone_into(&mut key);
            object[name] = Value::from(value);
        } else {
            let value = format!("{} {word}", object[&key].as_str().unwrap_or_default());
            object[&key] = Value::from(value);
        }
    }
    object
}

impl Model {
    pub const HOURS: i64 = 72;

    pub fn start(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.start, 0).unwrap()
    }

    pub fn json(&self) -> Value {
        let zone = self.zone.name();
        if self.by_expression {
            let parts = [&self.minute, &self.hour, &self.day, &self.month, &self.day_of_week];
            let expression = parts.map(|field| field.text.as_str()).join(" ");
            return json!({"type": "cron", "expression": expression, "timezone": zone});
        }
        let mut value = json!({
            "type": "cron", "month": self.month.text, "day": self.day.text, "day_of_week": self.day_of_week.text,
            "hour": self.hour.text, "minute": self.minute.text, "timezone": zone,
        });
        if let Some(week) = &self.week {
            value["week"] = Value::from(week.text.clone());
        }
        value
    }

    /// Checks every minute of the window.
    pub fn naive_fires(&self) -> Vec<DateTime<Utc>> {
        let minutes = (0..Self::HOURS * 60).map(|minute| self.start() + TimeDelta::minutes(minute));
        minutes.filter(|at| self.fires_at(*at)).collect()
    }

    fn fires_at(&self, at: DateTime<Utc>) -> bool {
        let local = |at: DateTime<Utc>| at.naive_utc() + TimeDelta::seconds(self.offset(at));
        let hourly = self.hour.values.len() == 24;
        let repeating = hourly || self.minute.text.contains(['*', '/']);
        let (wall, expected) = (local(at), local(at - TimeDelta::minutes(1)) + TimeDelta::minutes(1));
        if expected < wall && !hourly && minutes(expected, wall).any(|wall| self.matches(wall)) {
            return true;
        }
        self.matches(wall) && (repeating || !self.second_pass(wall, at))
    }

    fn second_pass(&self, wall: NaiveDateTime, at: DateTime<Utc>) -> bool {
        let shift = self.shift(at);
        match self.zone.offset_from_local_datetime(&(wall - shift)) {
            LocalResult::Ambiguous(first, _) => {
                wall - TimeDelta::seconds(i64::from(first.fix().local_minus_utc())) != at.naive_utc()
            }
            _ => false,
        }
    }

    /// The zone data ends with 2099: 2106 has the calendar of 2094 around March (both begin on a Friday).
    fn shift(&self, at: DateTime<Utc>) -> TimeDelta {
        let to = |year: i32| chrono::NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        if at.year() < 2100 { TimeDelta::zero() } else { to(at.year()) - to(2094) }
    }

    fn offset(&self, at: DateTime<Utc>) -> i64 {
        let at = at - self.shift(at);
        i64::from(self.zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc())
    }

    fn matches(&self, wall: NaiveDateTime) -> bool {
        let has = |field: &Field, value: u32| field.values.contains(&value);
        let day = has(&self.day, wall.day()) || special(&self.day, wall);
        let weekday = has(&self.day_of_week, wall.weekday().num_days_from_sunday()) || special(&self.day_of_week, wall);
        let either = self.by_expression && !self.day.text.starts_with('*') && !self.day_of_week.text.starts_with('*');
        let days = if either { day || weekday } else { day && weekday };
        let week = self.week.as_ref().is_none_or(|week| has(week, wall.iso_week().week()));
        days && week && has(&self.month, wall.month()) && has(&self.hour, wall.hour()) && has(&self.minute, wall.minute())
    }
}

fn special(field: &Field, wall: NaiveDateTime) -> bool {
    let next_week = (wall + TimeDelta::days(7)).month() != wall.month();
    field.special.iter().any(|special| match special {
        (None, _) => (wall + TimeDelta::days(1)).month() != wall.month(),
        (Some(day), None) => wall.weekday().num_days_from_sunday() == *day && next_week,
        (Some(day), Some(nth)) => wall.weekday().num_days_from_sunday() == *day && (wall.day() - 1) / 7 + 1 == *nth,
    })
}

fn minutes(from: NaiveDateTime, until: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
    std::iter::successors(Some(from), |at| Some(*at + TimeDelta::minutes(1))).take_while(move |at| *at < until)
}
