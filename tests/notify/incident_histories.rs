//! Random histories of runs: the messages on record are those of a recomputation from the history alone.

use std::collections::{BTreeMap, BTreeSet};

use belfry::domain::execution::Status;
use serde_json::json;

use crate::alarm_rig::AlarmRig;
use crate::for_each_database;

/// A generator of pseudo-random numbers below a limit.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What a rule has told of a task.
#[derive(Default)]
struct Told {
    open: BTreeSet<u64>,
    messages: usize,
}

impl Told {
    /// Tells of a failure from the failure number `after` on, and of recoveries if `recovers`.
    fn observe(&mut self, cause: Option<u64>, in_a_row: usize, after: usize, recovers: bool) {
        match cause {
            Some(cause) => self.messages += usize::from(in_a_row >= after && self.open.insert(cause)),
            None => {
                self.messages += if recovers { self.open.len() } else { 0 };
                self.open.clear();
            }
        }
    }
}

for_each_database! {
    async fn messages_are_those_of_the_history(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        let tasks = ["a", "b", "c"];
        for id in tasks {
            rig.task(id, json!({})).await;
        }
        rig.rule(json!({})).await;
        rig.rule(json!({"name": "third", "after_failures": 3, "events": ["failed"], "channels": ["boss"]})).await;
        let (mut random, mut in_a_row) = (Random(7), BTreeMap::<&str, usize>::new());
        let mut told = BTreeMap::<(&str, &str), Told>::new();
        for _ in 0..150 {
            rig.advance(60);
            let task = tasks[random.below(3) as usize];
            let step = random.below(6);
            let errors = ["", "", "refused by 10.0.0.1", "disk full", "no route to host"];
            match step {
                0 => drop(rig.succeed(task).await),
                1 => drop(rig.end(task, Status::Cancelled, "cancelled").await),
                2..=4 => drop(rig.fail(task, errors[step as usize]).await),
                _ => drop(rig.end(task, Status::TimedOut, "timed out after 3 s").await),
            }
            if step == 1 {
                continue;
            }
            let count = in_a_row.entry(task).or_default();
            *count = if step == 0 { 0 } else { *count + 1 };
            let cause = (step != 0).then_some(step);
            told.entry(("ops", task)).or_default().observe(cause, *count, 1, true);
            told.entry(("boss", task)).or_default().observe(cause, *count, 3, false);
        }
        for channel in ["ops", "boss"] {
            let expected: usize = told.iter().filter(|((name, _), _)| *name == channel).map(|(_, told)| told.messages).sum();
            assert_eq!(rig.messages(channel).await.len(), expected, "{channel}");
        }
        let open = rig.incidents().await.iter().filter(|incident| incident.is_open()).count();
        let expected: usize = tasks.iter().map(|task| told[&("ops", *task)].open.len()).sum();
        assert_eq!(open, expected);
    }
}
