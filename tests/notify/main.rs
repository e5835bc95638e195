//! Tests of notification channels and their delivery. The providers are simulators on the loopback interface, which enforce the
//! signature, the size, the rate and the error answers of the real ones; none of these tests reaches a provider. The mail server is
//! a real one.

#[path = "../support/mod.rs"]
mod support;

#[path = "../mail/server.rs"]
#[allow(dead_code, reason = "these tests use only a part of it")]
mod server;

mod alarm_crash;
mod alarm_rig;
mod calendar;
mod channels;
mod cluster;
mod crash;
mod delivery;
mod incident_histories;
mod incidents;
mod mail_and_sms;
mod management;
mod rig;
mod simulator;
mod storage_alarm;
