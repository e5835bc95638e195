//! The use of memory, descriptors and disk over time, and the judgement whether it stays as it is.

use std::collections::BTreeMap;
use std::time::Duration;

pub const MIB: u64 = 1 << 20;

/// The number of rows of each table.
pub type Tables = BTreeMap<String, i64>;

/// Rows are deleted every five minutes: over a third of this time they are deleted at least once.
const COMPARED_FROM: Duration = Duration::from_secs(19 * 60);
/// The most of the write-ahead log at any time, and what is left of it after a restart of the log.
const WAL_MAX: u64 = 64 * MIB;
const WAL_KEPT: u64 = 17 * MIB;
/// The most memory, without the pages of the program's file: with those of a released program less than 120 MiB. Programs that are not
/// optimised need more.
const MEMORY_MAX: u64 = if cfg!(debug_assertions) { 110 * MIB } else { 80 * MIB };
/// What a change of a task takes in the audit log and its versions, which are kept.
const CHANGE_BYTES: u64 = 3 << 10;
/// Tables that keep what people change, with the most rows of one change.
const KEPT_CHANGES: [(&str, i64); 2] = [("audit", 1), ("task_versions", 1)];
/// Rows of the table of statistics in a minute: one for each status.
const MINUTE_ROWS: i64 = 5;

/// The use at one moment.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Since the start.
    pub at: Duration,
    pub descriptors: u64,
    /// Bytes of memory, without the pages of the program's file.
    pub memory: u64,
    /// The most bytes of the write-ahead log since the sample before.
    pub wal: u64,
    /// Bytes of the database.
    pub database: u64,
    pub tables: Tables,
    /// The changes until now.
    pub edits: u64,
}

impl Sample {
    pub fn executions(&self) -> u64 {
        self.tables.get("executions").copied().unwrap_or_default().unsigned_abs()
    }

    pub fn shown(&self) -> String {
        let Sample { at, descriptors, memory, wal, database, .. } = self;
        let [memory, wal, database] = [memory, wal, database].map(|bytes| *bytes as f64 / MIB as f64);
        let rows = self.executions();
        format!(
            "{:5.0} s: {descriptors} descriptors, {memory:.1} MiB of memory, {wal:.1} MiB WAL, {database:.1} MiB database, {rows} executions",
            at.as_secs_f64()
        )
    }
}

/// The most bytes of a database: without executions, and for each that is kept, with all that belongs to it.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseLimit {
    pub empty: u64,
    pub execution: u64,
}

impl DatabaseLimit {
    fn of(self, sample: &Sample) -> u64 {
        self.empty + sample.executions() * self.execution + sample.edits * CHANGE_BYTES
    }
}

/// What grew or was too much. The second and the last third of the time are compared by their highest values.
pub fn judge(samples: &[Sample], duration: Duration, limit: DatabaseLimit) -> Vec<String> {
    let mut faults = Vec::new();
    let third =
        |number: u32| samples.iter().filter(move |one| one.at >= duration / 3 * number && one.at < duration / 3 * (number + 1));
    let (Some(_), Some(_)) = (third(1).next(), third(2).next()) else { return vec!["too few samples".to_owned()] };
    let highest = |value: fn(&Sample) -> u64| [1, 2].map(|number| third(number).map(value).max().unwrap_or_default());
    let mut flat = |what: &str, [before, after]: [u64; 2], allowance: u64| {
        if after > before + allowance {
            faults.push(format!("{what} grew from {before} to {after}"));
        }
    };
    flat("descriptors", highest(|one| one.descriptors), 12);
    let memory = highest(|one| one.memory);
    flat("memory", memory, memory[0] / 20 + 2 * MIB);
    if duration >= COMPARED_FROM {
        let database = highest(|one| one.database.saturating_sub(one.edits * CHANGE_BYTES));
        flat("database", database, database[0] / 10 + 2 * MIB);
        for (name, rows) in grown_tables(third(1), third(2)) {
            faults.push(format!("table {name} grew by {rows} rows"));
        }
        let left = third(2).map(|one| one.wal).min().unwrap_or_default();
        if left > WAL_KEPT {
            faults.push(format!("the write-ahead log stays at {left} bytes"));
        }
        if let Some(fullest) = samples.iter().max_by_key(|one| one.executions())
            && fullest.database > limit.of(fullest)
        {
            faults.push(format!("{} bytes of database for {} executions", fullest.database, fullest.executions()));
        }
    }
    let mut bounded = |what: &str, value: fn(&Sample) -> u64, most: u64| {
        let found = samples.iter().map(value).max().unwrap_or_default();
        if found > most {
            faults.push(format!("{what}: {found} bytes, more than {most}"));
        }
    };
    bounded("write-ahead log", |one| one.wal, WAL_MAX);
    bounded("memory", |one| one.memory, MEMORY_MAX);
    faults
}

