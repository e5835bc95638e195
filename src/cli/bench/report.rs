//! Benchmark results as a table for people and as JSON for programs.

use std::fmt::Write;

use serde::Serialize;

use super::alarms::Alarms;
use super::burst::Burst;
use super::list::{List, PageTime};
use super::machine::Machine;
use super::pages::Pages;
use super::rig::Lateness;
use super::steady::Steady;
use super::store::Store;

/// All results.
#[derive(Debug, Serialize)]
pub struct Report {
    pub version: &'static str,
    pub database: &'static str,
    pub machine: Machine,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one: Option<Steady>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steady_boundary: Option<Steady>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steady_spread: Option<Steady>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Store>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<List>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<Pages>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Alarms>,
}

/// One benchmark as lines of the table.
struct Section {
    title: String,
    rows: Vec<(String, String)>,
}

impl Report {
    pub fn new(postgres: bool) -> Report {
        Report {
            version: env!("CARGO_PKG_VERSION"),
            database: if postgres { "postgres" } else { "sqlite" },
            machine: Machine::current(),
            one: None,
            burst: None,
            steady_boundary: None,
            steady_spread: None,
            store: None,
            list: None,
            pages: None,
            alarms: None,
        }
    }

    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    pub fn table(&self) -> String {
        let Machine { system, cpu, cores, memory_mb, optimised } = &self.machine;
        let mut text =
            format!("Belfry {} with {} on {system}, {cores} cores ({cpu}), {memory_mb} MiB\n", self.version, self.database);
        if !optimised {
            text.push_str("This build is not optimised; its figures are not meaningful. Use cargo run --release -- bench\n");
        }
        for section in self.sections() {
            let _ = writeln!(text, "\n{}", section.title); // writing to a String cannot fail
            for (label, value) in section.rows {
                let _ = writeln!(text, "  {label:<34} {value}"); // writing to a String cannot fail
            }
        }
        text
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = Vec::new();
        sections.extend(self.one.as_ref().map(|m| steady(m, "one: one task each second on an idle server")));
        sections.extend(self.burst.as_ref().map(burst));
        sections.extend(self.steady_boundary.as_ref().map(|m| steady(m, "steady: tasks each second, all on the second")));
        sections.extend(self.steady_spread.as_ref().map(|m| steady(m, "steady: tasks each second, spread over it")));
        sections.extend(self.store.as_ref().map(store));
        sections.extend(self.list.as_ref().map(list));
        sections.extend(self.pages.as_ref().map(pages));
        sections.extend(self.alarms.as_ref().map(alarms));
        sections
    }
}

fn burst(m: &Burst) -> Section {
    Section {
        title: format!("burst: {} tasks due at the same time", m.tasks),
        rows: labelled(vec![
            ("last result recorded after", format!("{} ms", m.last_recorded_ms)),
            ("limit: the database alone", format!("{:.0} ms, {:.1} times as long", m.limit_ms, times(m))),
            ("lateness p50 / p99 / max", lateness(&m.lateness_ms)),
            ("lost", m.lost.to_string()),
            ("CPU, peak memory", cost(m.cpu_seconds, m.peak_memory_mb)),
        ]),
    }
}

fn times(m: &Burst) -> f64 {
    m.last_recorded_ms as f64 / m.limit_ms.max(1.0)
}

fn steady(m: &Steady, title: &str) -> Section {
    Section {
        title: format!("{title} ({} a second, {} s)", m.tasks, m.seconds),
        rows: labelled(vec![
            ("lateness p50 / p99 / max", lateness(&m.lateness_ms)),
            ("lost", format!("{} of {}", m.lost, m.expected)),
            ("CPU, peak memory", cost(m.cpu_seconds, m.peak_memory_mb)),
        ]),
    }
}

fn store(m: &Store) -> Section {
    Section {
        title: format!("store: {} tasks, none due", m.tasks),
        rows: labelled(vec![
            ("created through the service in", format!("{:.1} s ({:.0} a second)", m.add_seconds, m.adds_per_second)),
            ("one poll, one tick (nothing due)", format!("{:.0} / {:.0} µs", m.look_us, m.tick_us)),
            ("server ready after", format!("{:.0} ms", m.start_ms)),
            ("resident memory", format!("{} MiB", m.memory_mb)),
            ("CPU while nothing is due", format!("{:.2} % of a core", m.idle_cpu_percent)),
        ]),
    }
}

fn list(m: &List) -> Section {
    Section {
        title: format!("list: pages of 40 of {} executions, deep pages after {} rows, p50 / max", m.executions, m.depth),
        rows: labelled(vec![
            ("first page", page(&m.first_page)),
            ("deep page", page(&m.deep_page)),
            ("deep page of one task", page(&m.of_one_task)),
            ("deep page of failed executions", page(&m.failed_only)),
            ("overview", page(&m.overview)),
        ]),
    }
}

fn pages(m: &Pages) -> Section {
    let rates = m.rates.iter().map(|rate| (rate.path.clone(), format!("{:.0} a second on 8 connections", rate.per_second)));
    let pages = m.pages.iter().map(|page| (page.path.clone(), format!("{:.2} ms, {} bytes", page.p50_ms, page.bytes)));
    let load = format!("{} bytes, {} of them scripts", m.first_load.bytes, m.first_load.script_bytes);
    Section {
        title: format!("pages: with {} tasks and {} executions, over sockets, compressed, p50", m.tasks, m.executions),
        rows: rates.chain(pages).chain([("first load of the overview".to_owned(), load)]).collect(),
    }
}

fn alarms(m: &Alarms) -> Section {
    let bursts = format!("{} / {} ms", m.burst_without_rules_ms, m.burst_with_rules_ms);
    Section {
        title: format!("alarms: {} failures, sent to a webhook; a burst of {} tasks", m.failures, m.burst_tasks),
        rows: labelled(vec![
            ("recorded to accepted p50 / p99 / max", lateness(&m.delay_ms)),
            ("unreported", m.unreported.to_string()),
            ("burst without / with a rule for all", bursts),
        ]),
    }
}

fn labelled(rows: Vec<(&str, String)>) -> Vec<(String, String)> {
    rows.into_iter().map(|(label, value)| (label.to_owned(), value)).collect()
}

fn lateness(l: &Lateness) -> String {
    format!("{} / {} / {} ms", l.p50, l.p99, l.max)
}

fn cost(cpu_seconds: f64, memory_mb: u64) -> String {
    format!("{cpu_seconds:.2} s, {memory_mb} MiB")
}

fn page(time: &PageTime) -> String {
    format!("{:.2} / {:.2} ms", time.p50_ms, time.max_ms)
}
