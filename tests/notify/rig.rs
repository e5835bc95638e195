//! Test fixture: channels that lead to the simulator, and a delivery with a manual clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use belfry::clock::{Clock, ManualClock, SharedClock};
use belfry::domain::mask::Mask;
use belfry::domain::notify::channel::{ChannelOptions, ChannelSettings, ChannelType, Credentials};
use belfry::domain::notify::event::NotifyEvent;
use belfry::domain::notify::message::{Message, NewMessage, Notice};
use belfry::domain::page::PageRequest;
use belfry::domain::profile::Profiles;
use belfry::domain::secret::Secret;
use belfry::i18n::Language;
use belfry::ids::new_id;
use belfry::notify::delivery::Delivery;
use belfry::profiles::ProfileDirectory;
use belfry::signals::Signals;
use belfry::storage::Database;
use belfry::storage::notify_message;
use belfry::tasks::Toolbox;
use belfry::tasks::registry::Registry;
use chrono::Duration;

use crate::simulator::{SECRET, Simulator, TOKEN, WEBHOOK_SECRET};
use crate::support::context::{courier, start};

pub struct Rig {
    pub delivery: Delivery,
    pub clock: Arc<ManualClock>,
    pub simulator: Simulator,
    pub database: Database,
}

impl Rig {
    /// One channel of each type, named after it.
    pub async fn new(database: &Database) -> Rig {
        let clock = Arc::new(ManualClock::new(start()));
        let simulator = Simulator::start(clock.clone()).await;
        let notify = ChannelType::ALL.into_iter().map(|kind| (kind.as_str().to_owned(), channel(kind, &simulator.url))).collect();
        let profiles = Arc::new(Profiles { notify, ..Profiles::default() });
        let delivery = delivery(database, clock.clone(), profiles, "node-1");
        Rig { delivery, clock, simulator, database: database.clone() }
    }

    /// Queues a message about a task.
    pub async fn queue(&self, channel: &str, task: &str) -> String {
        self.queue_all(channel, &[notice(task, self.clock.now())]).await.remove(0)
    }

    /// Queues messages in one transaction.
    pub async fn queue_all(&self, channel: &str, notices: &[Notice]) -> Vec<String> {
        self.queue_until(channel, notices, Duration::zero()).await
    }

    /// Queues messages that are held back for a time.
    pub async fn queue_until(&self, channel: &str, notices: &[Notice], held: Duration) -> Vec<String> {
        let now = self.clock.now();
        let messages: Vec<NewMessage> = notices.iter().map(|notice| message(channel, notice.clone(), now, now + held)).collect();
        let mut tx = self.database.write().await.expect("begins");
        notify_message::insert(&mut tx, &messages).await.expect("queues");
        tx.commit().await.expect("commits");
        messages.into_iter().map(|message| message.id).collect()
    }

    /// Delivers what can be sent now.
    pub async fn deliver(&self) -> usize {
        self.delivery.run_once().await.expect("delivers")
    }

    /// Delivers, second by second of the manual clock.
    pub async fn deliver_for(&self, seconds: i64) {
        for _ in 0..seconds {
            self.deliver().await;
            self.clock.advance(Duration::seconds(1));
        }
    }

    /// The messages of a channel, oldest first.
    pub async fn messages(&self, channel: &str) -> Vec<Message> {
        let mut reader = self.database.read().await.expect("reads");
        let request = PageRequest { size: 500, cursor: None };
        let mut all = notify_message::page(&mut reader, channel, &request).await.expect("lists").items;
        all.reverse();
        all
    }

    /// The only message of a channel.
    pub async fn message(&self, channel: &str) -> Message {
        self.messages(channel).await.remove(0)
    }
}

/// A delivery as one node runs it.
pub fn delivery(database: &Database, clock: SharedClock, profiles: Arc<Profiles>, node_id: &str) -> Delivery {
    let plain = Toolbox::plain(database.clone(), clock.clone(), &std::env::temp_dir());
    let registry =
        Arc::new(Registry::builtin(&Toolbox { profiles: Arc::new(ProfileDirectory::fixed(profiles.clone())), ..plain }));
    Delivery {
        database: database.clone(),
        clock: clock.clone(),
        signals: Signals::default(),
        courier: courier(database, clock, registry, profiles),
        node_id: node_id.into(),
        zone: chrono_tz::Tz::UTC,
    }
}

/// A channel of the settings at the simulator, with the correct credentials.
pub fn channel(kind: ChannelType, url: &str) -> ChannelSettings {
    let some = |text: &str| Some(Secret::new(text));
    let full = match kind {
        ChannelType::Slack => format!("{url}/services/T0/B0/hook"),
        ChannelType::Webhook => format!("{url}/webhook"),
        _ => url.to_owned(),
    };
    let secret = match kind {
        ChannelType::Dingtalk | ChannelType::Feishu | ChannelType::WecomApp => some(SECRET),
        ChannelType::Webhook => some(WEBHOOK_SECRET),
        _ => None,
    };
    let mut options = ChannelOptions { language: Some("en".to_owned()), ..ChannelOptions::default() };
    match kind {
        ChannelType::Telegram => options.chat_id = Some("-100".to_owned()),
        ChannelType::WecomApp => {
            (options.corp_id, options.agent_id) = (Some("corp".to_owned()), Some("1000002".to_owned()));
            options.to = vec!["alice".to_owned(), "bob".to_owned()];
        }
        ChannelType::Ntfy => options.topic = Some("alarms".to_owned()),
        ChannelType::Email => options.to = vec!["ops@example.com".to_owned()],
        ChannelType::Sms => options.to = vec!["13800138000".to_owned()],
        _ => {}
    }
    let credentials = Credentials { url: some(&full), secret, token: some(TOKEN), ..Credentials::default() };
    ChannelSettings { channel_type: Some(kind), options, credentials }
}

/// A failure of a task.
pub fn notice(task: &str, now: chrono::DateTime<chrono::Utc>) -> Notice {
    let mut notice = Notice::new(new_id(now), NotifyEvent::Failed, Language::English, format!("{task} failed"));
    notice.subjects = vec![task.to_owned()];
    notice.error = Some("Traceback\nValueError: no such file".to_owned());
    notice.path = Some("/executions/01KAHW3R80Z8Q1T3B1C6N5M9XA".to_owned());
    notice.bounded(&Mask::default())
}

pub fn message(
    channel: &str,
    notice: Notice,
    now: chrono::DateTime<chrono::Utc>,
    not_before: chrono::DateTime<chrono::Utc>,
) -> NewMessage {
    NewMessage {
        id: new_id(now),
        channel: channel.to_owned(),
        incident_id: Some("incident-1".to_owned()),
        rule: "all".to_owned(),
        notice,
        not_before,
        created_at: now,
    }
}

/// Which of these names occur in one of the texts.
pub fn named<'n>(names: &'n [String], texts: &[String]) -> BTreeSet<&'n str> {
    names.iter().filter(|name| texts.iter().any(|text| text.contains(name.as_str()))).map(String::as_str).collect()
}
