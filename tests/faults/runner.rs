//! Runs the scenarios like a test harness, with arguments of its own.

use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};

/// How many scenarios run at the same time. Most of them wait for clocks and processes.
const AT_ONCE: usize = 2;

/// What the arguments say.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long all storms last together.
    pub minutes: f64,
    pub seed: u64,
}

impl Options {
    /// How long a storm lasts that has this share of the time.
    pub fn share(self, part: f64) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0 * part)
    }
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

pub struct Scenario {
    name: &'static str,
    start: fn(Options) -> Running,
    /// Runs only if a name or `--all` asks for it.
    on_request: bool,
    /// Runs beside no other, because it keeps the machine busy.
    alone: bool,
}

pub const fn scenario(name: &'static str, start: fn(Options) -> Running) -> Scenario {
    Scenario { name, start, on_request: false, alone: false }
}

pub const fn busy(name: &'static str, start: fn(Options) -> Running) -> Scenario {
    Scenario { name, start, on_request: false, alone: true }
}

pub const fn on_request(name: &'static str, start: fn(Options) -> Running) -> Scenario {
    Scenario { name, start, on_request: true, alone: true }
}

/// A source of random choices that a seed repeats (SplitMix64).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn millis(&mut self, limit: usize) -> Duration {
        Duration::from_millis(self.below(limit) as u64)
    }
}

struct Arguments {
    options: Options,
    names: Vec<String>,
    all: bool,
    list: bool,
}

fn arguments() -> Arguments {
    let mut found = Arguments { options: Options { minutes: 3.0, seed: 1 }, names: Vec::new(), all: false, list: false };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut number = || given.next().and_then(|text| text.parse::<f64>().ok()).expect("a number follows");
        match argument.as_str() {
            "--minutes" => found.options.minutes = number(),
            "--seed" => found.options.seed = number() as u64,
            "--all" => found.all = true,
            "--list" => found.list = true,
            // Options of the usual harness that take a value.
            "--test-threads" | "--format" | "--skip" | "--color" => drop(given.next()),
            other if other.starts_with('-') => {}
            name => found.names.push(name.to_owned()),
        }
    }
    found
}

pub fn run(scenarios: &[Scenario]) -> ExitCode {
    let Arguments { options, names, all, list } = arguments();
    let named = |scenario: &Scenario| names.iter().any(|name| scenario.name.contains(name.as_str()));
    let chosen = |scenario: &&Scenario| named(scenario) || names.is_empty() && (all || !scenario.on_request);
    let chosen: Vec<&Scenario> = scenarios.iter().filter(chosen).collect();
    if list {
        chosen.iter().for_each(|scenario| println!("{}: test", scenario.name));
        return ExitCode::SUCCESS;
    }
    println!("running {} scenarios, storms of {} minutes with seed {}", chosen.len(), options.minutes, options.seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("start a runtime");
    let (alone, others): (Vec<&Scenario>, Vec<&Scenario>) = chosen.into_iter().partition(|scenario| scenario.alone);
    let passed: Vec<bool> = runtime.block_on(async {
        let alone: Vec<bool> = stream::iter(alone).then(|scenario| scenario.passes(options)).collect().await;
        let others = stream::iter(others).map(|scenario| scenario.passes(options)).buffer_unordered(AT_ONCE);
        stream::iter(alone).chain(others).collect().await
    });
    let failed = passed.iter().filter(|passed| !**passed).count();
    println!("{failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Scenario {
    async fn passes(&self, options: Options) -> bool {
        let started = Instant::now();
        let passed = tokio::spawn((self.start)(options)).await.is_ok();
        let result = if passed { "ok" } else { "FAILED" };
        println!("test {} ... {result} ({:.1} s)", self.name, started.elapsed().as_secs_f64());
        passed
    }
}
