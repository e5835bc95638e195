//! Faults of the surroundings: the real program keeps its promises, and what it records is compared with what was due.
//!
//! `cargo test --test faults -- [--minutes N] [--seed N] [--all] [NAME…]`: the storms last N minutes together, three by default; the
//! seed is printed and repeats their choices. A name selects the scenarios that contain it; the storms run only if a name or `--all`
//! asks for them.

#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
mod backlog;
#[cfg(target_os = "linux")]
mod checks;
#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod faketime;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod fire;
#[cfg(target_os = "linux")]
mod history;
#[cfg(target_os = "linux")]
mod inject;
#[cfg(target_os = "linux")]
mod ledger;
#[cfg(target_os = "linux")]
mod locked;
#[cfg(target_os = "linux")]
mod mount;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod nodes;
#[cfg(target_os = "linux")]
mod partition;
#[cfg(target_os = "linux")]
mod postgres;
#[cfg(target_os = "linux")]
mod proxy;
#[cfg(target_os = "linux")]
mod restore;
#[cfg(target_os = "linux")]
mod runner;
#[cfg(target_os = "linux")]
mod searches;
#[cfg(target_os = "linux")]
mod skew;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod storm;
#[cfg(target_os = "linux")]
mod usage;

#[cfg(target_os = "linux")]
use support::server;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use runner::{busy, on_request, scenario};
    runner::run(&[
        scenario("disk::full_disk_stops_no_schedule_for_longer_than_it_is_full", |_| {
            Box::pin(disk::full_disk_stops_no_schedule_for_longer_than_it_is_full())
        }),
        scenario("disk::stop_on_a_full_disk_ends_in_time", |_| Box::pin(disk::stop_on_a_full_disk_ends_in_time())),
        scenario("disk::stop_on_a_read_only_disk_ends_in_time", |_| Box::pin(disk::stop_on_a_read_only_disk_ends_in_time())),
        scenario("disk::removed_data_folder_ends_the_server", |_| Box::pin(disk::removed_data_folder_ends_the_server())),
        scenario("disk::read_only_disk_is_survived", |_| Box::pin(disk::read_only_disk_is_survived())),
        busy("backlog::of_10000_runs_after_a_kill", |_| Box::pin(backlog::backlog_runs_after_a_kill(10_000))),
        on_request("backlog::of_40000_runs_after_a_kill", |_| Box::pin(backlog::backlog_runs_after_a_kill(40_000))),
        busy("searches::beside_100000_executions_delay_no_firings", |_| Box::pin(searches::searches_delay_no_firings(100_000))),
        on_request("searches::beside_500000_executions_delay_no_firings", |_| {
            Box::pin(searches::searches_delay_no_firings(500_000))
        }),
        scenario("files::damaged_files_are_named_and_not_overwritten", |_| {
            Box::pin(files::damaged_files_are_named_and_not_overwritten())
        }),
        scenario("files::two_servers_on_one_folder_share_the_work", |_| {
            Box::pin(files::two_servers_on_one_folder_share_the_work())
        }),
        scenario("restore::killed_restore_leaves_the_old_or_the_new_database", |_| {
            Box::pin(restore::killed_restore_leaves_the_old_or_the_new_database())
        }),
        scenario("locked::database_locked_by_another_process", |_| Box::pin(locked::database_locked_by_another_process())),
        scenario("clock::steps_of_the_clock_lose_and_double_nothing", |_| {
            Box::pin(clock::steps_of_the_clock_lose_and_double_nothing())
        }),
        scenario("clock::changes_of_daylight_saving_time_lose_and_double_nothing", |_| {
            Box::pin(clock::changes_of_daylight_saving_time_lose_and_double_nothing())
        }),
        on_request("clock::random_steps_of_the_clock", |options| Box::pin(clock::random_steps_of_the_clock(options))),
        on_request("storm::failing_writes_and_syncs", |options| Box::pin(storm::failing_writes_and_syncs(options))),
        on_request("storm::kills_stops_and_restarts_under_edits", |options| {
            Box::pin(storm::kills_stops_and_restarts_under_edits(options))
        }),
        scenario("nodes::restart_of_the_database_is_never_a_500", |_| Box::pin(nodes::restart_of_the_database_is_never_a_500())),
        on_request("nodes::transaction_of_a_node_that_stands_still_is_ended", |_| {
            Box::pin(nodes::transaction_of_a_node_that_stands_still_is_ended())
        }),
        on_request("skew::nodes_whose_clocks_differ_take_over_no_living_runs", |_| {
            Box::pin(skew::nodes_whose_clocks_differ_take_over_no_living_runs())
        }),
        on_request("partition::three_nodes_with_dropped_packets", |options| {
            Box::pin(partition::three_nodes_with_dropped_packets(options))
        }),
        scenario("usage::judgement_finds_each_growth", |_| Box::pin(usage::judgement_finds_each_growth())),
        on_request("soak::on_sqlite", |options| Box::pin(soak::on_sqlite(options))),
        on_request("soak::on_postgres", |options| Box::pin(soak::on_postgres(options))),
        on_request("nodes::three_nodes_under_edits", |options| Box::pin(nodes::three_nodes_under_edits(options))),
    ])
}

#[cfg(not(target_os = "linux"))]
fn main() {}
