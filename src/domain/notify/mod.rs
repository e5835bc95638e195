//! Notifications: rules, incidents, messages and channels.

pub mod cause;
pub mod channel;
pub mod channel_health;
pub mod digest;
pub mod event;
pub mod incident;
pub mod incident_decision;
pub mod limits;
pub mod message;
pub mod quiet_hours;
pub mod rule;
pub mod text_templates;
