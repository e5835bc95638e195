//! The bars of outcomes on the overview, each a link to the executions of its period.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::chart::Column;
use super::context::ViewContext;
use crate::stats::timeline::Slot;
use crate::web::urls::with_query;

/// Returns the URL of the executions that started within a period, in the server's time zone.
pub fn window(from: DateTime<Utc>, to: Option<DateTime<Utc>>, zone: Tz) -> String {
    let text = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S").to_string();
    let to = to.map(text).unwrap_or_default();
    with_query("/executions", &[("from", &text(from)), ("to", &to), ("zone", zone.name())])
}

/// The bar of a slot; `period` is its time in words.
pub fn column(ctx: &ViewContext, slot: &Slot, period: &str) -> Column {
    let amounts: Vec<_> = slot.outcomes.iter().map(|(status, runs)| (status.as_str(), *runs)).collect();
    let text = amounts.iter().map(|(status, runs)| format!(" · {} {runs}", ctx.t(&format!("status.{status}"))));
    let text = if amounts.is_empty() { format!(" · {}", ctx.t("overview.no_runs")) } else { text.collect() };
    Column {
        href: if amounts.is_empty() { String::new() } else { window(slot.from, Some(slot.to), ctx.zone) },
        label: format!("{period}{text}"),
        amounts,
    }
}
