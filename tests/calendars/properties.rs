//! Random calendars: working days against a naive method that looks at each day by itself, and closures against their definition.

use belfry::domain::calendar::{Calendar, CalendarSet, FreezeSet};
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A calendar in words that the naive method reads: its working weekdays, its dates, its yearly dates.
#[derive(Debug, Clone)]
struct Plain {
    weekdays: Vec<usize>,
    dates: Vec<(NaiveDate, u64, bool)>,
    yearly: Vec<(u32, u32, bool)>,
}

impl Plain {
    fn definition(&self) -> Value {
        let date = |(date, more, working): &(NaiveDate, u64, bool)| json!({"date": date.to_string(), "until": (*date + Days::new(*more)).to_string(), "working": working});
        let yearly =
            |(month, day, working): &(u32, u32, bool)| json!({"date": format!("{month:02}-{day:02}"), "working": working});
        json!({"name": "a", "base": "every_day", "weekdays": self.weekdays.iter().map(|day| DAYS[*day]).collect::<Vec<_>>(),
            "dates": self.dates.iter().map(date).collect::<Vec<_>>(), "yearly": self.yearly.iter().map(yearly).collect::<Vec<_>>()})
    }

    fn works(&self, day: NaiveDate) -> bool {
        let covers = |(first, more, _): &&(NaiveDate, u64, bool)| *first <= day && day <= *first + Days::new(*more);
        let single = self.dates.iter().filter(covers).rfind(|(_, more, _)| *more == 0);
        let range = self.dates.iter().filter(covers).rfind(|(_, more, _)| *more > 0);
        if let Some((.., working)) = single.or(range) {
            return *working;
        }
        let yearly = self.yearly.iter().rfind(|(month, date, _)| (*month, *date) == (day.month(), day.day()));
        yearly.map_or(self.weekdays.contains(&(day.weekday().num_days_from_monday() as usize)), |(.., working)| *working)
    }
}

fn any_date() -> impl Strategy<Value = NaiveDate> {
    (0_u64..1500).prop_map(|day| NaiveDate::from_ymd_opt(2025, 1, 1).unwrap() + Days::new(day))
}

fn any_plain() -> impl Strategy<Value = Plain> {
    let dates = prop::collection::vec((any_date(), prop_oneof![Just(0_u64), 0_u64..40], any::<bool>()), 0..12);
    let yearly = prop::collection::vec((1_u32..=12, 1_u32..=28, any::<bool>()), 0..6);
    (prop::collection::vec(0_usize..7, 0..7), dates, yearly).prop_map(|(weekdays, dates, yearly)| Plain {
        weekdays,
        dates,
        yearly,
    })
}

fn set(definition: &Value) -> CalendarSet {
    let calendar = Calendar::parse(definition, "").unwrap_or_else(|faults| panic!("{definition}: {faults:?}"));
    CalendarSet::compile(&[(calendar, 1)], FreezeSet::default()).expect("compiles")
}

proptest! {
    #[test]
    fn working_days_are_those_of_the_naive_method(plain in any_plain(), day in any_date(), n in -25_i32..25) {
        let set = set(&plain.definition());
        let calendar = set.combine(&["a".to_owned()]).expect("known");
        for step in 0..60 {
            let day = day + Days::new(step);
            prop_assert_eq!(calendar.is_working(day), plain.works(day), "{}", day);
        }
        let next = (0..=400).map(|step| day + Days::new(step)).find(|day| plain.works(*day));
        prop_assert_eq!(calendar.next_working_day(day), next);
        let previous = (0..=400).map(|step| day - Days::new(step)).find(|day| plain.works(*day));
        prop_assert_eq!(calendar.previous_working_day(day), previous);
        let first = day.with_day(1).expect("a first day");
        let mut month: Vec<NaiveDate> = first.iter_days().take_while(|at| at.month() == day.month()).filter(|day| plain.works(*day)).collect();
        if n < 0 { month.reverse(); }
        let expected = (n.unsigned_abs() as usize).checked_sub(1).and_then(|place| month.get(place)).copied();
        prop_assert_eq!(calendar.nth_working_day_of_month(day.year(), day.month(), n), expected);
    }

    #[test]
    fn a_closure_lasts_until_the_calendar_opens(
        plain in any_plain(),
        windows in prop::collection::vec((0_usize..7, 0_u32..24, 0_usize..7, 0_u32..24), 0..4),
        second in 0_i64..100_000_000,
        zone in prop::sample::select(vec!["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    ) {
        let mut definition = plain.definition();
        let window = |(from, hour, to, end): &(usize, u32, usize, u32)| json!({"window": format!("{} {hour:02}:00-{} {end:02}:30", DAYS[*from], DAYS[*to])});
        definition["closures"] = windows.iter().map(window).collect();
        let set = set(&definition);
        let calendar = set.combine(&["a".to_owned()]).expect("known");
        let at = DateTime::from_timestamp(1_750_000_000 + second, 0).expect("a time");
        let zone: chrono_tz::Tz = zone.parse().expect("a zone");
        let is_closed = |at: DateTime<Utc>| calendar.closed_at(at, zone).is_some();
        if let Some(closure) = calendar.closed_at(at, zone) {
            let last = closure.until.unwrap_or(at + TimeDelta::days(30));
            prop_assert!(last > at);
            prop_assert!(closure.until.is_none_or(|until| !is_closed(until)));
            let step = ((last - at) / 50).max(TimeDelta::seconds(1));
            let mut inside = at;
            while inside < last {
                prop_assert!(is_closed(inside), "{} of {} to {}", inside, at, last);
                inside += step;
            }
        } else {
            prop_assert!(plain.works(at.with_timezone(&zone).date_naive()));
        }
    }

    #[test]
    fn no_date_panics(plain in any_plain(), days in any::<i32>(), n in any::<i32>(), seconds in any::<i64>()) {
        let set = set(&plain.definition());
        let calendar = set.combine(&["a".to_owned(), "cn".to_owned()]).expect("known");
        if let Some(date) = NaiveDate::from_num_days_from_ce_opt(days) {
            let _ = (calendar.day(date), calendar.next_working_day(date), calendar.previous_working_day(date));
            let _ = (calendar.is_day_before_block(date), calendar.is_first_after_block(date));
            let _ = calendar.nth_working_day_of_month(date.year(), date.month(), n);
        }
        for extreme in [DateTime::from_timestamp(seconds, 0), Some(DateTime::<Utc>::MIN_UTC), Some(DateTime::<Utc>::MAX_UTC)].into_iter().flatten() {
            let _ = calendar.closed_at(extreme, chrono_tz::Asia::Shanghai);
        }
        for edge in [NaiveDate::MIN, NaiveDate::MAX] {
            let _ = (calendar.day(edge), calendar.next_working_day(edge), calendar.previous_working_day(edge));
            let _ = calendar.nth_working_day_of_month(edge.year(), edge.month(), n);
        }
    }
}
