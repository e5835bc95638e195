//! A simulation of planner, decision and settlement: random changes, requests, ends, crashes and clocks on a database, compared
//! with an independent expectation. As many seeds are tried as fit into ten seconds. A failing seed is printed;
//! `BELFRY_SIMULATION_SEED=n` repeats it, `BELFRY_SIMULATION_SEEDS=n` tries the first n, however long that takes.

pub mod model;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Instant;

use belfry::clock::Clock;
use belfry::domain::execution::Execution;
use belfry::scheduler::{PlannerState, Scheduler};
use belfry::service::{Error, VerifyRequest};
use belfry::signals::{EndedRun, SchedulerHeartbeat};
use chrono::Duration;
use futures_util::FutureExt;
use model::{Model, Random};
use serde_json::json;

use crate::support::TestDatabase;
use crate::support::context::{TestContext, admin, start};

/// Steps of one seed.
const STEPS: usize = 30;
/// How long the simulations last.
const TIME: std::time::Duration = std::time::Duration::from_secs(10);
const TIME_ON_POSTGRES: std::time::Duration = std::time::Duration::from_secs(5);

/// One simulated server and its only task.
struct World {
    context: TestContext,
    scheduler: Scheduler,
    random: Random,
    model: Model,
    id: String,
    /// Ends of runs that are not recorded yet.
    unrecorded: Vec<(String, EndedRun)>,
    /// Ends that a crash of the last step forgot: their runs are active again.
    forgotten: usize,
    /// The time since the scheduler looked at the clock last.
    unseen: Duration,
    /// The steps so far, printed when the simulation fails.
    history: Vec<String>,
}

impl World {
    async fn new(database: &TestDatabase, seed: u64) -> World {
        let context = TestContext::new(&database.database);
        let mut random = Random::new(seed);
        let id = format!("s{seed}");
        let model = Model::new(&mut random, start());
        let task = json!({"id": id, "type": "echo", "triggers": model.triggers(), "policy": model.policy()});
        context.services.tasks.create(&admin(), &task).await.expect("creates");
        let scheduler = Scheduler::new(context.planner.clone(), SchedulerHeartbeat::default());
        World {
            context,
            scheduler,
            random,
            model,
            id,
            unrecorded: Vec::new(),
            forgotten: 0,
            unseen: Duration::zero(),
            history: Vec::new(),
        }
    }

    async fn run(&mut self) {
        for _ in 0..STEPS {
            let before = (self.model.limit(), self.started().await);
            self.step().await;
            self.check_limit(before).await;
        }
        self.record_ends().await;
        self.plan().await;
        if !self.model.is_enabled() {
            self.pause_or_resume().await;
        }
        let recorded = self.context.all_executions(&self.id).await;
        self.model.check(&recorded);
        if !self.model.was_stepped() {
            self.verify().await;
        }
    }

    /// The verification of the program itself agrees.
    async fn verify(&self) {
        let request = VerifyRequest { from: Some(start()), to: None, task_id: Some(self.id.clone()) };
        let found = self.context.services.verify.verify(&admin(), &request).await.expect("verifies").findings;
        assert!(found.is_clean(), "{found:#?}");
    }

    async fn step(&mut self) {
        self.forgotten = 0;
        let choice = self.random.below(16);
        self.history.push(format!("{choice} at {} {:?}", self.context.clock.now(), self.model.shown()));
        match choice {
            0..=4 => {
                let by = Duration::milliseconds(self.random.below(90_000) as i64);
                self.pass_time(by);
                self.plan().await;
            }
            // Time passes without a planner.
            5 | 6 => {
                let by = Duration::seconds(self.random.below(600) as i64);
                self.pass_time(by);
            }
            7 => self.crash().await,
            8 => self.interrupted_pass().await,
            9 => self.step_clock().await,
            10 => self.end_run().await,
            11 => self.end_without_record().await,
            12 => self.request().await,
            13 => self.edit().await,
            14 => self.pause_or_resume().await,
            _ => self.record_ends().await,
        }
    }

    fn pass_time(&mut self, by: Duration) {
        self.context.clock.advance(by);
        self.model.pass(self.context.clock.now());
        self.unseen += by;
    }

    async fn plan(&mut self) {
        self.unseen = Duration::zero();
        for _ in 0..200 {
            self.scheduler.run_once().await.expect("plans");
            let next = self.context.services.tasks.get(&admin(), &self.id).await.expect("reads").next_run_at;
            if next.is_none_or(|next| next > self.context.clock.now()) {
                return;
            }
        }
        panic!("the task stays due");
    }

    /// The process dies and starts again: what it kept in memory is gone.
    async fn crash(&mut self) {
        self.forgotten = self.unrecorded.len();
        self.unrecorded.clear();
        self.context.planner.state = PlannerState::default();
        self.context.planner.since = self.context.clock.now();
        self.unseen = Duration::zero();
        self.scheduler = Scheduler::new(self.context.planner.clone(), SchedulerHeartbeat::default());
        self.context.planner.started(self.context.clock.now()).await.expect("starts");
    }

