//! What the machine itself gives: the folder, the disk, the zone, the key of secrets.

use std::path::Path;

use chrono_tz::Tz;
use sysinfo::Disks;

use super::Finding;
use crate::app::KEY_FILE;
use crate::cli::look::Look;
use crate::clock::{Clock, SystemClock};
use crate::config::{Settings, reason};

/// Below this much free space a database soon cannot grow.
const LITTLE: u64 = 200 << 20;
/// Below this much somebody should look.
const LOW: u64 = 1 << 30;

pub(super) fn all(settings: &Settings, look: &Look) -> Vec<Finding> {
    let looks = [folder(settings, look), disk(settings, look), Some(zone(settings, look)), key(settings, look)];
    looks.into_iter().flatten().collect()
}

fn folder(settings: &Settings, look: &Look) -> Option<Finding> {
    let path = &settings.data_dir;
    let shown = path.display().to_string();
    if !path.exists() {
        return Some(Finding::warning(
            "folder",
            look.fill("doctor.folder_missing", &[("folder", &shown)]),
            look.text("doctor.mend_folder_missing"),
        ));
    }
    let probe = path.join(format!(".belfry-doctor-{}", std::process::id()));
    let tried = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    Some(match tried {
        Ok(()) => Finding::well("folder", shown),
        Err(error) => Finding::broken(
            "folder",
            look.fill("doctor.folder_refuses", &[("folder", &shown), ("why", &reason(&error))]),
            look.text("doctor.mend_folder_refuses"),
        ),
    })
}

/// The space on the disk that holds the data folder; nothing where the system does not tell.
fn disk(settings: &Settings, look: &Look) -> Option<Finding> {
    let path = std::fs::canonicalize(nearest(&settings.data_dir)).ok()?;
    let disks = Disks::new_with_refreshed_list().ok()?;
    let holds = disks.iter().filter(|disk| path.starts_with(disk.mount_point()));
    let disk = holds.max_by_key(|disk| disk.mount_point().components().count())?;
    let free = disk.available_space();
    let values =
        [("free", &*mebibytes(free)), ("place", &*disk.mount_point().display().to_string())].map(|(n, v)| (n, v.to_owned()));
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let what = look.fill("doctor.disk_free", &values);
    Some(match free {
        ..LITTLE => Finding::broken("disk", what, look.text("doctor.mend_disk")),
        LITTLE..LOW => Finding::warning("disk", what, look.text("doctor.mend_disk")),
        _ => Finding::well("disk", what),
    })
}

/// The folder itself, or the nearest one above it that exists.
fn nearest(path: &Path) -> &Path {
    let existing = path.ancestors().find(|folder| !folder.as_os_str().is_empty() && folder.exists());
    existing.unwrap_or(Path::new("."))
}

fn mebibytes(bytes: u64) -> String {
    if bytes >= 10 << 30 { format!("{} GiB", bytes >> 30) } else { format!("{} MiB", bytes >> 20) }
}

fn zone(settings: &Settings, look: &Look) -> Finding {
    let zone = settings.server.zone;
    let now = SystemClock.now().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string();
    let what = look.fill("doctor.zone_is", &[("zone", zone.name()), ("now", &now)]);
    let machine = std::env::var("TZ").ok().or_else(|| iana_time_zone::get_timezone().ok());
    let known = machine.as_deref().is_some_and(|name| name.trim_start_matches(':').parse::<Tz>().is_ok());
    if known || zone != Tz::UTC {
        return Finding::well("zone", what);
    }
    Finding::warning("zone", what, look.text("doctor.mend_zone"))
}

/// Others who can read the key can read every secret in a copy of the database.
#[cfg(unix)]
fn key(settings: &Settings, look: &Look) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let file = settings.data_dir.join(KEY_FILE);
    let mode = std::fs::metadata(&file).ok()?.permissions().mode();
    let shown = file.display().to_string();
    Some(match mode & 0o077 {
        0 => Finding::well("key", look.fill("doctor.key_is", &[("file", &shown)])),
        _ => Finding::broken(
            "key",
            look.fill("doctor.key_open", &[("file", &shown)]),
            look.fill("doctor.mend_key", &[("file", &shown)]),
        ),
    })
}

#[cfg(not(unix))]
fn key(settings: &Settings, look: &Look) -> Option<Finding> {
    let file = settings.data_dir.join(KEY_FILE);
    file.exists().then(|| Finding::well("key", look.fill("doctor.key_is", &[("file", &file.display().to_string())])))
}
