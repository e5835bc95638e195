//! The rules, each with the sentence that teaches it.

use crate::paths::{Named, named};
use crate::source::Source;

/// What each room may use beside itself. An entry may name a part of a room (`worker::cancel`).
const ARROWS: &[(&str, &[&str], &str)] = &[
    ("domain", &[], "the rules of Belfry are pure; hand in what they need as values"),
    ("clock", &[], "the clock only tells the time"),
    ("signals", &[], "signals carry no data"),
    ("ids", &[], "an id is made of a time that is handed in"),
    ("net", &[], "the network side moves requests and knows nothing of what they are about"),
    ("events", &["domain"], "events speak of the domain"),
    ("config", &["domain"], "settings are read before anything else is there"),
    ("telemetry", &["clock", "config"], "logs know nothing of what is logged"),
    ("storage", &["domain"], "storage holds SQL and nothing that decides; rules stand in domain"),
    (
        "tasks",
        &["domain", "storage", "clock"],
        "a task type does its work without knowing who asks; give it what it needs in RunContext or Toolbox",
    ),
    ("vault", &["domain", "storage"], "the vault keeps secrets and hides them; who may set one is the service's to decide"),
    ("oidc", &["domain", "clock"], "it speaks with the identity provider; who is let in is the service's to decide"),
    ("chain", &["domain", "storage", "ids"], "a chain is started in the transaction that ends a run, by whoever ends it"),
    (
        "worker",
        &["domain", "storage", "tasks", "vault", "chain", "clock", "events", "signals", "ids"],
        "workers run jobs; planning is the scheduler's, permission the service's",
    ),
    (
        "scheduler",
        &["domain", "storage", "chain", "clock", "events", "signals", "ids"],
        "the scheduler plans; running is the workers', reached through the queue",
    ),
    (
        "service",
        &["domain", "storage", "tasks", "vault", "oidc", "worker::cancel", "clock", "events", "signals", "ids"],
        "services change the database and send signals; they start nothing themselves",
    ),
    (
        "api",
        &["domain", "service", "tasks", "clock", "events", "net::visitor"],
        "the API extracts, calls a service and answers; what it needs from the database belongs into a service function",
    ),
    (
        "web",
        &["domain", "service", "tasks", "clock", "events", "net::visitor"],
        "a page extracts, calls a service and renders; what it needs from the database belongs into a service function",
    ),
];

/// The composition root, the command line and the entries use all.
const ABOVE_ALL: [&str; 4] = ["app", "cli", "lib", "main"];

/// Paths of libraries, the rooms that may name them, and why.
const LIBRARIES: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["storage", "tasks::sql"],
        "SQL on Belfry's own database stands in storage alone; add a function there. The drivers of other databases stand in tasks::sql",
    ),
    ("tiberius", &["tasks::sql"], "drivers of databases stand in tasks::sql, behind one trait"),
    ("oracledb", &["tasks::sql"], "drivers of databases stand in tasks::sql, behind one trait"),
    ("odbc_api", &["tasks::sql"], "drivers of databases stand in tasks::sql, behind one trait"),
    ("apalis", &["storage", "worker"], "the queue is reached through storage::queue, its workers stand in worker"),
    ("apalis_core", &["storage", "worker"], "the queue is reached through storage::queue, its workers stand in worker"),
    ("apalis_sqlite", &["storage", "worker"], "the queue is reached through storage::queue, its workers stand in worker"),
    ("apalis_postgres", &["storage", "worker"], "the queue is reached through storage::queue, its workers stand in worker"),
    ("poem", &["api", "web", "net", "app"], "the web ends at api and web; services know nothing of requests"),
    ("hyper", &["net"], "HTTP itself is spoken in net"),
    ("hyper_util", &["net"], "HTTP itself is spoken in net"),
    ("poem_openapi", &["api"], "only the JSON API is described by OpenAPI"),
    ("tera", &["web", "tasks"], "templates belong to the pages, and those in parameters to tasks::template"),
    ("clap", &["cli"], "only the command line reads the command line"),
];

/// What would make the domain impure.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "tokio",
    "tracing",
    "reqwest",
    "futures_util",
    "sysinfo",
];

/// The reading of the wall clock.
const CLOCKS: [[&str; 2]; 3] = [["Utc", "now"], ["Local", "now"], ["SystemTime", "now"]];

/// The most lines of a source.
const LONGEST: usize = 400;
/// Sources that may be longer, each with its reason.
const LONG: &[(&str, &str)] = &[];

pub fn broken_arrows(source: &Source) -> Vec<String> {
    let room = source.room();
    if ABOVE_ALL.contains(&room) {
        return Vec::new();
    }
    let Some((_, allowed, lesson)) = ARROWS.iter().find(|(name, ..)| *name == room) else {
        return vec![format!("src/{}: the room {room} has no rule; say in tests/architecture what it may use", source.path)];
    };
    let uses = named(source).into_iter().filter(|path| path.own && path.steps.first().is_some_and(|first| first != room));
    let broken = uses.filter(|path| !allowed.iter().any(|part| is_within(path, part)));
    broken.map(|path| format!("{}: {room} must not use {}: {lesson}", place(source, &path), path.steps.join("::"))).collect()
}

pub fn strayed_libraries(source: &Source) -> Vec<String> {
    let room = source.room();
    let mut broken = Vec::new();
    for path in named(source).into_iter().filter(|path| !path.own) {
        for (library, rooms, lesson) in LIBRARIES {
            if is_within(&path, library) && !rooms.iter().any(|place| stands_in(source, place)) {
                broken.push(format!("{}: {library} does not belong into {room}: {lesson}", place(source, &path)));
            }
        }
        if room == "domain" && IMPURE.iter().any(|impure| is_within(&path, impure)) {
            broken.push(format!("{}: domain is pure: no {}", place(source, &path), path.steps.join("::")));
        }
    }
    broken
}

pub fn clock_readings(source: &Source) -> Vec<String> {
    let reads = |path: &Named| CLOCKS.iter().any(|clock| path.steps.ends_with(&clock.map(str::to_owned)));
    let found = named(source).into_iter().filter(|path| source.path != "clock.rs" && reads(path));
    found.map(|path| format!("{}: only src/clock.rs reads the time; take `now` or a Clock", place(source, &path))).collect()
}

pub fn too_long(source: &Source) -> Option<String> {
    let excused = LONG.iter().any(|(path, _)| *path == source.path);
    let message = || {
        format!("src/{}: {} lines; above {LONGEST} a file has more than one duty: divide it by duty", source.path, source.lines)
    };
    (source.lines > LONGEST && !excused).then(message)
}

fn is_within(path: &Named, part: &str) -> bool {
    let mut steps = path.steps.iter();
    part.split("::").all(|step| steps.next().is_some_and(|own| own == step))
}

/// Whether a source is of a room (`storage`) or of a part of one (`tasks::sql`).
fn stands_in(source: &Source, place: &str) -> bool {
    match place.split_once("::") {
        None => source.room() == place,
        Some(_) => source.path.starts_with(&format!("{}/", place.replace("::", "/"))),
    }
}

fn place(source: &Source, path: &Named) -> String {
    format!("src/{}:{}", source.path, path.line)
}