    /// A pass that dies at a random point: it is polled as often as something it waits for has happened, and then dropped.
    async fn interrupted_pass(&mut self) {
        let mut polls = self.random.below(24);
        let mut pass = pin!(self.scheduler.run_once());
        std::future::poll_fn(|cx: &mut Context<'_>| match polls.checked_sub(1) {
            Some(left) => {
                polls = left;
                pass.as_mut().poll(cx).map(drop)
            }
            None => Poll::Ready(()),
        })
        .await;
    }

    async fn step_clock(&mut self) {
        let by = Duration::seconds(self.random.below(7200) as i64 - 3600);
        self.context.clock.step(by);
        self.model.clock_stepped(self.context.clock.now(), self.unseen);
        match self.random.below(2) {
            0 => self.plan().await,
            _ => self.crash().await,
        }
        self.model.pass(self.context.clock.now());
    }

    async fn unfinished(&self) -> Vec<Execution> {
        let mut found = self.context.all_executions(&self.id).await;
        found.retain(|run| !run.status.is_final());
        found
    }

    async fn end_run(&mut self) {
        let unfinished = self.unfinished().await;
        if let Some(run) = unfinished.iter().find(|run| !run.waits) {
            self.context.services.executions.cancel(&admin(), &run.id).await.expect("cancels");
            self.unrecorded.retain(|(id, _)| *id != run.id);
        }
    }

    async fn end_without_record(&mut self) {
        let unfinished = self.unfinished().await;
        if let Some(run) = unfinished.iter().find(|run| !run.waits && !self.has_ended(run)) {
            self.unrecorded.push((run.id.clone(), self.context.signals.ended.add(&run.id, &self.id)));
        }
    }

    async fn record_ends(&mut self) {
        for (id, _ended) in std::mem::take(&mut self.unrecorded) {
            // A run that was replaced meanwhile has ended already.
            let _ = self.context.services.executions.cancel(&admin(), &id).await;
        }
    }

    async fn request(&mut self) {
        let active = self.active().await;
        let answer = self.context.services.executions.run(&admin(), &self.id, None, None).await;
        match answer {
            Ok(_) => assert!(self.model.accepts(active), "accepted with {active} active runs: {:?}", self.model),
            Err(Error::Conflict(_)) => {
                assert!(!self.model.accepts(active), "refused with {active} active runs: {:?}", self.model)
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// The runs that are active in truth.
    async fn active(&self) -> usize {
        self.unfinished().await.iter().filter(|run| !self.has_ended(run)).count()
    }

    async fn edit(&mut self) {
        self.model.edit(&mut self.random, self.context.clock.now());
        let patch = json!({"triggers": self.model.triggers(), "policy": self.model.policy()});
        self.context.services.tasks.patch(&admin(), &self.id, &patch, None).await.expect("edits");
    }

    async fn pause_or_resume(&mut self) {
        let tasks = &self.context.services.tasks;
        if self.model.toggle(self.context.clock.now()) {
            tasks.resume(&admin(), &self.id, None).await.expect("resumes");
        } else {
            tasks.pause(&admin(), &self.id, None).await.expect("pauses");
        }
    }

    /// The runs that have a slot.
    async fn started(&self) -> usize {
        self.unfinished().await.iter().filter(|run| !run.waits && !self.has_ended(run)).count()
    }

    fn has_ended(&self, run: &Execution) -> bool {
        self.unrecorded.iter().any(|(id, _)| *id == run.id)
    }

    /// A step starts no run beyond the limits before and after it.
    async fn check_limit(&self, (limit, started): (Option<usize>, usize)) {
        if let (Some(before), Some(after)) = (limit, self.model.limit()) {
            let now = self.started().await;
            assert!(
                now <= before.max(after).max(started + self.forgotten),
                "{now} runs at once, {started} before: {:?}",
                self.model
            );
        }
    }
}

/// The seeds to try: a given one, a given number of them, or those that fit into a time.
fn seeds(time: std::time::Duration) -> impl Iterator<Item = u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (one, all) = (number("BELFRY_SIMULATION_SEED"), number("BELFRY_SIMULATION_SEEDS"));
    let (first, last) = match (one, all) {
        (Some(seed), _) => (seed, seed),
        (None, Some(count)) => (1, count),
        (None, None) => (1, u64::MAX),
    };
    let started = Instant::now();
    let is_given = one.or(all).is_some();
    (first..=last).take_while(move |seed| is_given || *seed == first || started.elapsed() < time)
}

async fn simulate(database: &TestDatabase, seed: u64) {
    let mut world = World::new(database, seed).await;
    let outcome = AssertUnwindSafe(world.run()).catch_unwind().await;
    if let Err(panic) = outcome {
        eprintln!("{:#?}", world.history);
        eprintln!("the simulation fails with seed {seed}: repeat it with BELFRY_SIMULATION_SEED={seed}");
        std::panic::resume_unwind(panic);
    }
    world.context.services.tasks.delete(&admin(), &world.id, None).await.expect("deletes");
}

#[tokio::test]
async fn simulation_keeps_every_promise() {
    let database = TestDatabase::sqlite().await;
    let mut tried = 0;
    for seed in seeds(TIME) {
        simulate(&database, seed).await;
        tried += 1;
    }
    println!("{tried} seeds");
    database.remove().await;
}

#[tokio::test]
async fn simulation_keeps_every_promise_on_postgres() {
    let Some(database) = TestDatabase::postgres().await else { return };
    for seed in seeds(TIME_ON_POSTGRES) {
        simulate(&database, seed).await;
    }
    database.remove().await;
}
