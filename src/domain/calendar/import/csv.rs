//! Days as CSV: `date,off|work[,name]`, with or without a header.

use chrono::NaiveDate;

use super::super::read::parse_date;
use super::ImportedDays;
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// The most lines of a file.
const MAX_LINES: usize = 20_000;

pub(super) fn read(text: &str) -> Result<ImportedDays, Fault> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut days = ImportedDays::default();
    for (place, record) in reader.records().enumerate() {
        let at = |message: Message| Fault::new("", message!("calendar.import_line", line = place + 1, message));
        if place >= MAX_LINES {
            return Err(at(message!("calendar.import_too_long", max = MAX_LINES)));
        }
        let record = record.map_err(|error| at(Message::verbatim(error.to_string())))?;
        let [first, kind, name] = [0, 1, 2].map(|column| record.get(column).unwrap_or_default());
        if first.is_empty() || first.starts_with('#') {
            continue;
        }
        match (date(first), working(kind)) {
            (Ok(date), Some(working)) => days.add(date, working, name).map_err(at)?,
            (Err(_), None) if place == 0 => {} // a header
            (Err(message), _) => return Err(at(message)),
            (Ok(_), None) => return Err(at(message!("calendar.import_kind", text = truncate(kind, 20)))),
        }
    }
    Ok(days)
}

/// `2027-02-06`, `2027/02/06`, `2027/2/6` or `20270206`.
fn date(text: &str) -> Result<NaiveDate, Message> {
    let plain = text.replace(['/', '.'], "-");
    let mut parts = plain.split('-');
    let padded = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day), None) => format!("{year:0>4}-{month:0>2}-{day:0>2}"),
        (Some(packed), None, None, None) if packed.len() == 8 && packed.is_ascii() => {
            format!("{}-{}-{}", &packed[..4], &packed[4..6], &packed[6..])
        }
        _ => truncate(text, 20),
    };
    parse_date(&padded)
}

fn working(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "off" | "holiday" | "rest" | "休" | "休息" | "放假" => Some(false),
        "work" | "workday" | "班" | "上班" | "补班" => Some(true),
        _ => None,
    }
}
