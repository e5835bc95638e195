//! The last lines of the output of failed runs, for the messages about them.

use std::collections::HashMap;

use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::incident::Incident;
use crate::domain::notify::incident_decision::{Phase, Telling};
use crate::storage::{Result, Tx, incident};

/// The most runs whose output is read in one transaction.
const RUNS_MAX: usize = 5;
/// The most chunks of output read of a run, and lines told.
const CHUNKS: i64 = 4;
const LINES: usize = 10;
/// The most characters of a line.
const LINE_MAX: usize = 300;

/// The last lines of output by incident, for those whose opening is told.
pub(super) async fn ends(
    tx: &mut Tx,
    tellings: &[Telling],
    incidents: &HashMap<&str, &Incident>,
) -> Result<HashMap<String, String>> {
    let mut ends = HashMap::new();
    let opened = tellings.iter().filter(|telling| telling.phase == Phase::Opened);
    for incident in opened.filter_map(|telling| incidents.get(telling.incident_id.as_str())) {
        let Some(execution) = incident.last_execution.as_deref().filter(|_| incident.event == NotifyEvent::Failed) else {
            continue;
        };
        if ends.contains_key(&incident.id) || ends.len() >= RUNS_MAX {
            continue;
        }
        let chunks = incident::output_tail(tx, execution, CHUNKS).await?;
        ends.insert(incident.id.clone(), last_lines(&chunks.concat()));
    }
    Ok(ends)
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(LINES);
    let cut = |line: &&str| crate::domain::input::truncate(line, LINE_MAX);
    lines[from..].iter().map(cut).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_are_bounded() {
        let text: String = (0..30).map(|n| format!("line {n}\r\n\n")).collect();
        let kept = last_lines(&text);
        assert!(kept.starts_with("line 20\n") && kept.ends_with("line 29"), "{kept}");
        assert_eq!(last_lines(&"x".repeat(999)).chars().count(), LINE_MAX + 1);
        assert_eq!(last_lines(""), "");
    }
}
