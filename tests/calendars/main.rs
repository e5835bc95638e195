//! Tests of calendars: the built-in data against independent packages, working days against a naive method, hostile files, and
//! the calendars and freezes of a server on both databases.

#[path = "../support/mod.rs"]
mod support;

mod files;
mod freezes;
mod packages;
mod properties;
mod server;
mod working_days;
