//! Checks of the machine: data folder, disk space, time zone, encryption key.

use std::path::Path;

use chrono_tz::Tz;
use sysinfo::Disks;

use super::Finding;
use crate::app::KEY_FILE;
use crate::cli::output_options::OutputOptions;
use crate::clock::{Clock, SystemClock};
use crate::config::{Settings, reason, zone};

/// Below this much free space the check fails.
const CRITICAL_BYTES: u64 = 200 << 20;
/// Below this much free space the check warns.
const WARN_BYTES: u64 = 1 << 30;

pub(super) fn check(settings: &Settings, output: &OutputOptions) -> Vec<Finding> {
    let looks = [folder(settings, output), disk(settings, output), Some(time_zone(settings, output)), key(settings, output)];
    looks.into_iter().flatten().collect()
}

fn folder(settings: &Settings, output: &OutputOptions) -> Option<Finding> {
    let path = &settings.data_dir;
    let shown = path.display().to_string();
    if !path.exists() {
        return Some(Finding::warning(
            "folder",
            output.fill("doctor.folder_missing", &[("folder", &shown)]),
            output.text("doctor.fix_folder_missing"),
        ));
    }
    let probe = path.join(format!(".belfry-doctor-{}", std::process::id()));
    let tried = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    Some(match tried {
        Ok(()) => Finding::ok("folder", shown),
        Err(error) => Finding::broken(
            "folder",
            output.fill("doctor.folder_not_writable", &[("folder", &shown), ("why", &reason(&error))]),
            output.text("doctor.fix_folder_not_writable"),
        ),
    })
}

/// The free space on the disk of the data folder; `None` where the system does not report it.
fn disk(settings: &Settings, output: &OutputOptions) -> Option<Finding> {
    let path = std::fs::canonicalize(nearest(&settings.data_dir)).ok()?;
    let disks = Disks::new_with_refreshed_list().ok()?;
    let holds = disks.iter().filter(|disk| path.starts_with(disk.mount_point()));
    let disk = holds.max_by_key(|disk| disk.mount_point().components().count())?;
    let free = disk.available_space();
    let values =
        [("free", &*mebibytes(free)), ("place", &*disk.mount_point().display().to_string())].map(|(n, v)| (n, v.to_owned()));
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let what = output.fill("doctor.disk_free", &values);
    Some(match free {
        ..CRITICAL_BYTES => Finding::broken("disk", what, output.text("doctor.fix_disk")),
        CRITICAL_BYTES..WARN_BYTES => Finding::warning("disk", what, output.text("doctor.fix_disk")),
        _ => Finding::ok("disk", what),
    })
}

/// The folder itself, or its nearest existing parent.
fn nearest(path: &Path) -> &Path {
    let existing = path.ancestors().find(|folder| !folder.as_os_str().is_empty() && folder.exists());
    existing.unwrap_or(Path::new("."))
}

fn mebibytes(bytes: u64) -> String {
    if bytes >= 10 << 30 { format!("{} GiB", bytes >> 30) } else { format!("{} MiB", bytes >> 20) }
}

fn time_zone(settings: &Settings, output: &OutputOptions) -> Finding {
    let chosen = settings.server.zone;
    let now = SystemClock.now().with_timezone(&chosen).format("%Y-%m-%d %H:%M:%S %:z").to_string();
    let what = output.fill("doctor.zone_is", &[("zone", chosen.name()), ("now", &now)]);
    if chosen != Tz::UTC || zone::found_zone().is_some() {
        return Finding::ok("zone", what);
    }
    Finding::warning("zone", what, output.text("doctor.fix_zone"))
}

/// Whether only the owner can read the encryption key, which decrypts every secret.
fn key(settings: &Settings, output: &OutputOptions) -> Option<Finding> {
    let file = settings.data_dir.join(KEY_FILE);
    let shown = file.display().to_string();
    let key = [("file", &*shown)];
    Some(match is_private(&file)? {
        true => Finding::ok("key", output.fill("doctor.key_is", &key)),
        false => Finding::broken("key", output.fill("doctor.key_open", &key), output.fill(FIX_KEY, &key)),
    })
}

#[cfg(unix)]
const FIX_KEY: &str = "doctor.fix_key";
#[cfg(windows)]
const FIX_KEY: &str = "doctor.fix_key_windows";

/// `None` if the file does not exist.
#[cfg(unix)]
fn is_private(file: &Path) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).ok().map(|metadata| metadata.permissions().mode() & 0o077 == 0)
}

#[cfg(windows)]
fn is_private(file: &Path) -> Option<bool> {
    crate::private_files::is_private(file).ok()
}
