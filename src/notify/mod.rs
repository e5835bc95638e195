//! Notifications: channels, what they are sent, and when.

pub mod alarms;
pub mod calendar_watch;
pub mod channels;
pub mod courier;
pub mod delivery;
mod digest;
pub mod directory;
pub mod heartbeats;
pub mod incidents;
mod quota;
mod text;
pub mod watchdog;
