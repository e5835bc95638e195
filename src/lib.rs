//! Belfry (钟楼): a self-hosted task scheduler. One process holds the pages, the JSON API, the scheduler and the workers.
//!
//! # The map
//!
//! | room | duty |
//! | --- | --- |
//! | [`domain`] | the rules: tasks, triggers, policies, executions; pure and total |
//! | [`storage`] | all SQL, for SQLite and PostgreSQL |
//! | [`scheduler`] | decides what is due, and watches over the machine and the other nodes |
//! | [`worker`] | runs jobs and records what came of them |
//! | [`vault`] | secrets that tasks use: encrypted in the database, hidden wherever a run would show them |
//! | [`oidc`] | the identity provider, by OpenID Connect |
//! | [`tasks`] | the task types: one file or folder each |
//! | [`service`] | what a person or program may ask for: permission, rule and change in one place |
//! | [`api`], [`web`] | the JSON API and the pages: read a request, ask a service, shape the answer |
//! | [`net`] | takes connections, TLS and limits |
//! | [`config`], [`telemetry`] | settings and logs |
//! | [`chain`] | starts the tasks that a task names for the end of its runs |
//! | [`clock`], [`events`], [`signals`], [`ids`] | time, change notices, wake-ups, new ids |
//! | [`app`] | puts the parts together |
//! | [`cli`] | the commands |
//!
//! Arrows run one way: `domain ← storage ← {scheduler, worker, tasks, service} ← {api, web} ← app ← cli`. A test
//! (`tests/architecture`) reads the sources and fails with a sentence that teaches.
//!
//! # The way of a firing
//!
//! 1. [`scheduler::Scheduler`] sleeps until something is due; [`scheduler::Planner`] then reads the due tasks, lets [`domain`] decide,
//!    and writes executions, queue entries and the next instants in one transaction.
//! 2. [`worker::Workers`] take the entry from the queue, claim the execution, and run the task type under its time limit.
//! 3. The task type ([`tasks::TaskType`]) does the work and streams its output.
//! 4. The workers' recorder writes results in groups, with the tasks' counters in the same transaction.
//! 5. [`events::EventBus`] tells the open pages, which draw one row anew.
//!
//! A crash between any two steps leaves a state from which the next start goes on: an instant is decided once (a unique key on
//! task and instant), and a run that was cut off is marked and tried again under the task's policy.

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
