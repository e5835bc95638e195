//! Definitions and files: what is refused, and how days are read.

use belfry::domain::calendar::{Calendar, ImportFormat, ImportedDays, MAX_DATES};
use belfry::domain::fault::Fault;
use proptest::prelude::*;
use serde_json::{Value, json};

fn faults(value: Value) -> Vec<String> {
    match Calendar::parse(&value, "") {
        Ok(calendar) => panic!("{calendar:?}"),
        Err(faults) => faults.into_iter().map(|fault| fault.pointer).collect(),
    }
}

fn lines(text: &str, format: ImportFormat) -> Result<Vec<String>, Fault> {
    let days = ImportedDays::read(text, format)?;
    let mut calendar = Calendar::new("a", "weekdays");
    days.apply(&mut calendar).expect("fits");
    let word = |working| if working { "work" } else { "off" };
    Ok(calendar.dates.iter().map(|rule| format!("{}..{} {} {}", rule.date, rule.until, word(rule.working), rule.name)).collect())
}

#[test]
fn a_definition_is_parsed_as_it_was_written() {
    let definition = json!({"name": "发布", "title": "Release", "color": "#2fB344", "timezone": "Asia/Shanghai", "base": "cn",
        "weekdays": ["mon", "sat"], "years": [2027, 2026, 2027], "dates": [{"date": "2027-01-01"}],
        "yearly": [{"date": "02-29", "working": true}], "closures": [{"window": "Sat 22:00-Sun 02:00", "name": "x"}]});
    let calendar = Calendar::parse(&definition, "").expect("valid");
    assert_eq!(calendar.years, [2026, 2027]);
    assert_eq!(Calendar::parse(&calendar.to_json(), ""), Ok(calendar));
}

#[test]
fn faults_name_the_field() {
    assert_eq!(faults(json!({})), ["/name"]);
    assert_eq!(faults(json!([])), ["", "/name"]);
    assert_eq!(faults(json!({"name": "weekdays"})), ["/name"]);
    assert_eq!(faults(json!({"name": "-x", "more": 1})), ["/name", "/more"]);
    assert_eq!(faults(json!({"name": null})), ["/name"]);
    for (field, value) in [
        ("base", json!("a b")),
        ("color", json!("red")),
        ("timezone", json!("Mars")),
        ("timezone", json!(1)),
        ("weekdays", json!(["Mon"])),
        ("weekdays", json!({})),
        ("years", json!([1.5])),
        ("years", json!("2027")),
        ("dates", json!({})),
        ("dates", json!([{"date": "1970-01-01", "until": "9999-12-31"}])),
        ("closures", Value::Array(vec![json!({"window": "22:00-23:00"}); 367])),
    ] {
        assert_eq!(faults(json!({"name": "a", field: value})), [format!("/{field}")], "{field}");
    }
    let nested = json!({"name": "a", "dates": [{"date": "2027-02-30"}, {"date": "2027-01-02", "until": "2027-01-01"}, {"date": 1}, 1],
        "yearly": [{"date": "02-30"}], "closures": [{"window": "soon"}]});
    let expected = ["/dates/0/date", "/dates/1/until", "/dates/2/date", "/dates/3", "/yearly/0/date", "/closures/0/window"];
    let found = faults(nested);
    for pointer in expected {
        assert!(found.iter().any(|found| found == pointer), "{pointer}: {found:?}");
    }
}

#[test]
fn json_states_years_in_full() {
    let text = r#"{"name": "x", "years": {"2027": {"off": ["01-01"], "work": ["02-06"]},
        "2028": {"new_year": {"off": ["01-01", "01-02"]}, "Company day": {"off": ["05-05"]}}}}"#;
    let found = lines(text, ImportFormat::Json).expect("valid");
    assert_eq!(
        found,
        [
            "2027-01-01..2027-01-01 off ",
            "2027-02-06..2027-02-06 work ",
            "2028-01-01..2028-01-02 off new_year",
            "2028-05-05..2028-05-05 off Company day"
        ]
    );
    let mut calendar =
        Calendar::parse(&json!({"name": "a", "dates": [{"date": "2027-06-01", "until": "2028-06-01"}]}), "").unwrap();
    ImportedDays::read(r#"{"years": {"2027": {"off": ["01-01"]}}}"#, ImportFormat::Json).unwrap().apply(&mut calendar).unwrap();
    assert_eq!(calendar.years, [2027]);
    let dates: Vec<String> = calendar.dates.iter().map(|rule| format!("{}..{}", rule.date, rule.until)).collect();
    assert_eq!(dates, ["2027-01-01..2027-01-01", "2028-01-01..2028-06-01"], "the year is replaced, the rest stays");
}

