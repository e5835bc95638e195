//! The parts that services, scheduler and workers share, made of the settings and a database.

use std::sync::Arc;

use super::data_dir::{FILES_FOLDER, KEY_FILE};
use super::wiring;
use crate::clock::{SharedClock, SystemClock};
use crate::config::Settings;
use crate::domain::profile::Profiles;
use crate::events::EventBus;
use crate::oidc::Provider;
use crate::service::{Parts, Service};
use crate::signals::{Pulse, Signals};
use crate::storage::Database;
use crate::tasks::registry::Registry;
use crate::tasks::sql::Datasources;
use crate::tasks::{Limits, Toolbox};
use crate::vault::{KeySource, Vault};
use crate::worker::cancel::Cancels;

/// Clones share it.
#[derive(Clone)]
pub(super) struct Shared {
    pub database: Database,
    pub registry: Arc<Registry>,
    pub datasources: Arc<Datasources>,
    pub profiles: Arc<Profiles>,
    pub vault: Arc<Vault>,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    pub pulse: Pulse,
    pub cancels: Cancels,
}

impl Shared {
    pub fn new(settings: &Settings, database: Database) -> Self {
        let clock: SharedClock = Arc::new(SystemClock);
        let toolbox = toolbox(settings, &database, &clock);
        Self {
            registry: Arc::new(registry(settings, &toolbox)),
            datasources: toolbox.datasources,
            profiles: toolbox.profiles,
            vault: Arc::new(vault(settings, &database)),
            events: EventBus::default(),
            signals: Signals::default(),
            pulse: Pulse::default(),
            cancels: Cancels::default(),
            database,
            clock,
        }
    }

    pub fn service(&self, settings: &Settings) -> Service {
        Service::new(Parts {
            database: self.database.clone(),
            registry: self.registry.clone(),
            datasources: self.datasources.clone(),
            profiles: self.profiles.clone(),
            clock: self.clock.clone(),
            events: self.events.clone(),
            signals: self.signals.clone(),
            pulse: self.pulse.clone(),
            cancels: self.cancels.clone(),
            vault: self.vault.clone(),
            zone: settings.server.zone,
            queues: wiring::queues(settings),
            session: chrono::Duration::days(i64::from(settings.auth.session_days)),
            session_idle: chrono::Duration::hours(i64::from(settings.auth.session_idle_hours)),
            second_factor_required: settings.auth.second_factor_required,
            single_sign_on: settings.oidc.is_set_up().then(|| Arc::new(Provider::new(settings.oidc.clone(), self.clock.clone()))),
        })
    }
}

/// What the task types share.
fn toolbox(settings: &Settings, database: &Database, clock: &SharedClock) -> Toolbox {
    Toolbox {
        clock: clock.clone(),
        database: database.clone(),
        data_dir: settings.data_dir.clone(),
        zone: settings.server.zone,
        profiles: Arc::new(settings.profiles.clone()),
        datasources: Arc::new(Datasources::new(&settings.profiles, settings.server.zone)),
        limits: Arc::new(limits(settings)),
    }
}

/// The task types that the settings allow.
fn registry(settings: &Settings, toolbox: &Toolbox) -> Registry {
    let registry = Registry::standard(toolbox);
    if settings.commands.enabled { registry } else { registry.without_dangerous() }
}

fn limits(settings: &Settings) -> Limits {
    let own_files = std::iter::once(settings.data_dir.join(FILES_FOLDER));
    Limits {
        programs: settings.commands.programs.clone(),
        command_folders: settings.commands.folders.clone(),
        file_folders: own_files.chain(settings.files.folders.iter().cloned()).collect(),
        private_addresses: settings.network.private_addresses,
    }
}

fn vault(settings: &Settings, database: &Database) -> Vault {
    let source = match &settings.secrets.key {
        Some(key) => KeySource::Given(key.clone()),
        None => KeySource::File(settings.data_dir.join(KEY_FILE)),
    };
    let of_provider = settings.oidc.client_secret.as_ref();
    let hidden = settings.profiles.secrets().into_iter().chain(of_provider).map(|secret| secret.reveal().to_owned());
    Vault::new(database.clone(), source, hidden.collect())
}
