//! Uses of a profile: the tasks and notification channels that name it.

use serde_json::Value;

use super::Result;
use crate::domain::profile::ProfileKind;
use crate::domain::task::Task;
use crate::notify::directory::Channels;
use crate::storage::{Session, task};

/// The most tasks that are searched for uses.
const MOST_USES: i64 = 2_000;

/// The tasks and channels that name a profile.
pub(super) struct Uses {
    /// The ids of the tasks, sorted.
    pub tasks: Vec<String>,
    pub channels: Vec<String>,
}

impl Uses {
    /// Finds what names the profile: in the parameters of tasks, of their rules and links, and in channels.
    pub async fn find(s: &mut dyn Session, channels: &Channels, kind: ProfileKind, name: &str) -> Result<Uses> {
        let quoted = Value::from(name).to_string();
        let mentioning = task::mentioning(s, &quoted, MOST_USES).await?;
        let tasks = mentioning.iter().filter(|task| names(task, kind, name)).map(|task| task.id.clone()).collect();
        let named = channels.values().filter(|channel| match kind {
            ProfileKind::Smtp => channel.options.smtp.as_deref() == Some(name),
            ProfileKind::Sms => channel.options.sms.as_deref() == Some(name),
            ProfileKind::Datasource | ProfileKind::Http => false,
        });
        Ok(Uses { tasks, channels: named.map(|channel| channel.name.clone()).collect() })
    }

    /// The first uses for a message; `None` if there is none.
    pub fn named(&self, most: usize) -> Option<String> {
        let count = self.tasks.len() + self.channels.len();
        let first: Vec<&str> = self.tasks.iter().chain(&self.channels).take(most).map(String::as_str).collect();
        let more = if count > most { ", …" } else { "" };
        (count > 0).then(|| format!("{}{more}", first.join(", ")))
    }
}

fn names(task: &Task, kind: ProfileKind, name: &str) -> bool {
    let key = kind.as_str();
    let of = |value: Option<&Value>| value.and_then(Value::as_str) == Some(name);
    let member = |value: Option<&Value>| of(value.and_then(|value| value.get(key)));
    let rules = task.schedule.rules.iter().map(|rule| &rule.params);
    let links = task.chain.iter().map(|link| &link.params);
    let own = task.params.as_object().into_iter();
    // data_sync names its profiles in `from` and `to`.
    own.chain(rules).chain(links).any(|params| of(params.get(key)) || member(params.get("from")) || member(params.get("to")))
}