#[test]
fn csv_takes_the_usual_forms_of_dates_and_words() {
    let text =
        "\u{feff}日期,类型,名称\n2027-01-01,off,元旦\n2027/2/6,work\r\n20270207,补班,春节\n\n# note\n2027-02-08,休息,\"a, b\"\n";
    assert_eq!(
        lines(text, ImportFormat::Csv).expect("valid"),
        [
            "2027-01-01..2027-01-01 off 元旦",
            "2027-02-06..2027-02-06 work ",
            "2027-02-07..2027-02-07 work 春节",
            "2027-02-08..2027-02-08 off a, b"
        ]
    );
    for (bad, at) in [("2027-01-01,maybe", "line 1"), ("2027-01-01,off\n2027-13-01,off", "line 2"), ("a,b\nc,d", "line 2")] {
        let fault = lines(bad, ImportFormat::Csv).unwrap_err();
        assert!(fault.message.to_string().contains(at), "{bad}: {fault}");
    }
}

#[test]
fn icalendar_events_are_closed_days_or_made_up_ones() {
    let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270206\r\nDTEND;VALUE=DATE:20270214\r\nSUMMARY:春节\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270227\r\nSUMMARY:春节 补\r\n 班\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nDTSTART:20270501T000000\r\nDTEND:20270502T000000\r\nSUMMARY:International Workers' Day\\, observed\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";
    assert_eq!(ImportedDays::guess_format(text), ImportFormat::Ics);
    assert_eq!(
        lines(text, ImportFormat::Ics).expect("valid"),
        [
            "2027-02-06..2027-02-13 off 春节",
            "2027-02-27..2027-02-27 work 春节 补班",
            "2027-05-01..2027-05-01 off International Workers' Day, observed"
        ]
    );
    let event = |lines: &str| format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n");
    for bad in [
        "SUMMARY:x",
        "DTSTART:20270101\nRRULE:FREQ=YEARLY",
        "DTSTART:2027",
        "DTSTART:20270101\nDTEND:20300101",
        "DTSTART:99999999",
    ] {
        assert!(lines(&event(bad), ImportFormat::Ics).is_err(), "{bad}");
    }
}

#[test]
fn large_and_empty_files_are_refused() {
    for format in [ImportFormat::Json, ImportFormat::Ics, ImportFormat::Csv] {
        assert!(lines("", format).is_err());
        assert!(lines(&" ".repeat(5 << 20), format).is_err());
    }
    let days = |count: usize| -> String {
        let first = chrono::NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
        first.iter_days().take(count).map(|day| format!("{day},off\n")).collect()
    };
    assert!(lines(&days(MAX_DATES), ImportFormat::Csv).is_ok());
    assert!(lines(&days(MAX_DATES + 1), ImportFormat::Csv).is_err());
    let deep = format!("{}{}", "{\"years\":".repeat(200_000), "}".repeat(200_000));
    assert!(lines(&deep, ImportFormat::Json).is_err());
}

proptest! {
    #[test]
    fn no_file_panics(text in "\\PC{0,200}", dated in "(BEGIN:VEVENT\n(DTSTART|DTEND|SUMMARY)[:;][0-9TZ=\u{4e00}-\u{4e05}]{0,12}\nEND:VEVENT\n){0,4}",
        rows in "([0-9/-]{0,12},(off|work|休|),\\PC{0,8}\n){0,6}") {
        for format in [ImportFormat::Json, ImportFormat::Ics, ImportFormat::Csv] {
            for text in [&text, &dated, &rows] {
                let _ = ImportedDays::read(text, format);
                let _ = ImportedDays::guess_format(text);
            }
        }
    }
}
