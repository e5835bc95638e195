//! Conversion between the calendar form and a calendar's JSON. Days are written one a line: `2027-01-01 off New Year`,
//! `2027-02-05..2027-02-12 off`, `12-25 off Christmas`, `Sat 22:00-Sun 02:00 | Maintenance`.

use serde_json::{Value, json};

use super::Values;
use crate::domain::calendar::{Calendar, DateRule};
use crate::web::urls::Pairs;

/// The fields of the form.
pub const FIELDS: [&str; 9] = ["/name", "/title", "/color", "/timezone", "/base", "/weekdays", "/years", "/dates", "/yearly"];
/// The field of the closures, beyond those of [`FIELDS`].
pub const CLOSURES: &str = "/closures";
/// The most lines of a field that are read; more are refused when the calendar is checked.
const MAX_LINES: usize = 10_001;

/// The values of the form for a calendar.
pub fn values(calendar: &Calendar) -> Values {
    let json = calendar.to_json();
    let years = calendar.years.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
    let mut values = Values::from([
        ("/name".to_owned(), calendar.name.clone()),
        ("/title".to_owned(), calendar.title.clone()),
        ("/color".to_owned(), calendar.color.clone()),
        ("/timezone".to_owned(), calendar.zone.map(|zone| zone.name().to_owned()).unwrap_or_default()),
        ("/base".to_owned(), calendar.base.clone()),
        ("/years".to_owned(), years),
        ("/dates".to_owned(), lines(calendar.dates.iter().map(date_line))),
        ("/yearly".to_owned(), lines(json["yearly"].as_array().into_iter().flatten().map(yearly_line))),
        (CLOSURES.to_owned(), lines(calendar.closures.iter().map(|one| named(&one.window, " | ", &one.name)))),
    ]);
    for day in json["weekdays"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        values.insert(format!("/weekdays/{day}"), "true".to_owned());
    }
    values
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

fn named(text: &str, between: &str, name: &str) -> String {
    if name.is_empty() { text.to_owned() } else { format!("{text}{between}{name}") }
}

fn date_line(rule: &DateRule) -> String {
    let span = if rule.until == rule.date { rule.date.to_string() } else { format!("{}..{}", rule.date, rule.until) };
    named(&format!("{span} {}", word(rule.working)), " ", &rule.name)
}

fn yearly_line(rule: &Value) -> String {
    let text = |field: &str| rule[field].as_str().unwrap_or_default();
    named(&format!("{} {}", text("date"), word(rule["working"] == true)), " ", text("name"))
}

const fn word(working: bool) -> &'static str {
    if working { "work" } else { "off" }
}

/// The calendar's JSON of a submitted form; what is wrong in it is found when it is parsed.
pub fn to_json(form: &Pairs) -> Value {
    let text = |name: &str| form.get(name).unwrap_or_default();
    let weekdays: Vec<&str> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .into_iter()
        .filter(|day| form.get(&format!("/weekdays/{day}")) == Some("true"))
        .collect();
    let given = |name: &str| form.get(name).map_or(Value::Null, Value::from);
    let years = text("/years").split([',', ' ', '，']).filter(|year| !year.is_empty());
    json!({
        "name": text("/name"),
        "title": text("/title"),
        "color": text("/color"),
        "timezone": given("/timezone"),
        "base": form.get("/base").unwrap_or("weekdays"),
        "weekdays": if weekdays.is_empty() { Value::Null } else { json!(weekdays) },
        "years": years.map(|year| year.parse::<i64>().map_or_else(|_| year.into(), Value::from)).collect::<Vec<_>>(),
        "dates": entries(form, "/dates").map(date).collect::<Vec<_>>(),
        "yearly": entries(form, "/yearly").map(date).collect::<Vec<_>>(),
        "closures": entries(form, CLOSURES).map(closure).collect::<Vec<_>>(),
    })
}

fn entries<'f>(form: &'f Pairs, name: &str) -> impl Iterator<Item = &'f str> {
    let lines = form.raw(name).unwrap_or_default().lines().map(str::trim);
    lines.filter(|line| !line.is_empty()).take(MAX_LINES)
}

fn date(line: &str) -> Value {
    let (days, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let (kind, name) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (working, name) = match kind {
        "work" | "班" | "上班" => (true, name),
        "off" | "休" | "休息" => (false, name),
        _ => (false, rest),
    };
    let mut entry = match days.split_once("..") {
        Some((first, last)) => json!({"date": first, "until": last}),
        None => json!({"date": days}),
    };
    entry["working"] = working.into();
    entry["name"] = name.trim().into();
    entry
}

fn closure(line: &str) -> Value {
    let (window, name) = line.split_once('|').unwrap_or((line, ""));
    json!({"window": window.trim(), "name": name.trim()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_holds_a_whole_calendar() {
        let definition = json!({"name": "release", "title": "发布", "color": "#2fb344", "timezone": "Asia/Shanghai", "base": "cn",
            "weekdays": ["mon", "sat"], "years": [2027],
            "dates": [{"date": "2027-01-01", "working": false, "name": "New Year"},
                {"date": "2027-02-05", "until": "2027-02-12", "working": true, "name": ""}],
            "yearly": [{"date": "02-29", "working": true, "name": "Leap day"}],
            "closures": [{"window": "Sat 22:00-Sun 02:00", "name": "Maintenance | weekly"}]});
        let calendar = Calendar::parse(&definition, "").unwrap();
        let form = Pairs(values(&calendar).into_iter().collect());
        assert_eq!(Calendar::parse(&to_json(&form), ""), Ok(calendar));
    }
}