/// The tables whose highest number of rows grew by more than what people changed explains, with the number of rows.
fn grown_tables<'s>(before: impl Iterator<Item = &'s Sample>, after: impl Iterator<Item = &'s Sample>) -> Vec<(String, i64)> {
    let highest = |samples: &mut dyn Iterator<Item = &'s Sample>| {
        let mut most: Tables = BTreeMap::new();
        let (mut edits, mut at) = (0, Duration::ZERO);
        for sample in samples {
            for (name, rows) in &sample.tables {
                let entry = most.entry(name.clone()).or_default();
                *entry = (*entry).max(*rows);
            }
            (edits, at) = (sample.edits, sample.at);
        }
        (most, edits, at)
    };
    let (before, first_edits, first_at) = highest(&mut { before });
    let (after, last_edits, last_at) = highest(&mut { after });
    let edits = i64::try_from(last_edits - first_edits).unwrap_or(i64::MAX);
    let minutes = i64::try_from((last_at - first_at).as_secs() / 60 + 1).unwrap_or(i64::MAX);
    let explained = |name: &str| match name {
        "run_stats" => minutes * MINUTE_ROWS,
        name => KEPT_CHANGES.iter().find(|(kept, _)| *kept == name).map_or(0, |(_, rows)| rows * edits),
    };
    let growth = |(name, rows): (String, i64)| {
        let former = before.get(&name).copied().unwrap_or_default();
        let allowed = former / 10 + 20 + explained(&name);
        (rows - former > allowed).then_some((name, rows - former))
    };
    after.into_iter().filter_map(growth).collect()
}

/// The judgement finds each thing that grows or is too much, and nothing else.
pub async fn judgement_finds_each_growth() {
    type Change<'c> = &'c dyn Fn(&mut Sample, u64);
    let duration = Duration::from_secs(20 * 60);
    let samples = |change: Change<'_>| {
        let one = |number: u64| {
            let mut sample = Sample {
                at: Duration::from_secs(number * 10),
                descriptors: 40 + number % 5,
                memory: (60 + number % 7) * MIB,
                wal: if number % 30 == 29 { 40 * MIB } else { 16 * MIB },
                database: (14 + number % 30 / 10) * MIB,
                edits: number * 8,
                ..Sample::default()
            };
            let rows = number as i64;
            sample.tables.insert("executions".to_owned(), 1_200 + rows % 30 * 240);
            sample.tables.insert("audit".to_owned(), rows * 8);
            sample.tables.insert("run_stats".to_owned(), rows / 6 * 3);
            sample.tables.insert("sessions".to_owned(), 1);
            change(&mut sample, number);
            sample
        };
        judge(&(0..120).map(one).collect::<Vec<_>>(), duration, DatabaseLimit { empty: 4 * MIB, execution: 1536 })
    };
    assert_eq!(samples(&|_, _| ()), [""; 0]);
    let table = |name: &'static str, each: i64| {
        move |sample: &mut Sample, number: u64| {
            sample.tables.insert(name.to_owned(), number as i64 * each);
        }
    };
    let growing: [(&str, Change<'_>); 9] = [
        ("descriptors", &|sample, number| sample.descriptors += number),
        ("memory grew", &|sample, number| sample.memory += number * MIB / 4),
        ("memory: ", &|sample, _| sample.memory += 50 * MIB),
        ("database grew", &|sample, number| sample.database += number * MIB / 4),
        ("bytes of database for", &|sample, _| sample.database += 20 * MIB),
        ("log: ", &|sample, number| sample.wal += number / 119 * 64 * MIB),
        ("log stays", &|sample, _| sample.wal = 30 * MIB),
        ("table audit", &table("audit", 20)),
        ("table sessions", &table("sessions", 1)),
    ];
    for (what, change) in growing {
        let found = samples(change);
        assert!(found.iter().any(|fault| fault.contains(what)), "{what}: {found:?}");
    }
}
