//! Looks into the folder of executables again and again, so that those that come, change and go are seen without a restart.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::describe::{Refused, describe};
use super::folder::{Candidate, Stamp, scan};
use crate::domain::task::check_id;
use crate::tasks::registry::{Entry, Registry};

const EVERY: Duration = Duration::from_secs(2);
/// Executables asked at once what they are.
const AT_ONCE: usize = 8;

/// The loop that looks.
pub struct Watch {
    registry: Arc<Registry>,
    folder: PathBuf,
    seen: HashMap<PathBuf, Seen>,
    /// The last look failed, which was said.
    failing: bool,
}

/// A file as it was when it was asked what it is.
struct Seen {
    stamp: Stamp,
    open_to_all: bool,
    /// `None` where it is no task type.
    entry: Option<Arc<Entry>>,
}

impl Watch {
    /// Watches a folder, which need not exist, and keeps the registry in step with it.
    pub fn new(registry: Arc<Registry>, folder: &Path) -> Watch {
        // Executables run in their folder, so a path that begins where the server runs would lead astray.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Watch { registry, folder, seen: HashMap::new(), failing: false }
    }

    /// Looks every two seconds until the shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                _changed = self.run_once() => {}
            }
        }
    }

    /// Looks once. Answers whether anything changed.
    pub async fn run_once(&mut self) -> bool {
        let folder = self.folder.clone();
        let found = match tokio::task::spawn_blocking(move || scan(&folder)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return self.cannot_look(&error.to_string()),
            Err(error) => return self.cannot_look(&error.to_string()),
        };
        self.failing = false;
        let mut changed = self.forget(&found);
        let asked = stream::iter(found.into_iter().filter(|candidate| self.is_new(candidate)).collect::<Vec<_>>());
        let asked = asked.map(|candidate| self.ask(candidate)).buffered(AT_ONCE).collect::<Vec<_>>().await;
        for (candidate, described) in asked {
            changed |= self.take(candidate, described);
        }
        if changed {
            self.publish();
        }
        changed
    }

    /// Says so once. What was found before stays: a folder on a slow disk may be back in a moment.
    fn cannot_look(&mut self, error: &str) -> bool {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(folder = %self.folder.display(), error, "cannot look into the folder of executables");
        }
        false
    }

    fn forget(&mut self, found: &[Candidate]) -> bool {
        let before = self.seen.len();
        self.seen.retain(|path, seen| {
            let stays = found.iter().any(|candidate| candidate.path == *path);
            if let (false, Some(entry)) = (stays, &seen.entry) {
                tracing::info!(task.r#type = &*entry.spec.name, file = %path.display(), "an executable is gone");
            }
            stays
        });
        self.seen.len() != before
    }

    fn is_new(&self, candidate: &Candidate) -> bool {
        let is_same = |seen: &Seen| seen.stamp == candidate.stamp && seen.open_to_all == candidate.open_to_all;
        !self.seen.get(&candidate.path).is_some_and(is_same)
    }

    /// Asks a file that is new or changed what it is.
    async fn ask(&self, candidate: Candidate) -> (Candidate, Result<Entry, Refused>) {
        let described = match self.allowed(&candidate.name, candidate.open_to_all) {
            Ok(()) => describe(&candidate.name, &candidate.path).await,
            Err(reason) => Err(Refused::Faulty(reason)),
        };
        (candidate, described)
    }

    /// Remembers what a file is. Answers whether it could be asked.
    fn take(&mut self, candidate: Candidate, described: Result<Entry, Refused>) -> bool {
        let Candidate { path, name, stamp, open_to_all } = candidate;
        let entry = match described {
            Ok(entry) => {
                tracing::info!(task.r#type = name, file = %path.display(), "an executable is a task type");
                Some(Arc::new(entry))
            }
            Err(Refused::Later(reason)) => {
                tracing::debug!(file = %path.display(), reason, "an executable cannot be started now");
                return false;
            }
            Err(Refused::Faulty(reason)) => {
                tracing::warn!(file = %path.display(), reason, "an executable is not taken as a task type");
                None
            }
        };
        self.seen.insert(path, Seen { stamp, open_to_all, entry });
        true
    }

    fn allowed(&self, name: &str, open_to_all: bool) -> Result<(), String> {
        check_id(name).map_err(|message| format!("its name cannot be that of a task type: {message}"))?;
        if self.registry.is_standard(name) {
            return Err(format!("the task type {name} comes with Belfry"));
        }
        if open_to_all {
            return Err("everybody on this machine may write it; take that right away (chmod o-w)".to_owned());
        }
        Ok(())
    }

    fn publish(&self) {
        let mut paths: Vec<&PathBuf> = self.seen.keys().collect();
        paths.sort();
        let mut types: BTreeMap<String, Arc<Entry>> = BTreeMap::new();
        for path in paths {
            let Some(entry) = &self.seen[path].entry else { continue };
            match types.entry(entry.spec.name.to_string()) {
                Slot::Vacant(slot) => {
                    slot.insert(entry.clone());
                }
                Slot::Occupied(_) => {
                    tracing::warn!(file = %path.display(), "another executable has the same name; this one is not used");
                }
            }
        }
        self.registry.replace_found(types.into_values().collect());
    }
}
