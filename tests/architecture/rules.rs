//! The rules, each with an explanation that is printed when it is broken.

use crate::paths::{PathUse, path_uses};
use crate::source::Source;

/// The modules that each module may use besides itself, from the bottom up, with the reason. An entry may be a submodule
/// (`worker::cancel`).
const DEPENDENCIES: &[(&str, &[&str], &str)] = &[
    ("descriptor", &[], "a descriptor is awaited, whatever it is of"),
    ("clock", &["descriptor"], "the clock depends on nothing that knows of time"),
    ("signals", &["domain"], "signals wake and hand over; they read and write nothing"),
    ("ids", &[], "an id is generated from a time passed in"),
    ("embedded", &[], "embedded files are read by their names, whatever they are for"),
    ("i18n", &["embedded"], "i18n puts codes into words and does not know who asks"),
    ("rate_limit", &[], "a limiter counts keys and does not know what they mean"),
    ("blocking", &[], "work is done, whatever it is"),
    ("file_watch", &["clock", "descriptor"], "a file is watched, whatever is in it"),
    ("long_path", &[], "a path is put into another form, whatever it is of"),
    ("inherited_handles", &[], "a handle is closed to children, whatever it is of"),
    ("private_files", &["long_path"], "a private file's content is the caller's business"),
    ("domain", &[], "the domain is pure; pass what it needs as values"),
    ("events", &["domain"], "events contain domain types only"),
    ("config", &["domain"], "settings are loaded before everything else"),
    ("telemetry", &["clock", "config", "private_files"], "logging does not depend on what is logged"),
    ("net", &["rate_limit", "inherited_handles"], "the network layer transports requests and does not know their content"),
    (
        "storage",
        &["domain", "ids", "blocking", "long_path", "embedded"],
        "storage contains SQL and no decisions; rules belong to domain",
    ),
    (
        "queue",
        &["domain", "storage", "clock", "signals"],
        "the queue delivers jobs at their time; what a job does belongs to its handler in worker",
    ),
    (
        "notify",
        &["domain", "storage", "tasks", "vault", "clock", "signals", "ids"],
        "notify decides what is told and delivers it; who calls it records what happened",
    ),
    ("chain", &["domain", "storage", "queue", "ids"], "a chain starts in the transaction that ends a run"),
    (
        "scheduler",
        &["domain", "storage", "queue", "notify", "clock", "events", "signals", "ids"],
        "the scheduler plans; workers run, maintenance cleans up, cluster knows the other nodes",
    ),
    (
        "cluster",
        &["domain", "storage", "queue", "file_watch", "clock", "events", "signals"],
        "the cluster knows nodes; what happens to the runs of a dead one belongs to maintenance",
    ),
    (
        "maintenance",
        &["domain", "storage", "queue", "cluster", "chain", "notify", "clock", "signals"],
        "maintenance keeps the database small and true; it plans and runs nothing",
    ),
    (
        "tasks",
        &["domain", "storage", "profiles", "clock", "private_files", "long_path", "inherited_handles"],
        "a task type does not know its caller; pass what it needs in RunContext or Toolbox",
    ),
    ("vault", &["domain", "storage", "private_files"], "the vault stores and masks secrets; permissions belong to service"),
    (
        "profiles",
        &["config", "domain", "storage", "vault"],
        "the directory reads profiles; who may change them is decided in service, what they are used for in tasks",
    ),
    ("oidc", &["domain", "clock"], "oidc talks to the identity provider; who may sign in is decided in service"),
    (
        "worker",
        &["domain", "storage", "queue", "tasks", "vault", "chain", "notify", "clock", "events", "signals", "ids"],
        "workers run jobs; scheduling belongs to scheduler, permissions to service",
    ),
    ("stats", &["domain", "storage"], "statistics count; who may see them is decided in service"),
    ("migrate", &["domain", "storage", "long_path"], "importers convert; what they return is saved by service"),
    (
        "service",
        &[
            "domain",
            "storage",
            "queue",
            "stats",
            "migrate",
            "tasks",
            "profiles",
            "vault",
            "oidc",
            "notify",
            "worker::cancel",
            "worker::draft",
            "scheduler",
            "rate_limit",
            "blocking",
            "clock",
            "events",
            "signals",
            "ids",
        ],
        "services change the database and send signals; they do not run jobs",
    ),
    (
        "api",
        &["domain", "service", "stats", "tasks", "clock", "events", "net", "embedded"],
        "an API handler extracts, calls a service and responds; database access belongs in a service function",
    ),
    (
        "web",
        &["domain", "service", "stats", "tasks", "clock", "events", "net", "embedded"],
        "a page handler extracts, calls a service and renders; database access belongs in a service function",
    ),
    (
        "cli",
        &[
            "api",
            "app",
            "clock",
            "config",
            "domain",
            "events",
            "ids",
            "inherited_handles",
            "migrate",
            "notify",
            "private_files",
            "profiles",
            "scheduler",
            "service",
            "signals",
            "storage",
            "tasks",
            "telemetry",
        ],
        "the command line calls the API or the application; texts belong in i18n",
    ),
];

/// Modules that every module may use.
const SHARED: [&str; 1] = ["i18n"];

/// The composition root and the crate roots may use every module.
const UNRESTRICTED: [&str; 3] = ["app", "lib", "main"];

/// Library paths, the modules that may use them, and the reason.
const LIBRARIES: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["storage", "queue", "tasks::sql", "migrate::job_store", "migrate::table"],
        "SQL for Belfry's own database belongs in storage; add a function there. Drivers of other databases belong in tasks::sql",
    ),
    ("tiberius", &["tasks::sql"], "database drivers belong in tasks::sql, behind one trait"),
    ("oracledb", &["tasks::sql"], "database drivers belong in tasks::sql, behind one trait"),
    ("odbc_api", &["tasks::sql"], "database drivers belong in tasks::sql, behind one trait"),
    ("apalis", &["queue"], "jobs are delivered by the queue; implement JobHandler"),
    ("apalis_core", &["queue"], "jobs are delivered by the queue; implement JobHandler"),
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
    let foreign = |first: &String| first != module && !SHARED.contains(&first.as_str());
    let uses = path_uses(source).into_iter().filter(|path| path.own && path.steps.first().is_some_and(foreign));
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
        Some(_) => source.module().join("::").starts_with(place),
    }
}

fn place(source: &Source, path: &PathUse) -> String {
    format!("src/{}:{}", source.path, path.line)
}
