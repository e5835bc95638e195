//! Notifications: incidents, rules and digests, and the delivery of messages through channels.

pub mod alarms;
pub mod calendar_watch;
pub mod channels;
pub mod courier;
pub mod delivery;
mod digest;
pub mod directory;
pub mod heartbeats;
pub mod incidents;
pub mod own_text;
mod quota;
pub mod storage_alarm;
mod text;
pub mod watchdog;
