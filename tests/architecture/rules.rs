//! The rules, each with an explanation that is printed when it is broken.

use crate::paths::{PathUse, path_uses};
use crate::source::Source;

/// The modules that each module may use besides itself, with the reason. An entry may be a submodule (`worker::cancel`).
const DEPENDENCIES: &[(&str, &[&str], &str)] = &[
    ("domain", &[], "the domain is pure; pass what it needs as values"),
    ("clock", &[], "the clock depends on nothing"),
    ("signals", &[], "signals carry no data"),
    ("ids", &[], "an id is generated from a time passed in"),
    ("net", &[], "the network layer transports requests and does not know their content"),
    ("events", &["domain"], "events contain domain types only"),
    ("config", &["domain"], "settings are loaded before everything else"),
    ("telemetry", &["clock", "config"], "logging does not depend on what is logged"),
    ("storage", &["domain"], "storage contains SQL and no decisions; rules belong to domain"),
    (
        "tasks",
        &["domain", "storage", "clock"],
        "a task type does not know its caller; pass what it needs in RunContext or Toolbox",
    ),
    ("vault", &["domain", "storage"], "the vault stores and masks secrets; permissions belong to service"),
    ("oidc", &["domain", "clock"], "oidc talks to the identity provider; who may sign in is decided in service"),
    ("chain", &["domain", "storage", "ids"], "a chain starts in the transaction that ends a run"),
    (
        "worker",
        &["domain", "storage", "tasks", "vault", "chain", "clock", "events", "signals", "ids"],
        "workers run jobs; scheduling belongs to scheduler, permissions to service",
    ),
    (
        "scheduler",
        &["domain", "storage", "chain", "clock", "events", "signals", "ids"],
        "the scheduler plans runs; workers run them, through the queue",
    ),
    (
        "service",
        &["domain", "storage", "tasks", "vault", "oidc", "worker::cancel", "clock", "events", "signals", "ids"],
        "services change the database and send signals; they do not run jobs",
    ),
    (
        "api",
        &["domain", "service", "tasks", "clock", "events", "net::local_request"],
        "an API handler extracts, calls a service and responds; database access belongs in a service function",
    ),
    (
        "web",
        &["domain", "service", "tasks", "clock", "events", "net::local_request"],
        "a page handler extracts, calls a service and renders; database access belongs in a service function",
    ),
];

/// The composition root, the command line and the crate roots may use every module.
const UNRESTRICTED: [&str; 4] = ["app", "cli", "lib", "main"];

/// Library paths, the modules that may use them, and the reason.
const LIBRARIES: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["storage", "tasks::sql"],
        "SQL for Belfry's own database belongs in storage; add a function there. Drivers of other databases belong in tasks::sql",
    ),
    ("tiberius", &["tasks::sql"], "database drivers belong in tasks::sql, behind one trait"),
    ("oracledb", &["tasks::sql"], "database drivers belong in tasks::sql, behind one trait"),
    ("odbc_api", &["tasks::sql"], "database drivers belong in tasks::sql, behind one trait"),
    ("apalis", &["storage", "worker"], "the queue is accessed through storage::queue; its workers belong in worker"),
    ("apalis_core", &["storage", "worker"], "the queue is accessed through storage::queue; its workers belong in worker"),
    ("apalis_sqlite", &["storage", "worker"], "the queue is accessed through storage::queue; its workers belong in worker"),
    ("apalis_postgres", &["storage", "worker"], "the queue is accessed through storage::queue; its workers belong in worker"),
    ("poem", &["api", "web", "net", "app"], "HTTP types stay in api and web; services do not know requests"),
    ("hyper", &["net"], "the HTTP protocol is handled in net"),
    ("hyper_util", &["net"], "the HTTP protocol is handled in net"),
    ("poem_openapi", &["api"], "only the JSON API has an OpenAPI document"),
    ("tera", &["web", "tasks"], "templates are rendered for pages in web and for parameters in tasks::template"),
    ("clap", &["cli"], "arguments are parsed in cli only"),
];

/// Paths that domain must not use, because they have side effects or depend on the environment.
const IMPURE_PATHS: &[&str] = &[
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

/// Functions that read the system clock.
const CLOCKS: [[&str; 2]; 3] = [["Utc", "now"], ["Local", "now"], ["SystemTime", "now"]];

/// Maximum number of lines of a source file.
const MAX_LINES: usize = 400;
/// Source files that may be longer, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

pub fn forbidden_dependencies(source: &Source) -> Vec<String> {
    let module = source.module_name();
    if UNRESTRICTED.contains(&module) {
        return Vec::new();
    }
    let Some((_, allowed, explanation)) = DEPENDENCIES.iter().find(|(name, ..)| *name == module) else {
        return vec![format!(
            "src/{}: the module {module} has no rule; list the modules it may use in tests/architecture",
            source.path
        )];
    };
    let uses = path_uses(source).into_iter().filter(|path| path.own && path.steps.first().is_some_and(|first| first != module));
    let violations = uses.filter(|path| !allowed.iter().any(|part| is_within(path, part)));
    violations
        .map(|path| format!("{}: {module} must not use {}: {explanation}", place(source, &path), path.steps.join("::")))
        .collect()
}

pub fn misplaced_libraries(source: &Source) -> Vec<String> {
    let module = source.module_name();
    let mut violations = Vec::new();
    for path in path_uses(source).into_iter().filter(|path| !path.own) {
        for (library, modules, explanation) in LIBRARIES {
            if is_within(&path, library) && !modules.iter().any(|place| is_in_module(source, place)) {
                violations.push(format!("{}: {library} must not be used in {module}: {explanation}", place(source, &path)));
            }
        }
        if module == "domain" && IMPURE_PATHS.iter().any(|impure| is_within(&path, impure)) {
            violations.push(format!("{}: domain is pure: no {}", place(source, &path), path.steps.join("::")));
        }
    }
    violations
}

pub fn clock_reads(source: &Source) -> Vec<String> {
    let reads = |path: &PathUse| CLOCKS.iter().any(|clock| path.steps.ends_with(&clock.map(str::to_owned)));
    let found = path_uses(source).into_iter().filter(|path| source.path != "clock.rs" && reads(path));
    found.map(|path| format!("{}: only src/clock.rs reads the time; take `now` or a Clock", place(source, &path))).collect()
}

pub fn too_long(source: &Source) -> Option<String> {
    let is_exempt = LONG_FILES.iter().any(|(path, _)| *path == source.path);
    let message = || format!("src/{}: {} lines; the limit is {MAX_LINES}; split the file by duty", source.path, source.lines);
    (source.lines > MAX_LINES && !is_exempt).then(message)
}

fn is_within(path: &PathUse, part: &str) -> bool {
    let mut steps = path.steps.iter();
    part.split("::").all(|step| steps.next().is_some_and(|own| own == step))
}

/// Whether a source belongs to a module (`storage`) or submodule (`tasks::sql`).
fn is_in_module(source: &Source, place: &str) -> bool {
    match place.split_once("::") {
        None => source.module_name() == place,
        Some(_) => source.path.starts_with(&format!("{}/", place.replace("::", "/"))),
    }
}

fn place(source: &Source, path: &PathUse) -> String {
    format!("src/{}:{}", source.path, path.line)
}
