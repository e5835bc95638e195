//! Storms on one server with SQLite: kills, stops and restarts, and failing system calls, under random edits.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::fire::Fire;
use crate::inject::{EIO, ENOSPC, Injection, SYNCS, WRITES};
use crate::runner::{Options, Random};
use crate::server::{Server, belfry};

/// How many more descriptors, and KiB of memory, a storm may leave in use.
const DESCRIPTORS_MORE: usize = 24;
const RESIDENT_MORE: u64 = 96 * 1024;

/// Sends a signal in the middle of an edit.
async fn signal_amid_an_edit(fire: &mut Fire, server: &Server, name: &str) {
    let delay = fire.random.millis(60);
    let signal = async {
        tokio::time::sleep(delay).await;
        server.signal(name);
    };
    tokio::join!(fire.edit(server), signal);
}

pub async fn kills_stops_and_restarts_under_edits(options: Options) {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let mut server = Server::start(folder.path());
    let mut fire = Fire::start(&server, options.seed).await;
    let (started, duration) = (Instant::now(), options.share(0.15));
    let mut faults = 0;
    while started.elapsed() < duration {
        fire.edit_for(&server, Duration::from_secs(2)).await;
        server = match fire.random.below(5) {
            0 => paused(&mut fire, server).await,
            1 => restarted(&mut fire, server, folder.path(), "TERM", "an orderly restart").await,
            2 => restart_storm(&mut fire, server, folder.path()).await,
            _ => restarted(&mut fire, server, folder.path(), "KILL", "kill -9").await,
        };
        faults += 1;
        backup(folder.path(), faults);
    }
    println!("{faults} faults");
    fire.assert_promises(&server, "kills, stops and restarts").await;
}

/// SIGSTOP for a few seconds.
async fn paused(fire: &mut Fire, server: Server) -> Server {
    let time = Duration::from_secs(1) + fire.random.millis(4000);
    server.signal("STOP");
    tokio::time::sleep(time).await;
    let since = fire.begun();
    server.signal("CONT");
    fire.recovered(since, "SIGSTOP").await;
    fire.settle(&server).await;
    server
}

/// The end of the process in the middle of an edit, edits on the command line meanwhile, and a start.
async fn restarted(fire: &mut Fire, server: Server, folder: &Path, signal: &str, what: &str) -> Server {
    signal_amid_an_edit(fire, &server, signal).await;
    server.ended();
    if fire.random.below(2) == 0 {
        tokio::time::sleep(fire.random.millis(4000)).await;
        fire.edit_on_the_command_line(folder);
    }
    let since = fire.begun();
    let server = Server::start(folder);
    fire.settle(&server).await;
    fire.recovered(since, what).await;
    server
}

/// Several kills, each shortly after the start.
async fn restart_storm(fire: &mut Fire, mut server: Server, folder: &Path) -> Server {
    for _ in 0..3 {
        server.signal("KILL");
        server.ended();
        server = Server::start(folder);
        tokio::time::sleep(fire.random.millis(700)).await;
    }
    restarted(fire, server, folder, "KILL", "a storm of restarts").await
}

/// A backup of the running server is complete.
fn backup(folder: &Path, number: usize) {
    let copied = belfry(folder).args(["backup", &format!("copy-{number}.db")]).output().expect("run the program");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
}

pub async fn failing_writes_and_syncs(options: Options) {
    let Some(injection) = Injection::compile() else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let variables = injection.variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Server::start_with(folder.path(), &variables);
    let mut fire = Fire::start(&server, options.seed).await;
    let mut random = Random::new(options.seed);
    fire.edit_for(&server, Duration::from_secs(5)).await;
    let before = server.resources();
    let (started, duration) = (Instant::now(), options.share(0.2));
    while started.elapsed() < duration {
        fire.edit_for(&server, Duration::from_secs(2)).await;
        let (kinds, kinds_shown) = [(WRITES, "write"), (SYNCS, "sync")][random.below(2)];
        let (action, action_shown) = [(ENOSPC, "ENOSPC"), (EIO, "EIO")][random.below(2)];
        let nth = 1 + random.below(20) as i64;
        injection.arm(kinds, nth, action);
        fire.edit_for(&server, random.millis(2500)).await;
        let since = fire.begun();
        injection.disarm();
        fire.recovered(since, &format!("{action_shown} from the {nth}. {kinds_shown} on")).await;
        fire.settle(&server).await;
    }
    let after = server.resources();
    println!("descriptors and resident KiB before {before:?} and after {after:?}");
    assert!(after.0 <= before.0 + DESCRIPTORS_MORE && after.1 <= before.1 + RESIDENT_MORE, "{before:?} {after:?}");
    fire.assert_promises(&server, "failing writes and syncs").await;
}
