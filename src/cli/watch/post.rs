//! The messages of a watch: each channel gets each alarm once; one that is not accepted is tried again at the next look.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use tempfile::TempDir;

use super::super::Failure;
use crate::clock::{SharedClock, SystemClock};
use crate::config::Settings;
use crate::domain::notify::channel::Channel;
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::message::{Field, Notice};
use crate::i18n::{Language, Message, message};
use crate::ids::new_id;
use crate::notify::channels::{Item, Outcome, Parcel, Transport, provider};
use crate::notify::courier::SEND_TIMEOUT;
use crate::notify::watchdog::Alarm;
use crate::profiles::ProfileDirectory;
use crate::storage::{Database, Synchronous};
use crate::tasks::registry::Registry;
use crate::tasks::{Limits, Toolbox, send_email, send_sms};

/// The most messages that wait for a channel; the oldest are given up.
const WAITING_MAX: usize = 20;

/// The channels with what waits for them.
pub(super) struct Post {
    routes: Vec<Route>,
    transport: Transport,
    server: String,
    /// Mail and text messages are sent by task types, which expect a database.
    _database: Database,
    _folder: TempDir,
}

struct Route {
    channel: Channel,
    waiting: VecDeque<Parcel>,
}

impl Post {
    pub async fn new(settings: &Settings, channels: Vec<Channel>, server: &str) -> Result<Post, Failure> {
        let clock: SharedClock = Arc::new(SystemClock);
        let folder = tempfile::tempdir().map_err(Failure::failed)?;
        let opened = Database::open_sqlite(&folder.path().join("watch.db"), Synchronous::Normal).await;
        let database = opened.map_err(Failure::failed)?;
        let limits = Limits { private_addresses: settings.network.private_addresses, ..Limits::within(folder.path()) };
        let limits = Arc::new(limits);
        let toolbox = Toolbox {
            profiles: Arc::new(ProfileDirectory::fixed(settings.profiles.clone())),
            limits: limits.clone(),
            ..Toolbox::plain(database.clone(), clock.clone(), folder.path())
        };
        let registry = Registry::from_types(vec![
            Arc::new(send_email::SendEmail::new(&toolbox)),
            Arc::new(send_sms::SendSms::new(&toolbox)),
        ]);
        let routes = channels.into_iter().map(|channel| Route { channel, waiting: VecDeque::new() }).collect();
        let transport = Transport::new(limits, Arc::new(registry), clock);
        Ok(Post { routes, transport, server: server.trim_end_matches('/').to_owned(), _database: database, _folder: folder })
    }

    /// The names of the channels.
    pub fn names(&self) -> String {
        self.routes.iter().map(|route| route.channel.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Queues an alarm for each channel.
    pub fn queue(&mut self, alarm: &Alarm, now: DateTime<Utc>) {
        let id = new_id(now);
        for route in &mut self.routes {
            let notice = notice(&id, alarm, &self.server, route.channel.language());
            let items = vec![Item { notice, incident_id: Some(incident(alarm, &self.server)) }];
            route.waiting.push_back(Parcel { id: id.clone(), items, public_url: None, now });
            while route.waiting.len() > WAITING_MAX {
                route.waiting.pop_front();
            }
        }
    }

    /// Sends what waits. Returns what went wrong.
    pub async fn deliver(&mut self, now: DateTime<Utc>) -> Vec<String> {
        let mut problems = Vec::new();
        for route in &mut self.routes {
            while let Some(parcel) = route.waiting.front_mut() {
                parcel.now = now;
                let outcome = send(&route.channel, parcel, &self.transport).await;
                if !outcome.delivered {
                    let text = outcome.text.as_ref().map(ToString::to_string).unwrap_or_default();
                    problems.push(format!("{}: {text}", route.channel.name));
                }
                if !outcome.delivered && !outcome.permanent {
                    break;
                }
                route.waiting.pop_front();
            }
        }
        problems
    }
}

async fn send(channel: &Channel, parcel: &Parcel, transport: &Transport) -> Outcome {
    if let Some(fault) = channel.check().into_iter().next() {
        return Outcome::unusable(&fault.message);
    }
    let mask = crate::domain::mask::Mask::default().with_values(channel.secrets());
    let sending = (provider(channel.channel_type).send)(parcel, channel, transport);
    let outcome = match tokio::time::timeout(SEND_TIMEOUT, sending).await {
        Ok(outcome) => outcome,
        Err(_) => Outcome::unanswered(&message!("http.no_response", seconds = SEND_TIMEOUT.as_secs())),
    };
    outcome.masked(&mask)
}

/// The content of the message about an alarm.
fn notice(id: &str, alarm: &Alarm, server: &str, language: Language) -> Notice {
    let (event, title, reason, since) = match alarm {
        Alarm::Opened { since, reason } => {
            (NotifyEvent::HeartbeatLost, message!("watch.title_lost", server), Some(reason), since)
        }
        Alarm::Reminder { since, reason } => {
            (NotifyEvent::HeartbeatLost, message!("watch.title_still", server), Some(reason), since)
        }
        Alarm::Recovered { since } => (NotifyEvent::Recovered, message!("watch.title_recovered", server), None, since),
    };
    let field = |label: Message| Field { label: label.text(language), value: since.to_rfc3339_opts(SecondsFormat::Secs, true) };
    Notice {
        urgent: true,
        subjects: vec![server.to_owned()],
        fields: vec![field(message!("watch.since"))],
        error: reason.map(|reason| reason.text(language)),
        ..Notice::new(id, event, language, title.text(language))
    }
}

/// The id shared by the opening, the reminders and the recovery of one incident.
fn incident(alarm: &Alarm, server: &str) -> String {
    let (Alarm::Opened { since, .. } | Alarm::Reminder { since, .. } | Alarm::Recovered { since }) = alarm;
    format!("watch:{server}:{}", since.timestamp())
}
