//! Belfry (钟楼): a self-hosted task scheduler. One process runs the web pages, the JSON API, the scheduler and the workers.
//!
//! # Modules
//!
//! | module | duty |
//! | --- | --- |
//! | [`clock`], [`ids`], [`signals`], [`rate_limit`], [`private_files`], [`long_path`], [`inherited_handles`], [`embedded`], [`blocking`], `descriptor`, [`file_watch`] | time, new ids, wake-ups, rate limits, files that only their owner reads, paths without limit, handles that commands do not get, files that are part of the program, work that may take long, descriptors to wait for, changes of files |
//! | [`i18n`] | languages; puts messages and texts into words |
//! | [`domain`] | the rules of tasks, triggers, policies and executions; pure functions without I/O |
//! | [`events`] | changes that open pages and event streams hear of |
//! | [`storage`] | all SQL, for SQLite and PostgreSQL: one file a table |
//! | [`queue`] | delivers the executions that this node holds to its workers, with apalis |
//! | [`scheduler`] | plans due occurrences; watches for idle triggers; replans after a change of the clock or the time zone |
//! | [`worker`] | runs jobs and records their results |
//! | [`chain`] | starts follow-up tasks when a run ends |
//! | [`notify`] | incidents, rules and digests; channels and the delivery of messages |
//! | [`maintenance`] | retention, WAL checkpoints, recovery of orphaned runs |
//! | [`cluster`] | node registry, heartbeats, process locks, notifications between nodes, changes by other processes |
//! | [`tasks`] | the task types: one file or folder each |
//! | [`profiles`] | the mail servers, SMS providers, datasources and HTTP services of the settings and of the database |
//! | [`vault`] | secrets of tasks: encrypted in the database, masked in output |
//! | [`oidc`] | single sign-on with OpenID Connect |
//! | [`stats`] | everything that counts: the overview, the statistics of a window, the calendar |
//! | [`migrate`] | importers: APScheduler, crontab, XXL-JOB, qinglong, gocron, Windows Task Scheduler, run histories |
//! | [`service`] | the operations of users and programs: permission check, change and audit in one transaction |
//! | [`api`], [`web`] | the JSON API and the web pages: parse a request, call a service, build the response |
//! | [`net`] | the HTTP server: connections, TLS and limits |
//! | [`config`], [`telemetry`] | settings and logs |
//! | [`app`] | the composition root |
//! | [`cli`] | the command line |
//!
//! Dependencies go one way: `domain ← storage ← {queue, scheduler, worker, maintenance, cluster, tasks, notify, stats, migrate} ←
//! service ← {api, web} ← app ← cli`. No two files use each other. The test `tests/architecture` checks both in the sources and
//! explains each violation.
//!
//! # Where to look
//!
//! | question | file |
//! | --- | --- |
//! | Who decides what happens to a missed occurrence? | [`domain::decision`], asked by `scheduler/planner.rs` |
//! | What happens to a run at its task's limit? | [`domain::overlap`], asked by the planner, by `chain.rs` and by `service/runs.rs` |
//! | Who records what was due before a task changes? | [`scheduler::Settlement`], called by `service/task_change.rs` |
//! | What becomes of occurrences within a pause? | [`domain::pause_record`], asked by `scheduler/pauses.rs` |
//! | Who starts the runs of a backfill? | `scheduler/backfills.rs`; chosen by `service/backfills.rs` |
//! | Why did a task run, or not? | [`domain::why`], asked by `service/why.rs` |
//! | What happens when the clock or the time zone is changed? | `scheduler/clock_watch.rs` (noticed), `scheduler/replan.rs` |
//! | Where does a retry get its time? | [`domain::policy`] (`Retry::wait_after`), asked by `worker/outcome.rs` and `maintenance/orphan_recovery.rs` |
//! | Who hands a retry over when it is due? | [`scheduler::planner`] |
//! | How does an execution reach a worker? | [`signals::jobs`](signals) (hand-over in memory), `storage/execution/queue.rs` (what waits), [`queue`] (delivery), `worker/executor.rs` (run) |
//! | Where is the end of a run recorded? | `worker/recorder.rs`, with `storage/execution/attempt.rs` |
//! | Who starts the next task of a chain? | [`chain`] |
//! | Who decides whether a failure sends a message? | [`domain::notify::incident_decision`], asked by [`notify::incidents`] in the transaction that records it |
//! | What sends a message? | [`notify::incidents`] and `notify/digest.rs` compose it and put it into `storage/notify_message.rs`; [`notify::delivery`] sends it through a channel of `notify/channels/` |
//! | Who closes an incident? | a success, in the transaction that records it ([`notify::incidents`]), by the rule of [`domain::notify::incident_decision`]; or a person, through `service/incidents.rs` |
//! | What sends an alarm for a run that takes too long? | [`notify::alarms`], with the limits of [`domain::alert`] |
//! | Who removes old executions? | [`maintenance::retention`], with `storage/retention.rs` |
//! | What happens to the runs of a dead process? | [`maintenance::orphan_recovery`] |
//! | When is a node dead? | [`domain::node`] (`is_silent`) and [`cluster::process_lock`] |
//! | Where is lateness counted? | measured by `storage/execution/attempt.rs`, summed up by [`stats::percentiles`], [`stats::window`] and [`stats::overview`] |
//! | What may an editor with tags see? | [`domain::tag_scope`], built in `service/actors.rs`, applied by `service/tag_scope.rs` (single tasks) and `storage/tag_scope.rs` (queries) |
//! | What may a role do? | [`domain::permission`] (the table `RULES`) |
//! | How is a text translated? | [`i18n::Message`] (a code with arguments), with the words in `locales/messages/`; the texts of pages in `locales/en.toml` and `locales/zh-CN.toml` |
//! | Where is a setting defined? | `config/table.rs` |
//! | How is a task type added? | a file in `tasks/` and a line in [`tasks::registry`] |
//! | How is an import from another scheduler read? | [`migrate`] |
//! | Where is a field of an API object defined? | `api/model/`: a line of `view!` with its description, type and value |
//! | Where is a page put together? | `web/pages/` (request), [`web::view`] (values), `templates/` (markup) |
//!
//! # From trigger to result
//!
//! 1. [`scheduler::Scheduler`] sleeps until a task is due. [`scheduler::Planner`] reads the due tasks, lets [`domain`] decide
//!    their occurrences, and writes executions and the next scheduled times in one transaction. Executions that workers are likely
//!    to begin at once are held by this node from then on; the others wait in the table. What is due within a tenth of a second is
//!    planned ahead.
//! 2. [`worker::Workers`] run the task type of what this node holds, under its time limit.
//! 3. The task type ([`tasks::TaskType`]) does the work and streams its output.
//! 4. The recorder of the workers writes results in batches, with the counters of the tasks in the same transaction.
//! 5. [`events::EventBus`] notifies open pages, which redraw the changed row.
//!
//! After a crash between any two steps the next start continues: an occurrence is decided once (a unique key on task and
//! scheduled time), and an interrupted run is recorded as such and retried as the task's policy allows.

pub mod api;
pub mod app;
pub mod blocking;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
#[cfg(target_os = "linux")]
pub mod descriptor;
pub mod domain;
pub mod embedded;
pub mod events;
pub mod file_watch;
pub mod i18n;
pub mod ids;
pub mod inherited_handles;
pub mod long_path;
pub mod maintenance;
pub mod migrate;
pub mod net;
pub mod notify;
pub mod oidc;
pub mod private_files;
pub mod profiles;
pub mod queue;
pub mod rate_limit;
pub mod scheduler;
pub mod service;
pub mod signals;
pub mod stats;
pub mod storage;
pub mod tasks;
pub mod telemetry;
pub mod vault;
pub mod web;
pub mod worker;
