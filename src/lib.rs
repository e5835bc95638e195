//! Belfry (钟楼): a self-hosted task scheduler. One process runs the web pages, the JSON API, the scheduler and the workers.
//!
//! # Modules
//!
//! | module | duty |
//! | --- | --- |
//! | [`domain`] | the rules of tasks, triggers, policies and executions; pure functions without I/O |
//! | [`storage`] | all SQL, for SQLite and PostgreSQL |
//! | [`scheduler`] | plans due executions; retention, orphan recovery and notifications between nodes |
//! | [`worker`] | runs jobs and records their results |
//! | [`vault`] | secrets of tasks: encrypted in the database, masked in output |
//! | [`oidc`] | single sign-on with OpenID Connect |
//! | [`tasks`] | the task types: one file or folder each |
//! | [`service`] | the operations of users and programs: permission check, change and audit in one transaction |
//! | [`api`], [`web`] | the JSON API and the web pages: parse a request, call a service, build the response |
//! | [`net`] | the HTTP server: connections, TLS and limits |
//! | [`config`], [`telemetry`] | settings and logs |
//! | [`chain`] | starts follow-up tasks when a run ends |
//! | [`clock`], [`events`], [`signals`], [`ids`] | time, change events, wake-ups, new ids |
//! | [`app`] | the composition root |
//! | [`cli`] | the command line |
//!
//! Dependencies go one way: `domain ← storage ← {scheduler, worker, tasks, service} ← {api, web} ← app ← cli`. The test
//! `tests/architecture` checks this in the sources and explains each violation.
//!
//! # From trigger to result
//!
//! 1. [`scheduler::Scheduler`] sleeps until a task is due. [`scheduler::Planner`] reads the due tasks, lets [`domain`] decide
//!    their occurrences, and writes executions, jobs and the next scheduled times in one transaction.
//! 2. [`worker::Workers`] take the job from the queue, claim the execution, and run the task type under its time limit.
//! 3. The task type ([`tasks::TaskType`]) does the work and streams its output.
//! 4. The recorder of the workers writes results in batches, with the counters of the tasks in the same transaction.
//! 5. [`events::EventBus`] notifies open pages, which redraw the changed row.
//!
//! After a crash between any two steps the next start continues: an occurrence is decided once (a unique key on task and
//! scheduled time), and an interrupted run is recorded as such and retried as the task's policy allows.

pub mod api;
pub mod app;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod events;
pub mod ids;
pub mod net;
pub mod oidc;
pub mod scheduler;
pub mod service;
pub mod signals;
pub mod storage;
pub mod tasks;
pub mod telemetry;
pub mod vault;
pub mod web;
pub mod worker;
