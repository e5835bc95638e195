//! The courier: sends one message through a channel and masks the answer.

use std::sync::Arc;
use std::time::Duration;

use super::channels::{Outcome, Parcel, Transport, provider};
use super::directory::Directory;
use super::own_text;
use crate::clock::SharedClock;
use crate::domain::mask::Mask;
use crate::domain::notify::channel::Channel;
use crate::domain::notify::text_templates::TextTemplates;
use crate::domain::profile::Profiles;
use crate::i18n::message;
use crate::storage::Database;
use crate::tasks::Limits;
use crate::tasks::registry::Registry;
use crate::vault::Vault;

/// The time limit of a message, whatever time the settings allow a mail or a text message.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(40);

/// What the courier is built from.
pub struct CourierDeps {
    pub database: Database,
    pub clock: SharedClock,
    pub vault: Arc<Vault>,
    pub registry: Arc<Registry>,
    pub profiles: Arc<Profiles>,
    pub limits: Arc<Limits>,
    /// The public URL with the base path, for links.
    pub public_url: Option<String>,
}

/// The rule of a message, as far as its text needs it; empty for a test and for several messages in one.
#[derive(Debug, Clone, Default)]
pub struct RuleText {
    pub name: String,
    pub templates: TextTemplates,
}

/// Sends messages; one instance is shared.
pub struct Courier {
    pub directory: Directory,
    /// The public URL with the base path, for links.
    pub public_url: Option<String>,
    transport: Transport,
    vault: Arc<Vault>,
}

impl Courier {
    pub fn new(deps: CourierDeps) -> Self {
        let CourierDeps { database, clock, vault, registry, profiles, limits, public_url } = deps;
        Self {
            directory: Directory::new(database, vault.clone(), &profiles),
            transport: Transport::new(limits, registry, clock),
            public_url,
            vault,
        }
    }

    /// Sends a message, with the templates of its rule or of the channel. Nothing in the outcome is secret.
    pub async fn send(&self, channel: &Channel, parcel: &Parcel, rule: &RuleText) -> Outcome {
        let mask = self.mask(channel);
        if let Some(fault) = channel.check().into_iter().next() {
            return Outcome::unusable(&fault.message).masked(&mask);
        }
        let mut parcel = self.masked(parcel, &mask);
        let templates = rule.templates.clone().or(channel.templates());
        let template_error = own_text::apply(&mut parcel, templates, &channel.name, &rule.name).await.err();
        let parcel = self.masked(&parcel, &mask);
        let sending = (provider(channel.channel_type).send)(&parcel, channel, &self.transport);
        let outcome = match tokio::time::timeout(SEND_TIMEOUT, sending).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::unanswered(&message!("http.no_response", seconds = SEND_TIMEOUT.as_secs())),
        };
        Outcome { template_error, ..outcome }.masked(&mask)
    }

    /// Secrets that became known after a notice was written are masked in it too.
    fn masked(&self, parcel: &Parcel, mask: &Mask) -> Parcel {
        let mut parcel = parcel.clone();
        for item in &mut parcel.items {
            item.notice = item.notice.clone().bounded(mask);
        }
        parcel
    }

    fn mask(&self, channel: &Channel) -> Mask {
        self.vault.mask().with_values(channel.secrets())
    }
}
