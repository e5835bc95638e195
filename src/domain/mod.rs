//! The domain rules: pure, total functions and types. No I/O, no clock, no database, no web; no function blocks or panics,
//! whatever its input.

pub mod audit;
pub mod calendar;
pub mod chain;
pub mod csv;
pub mod decision;
pub mod event;
pub mod execution;
pub mod fault;
pub mod input;
pub mod job;
pub mod mask;
pub mod migrate;
pub mod node;
pub mod overview;
pub mod page;
mod password;
pub mod permission;
pub mod policy;
pub mod profile;
pub mod saved_view;
pub mod search;
pub mod secret;
pub mod single_sign_on;
pub mod stats;
pub mod task;
pub mod totp;
pub mod transfer;
pub mod trigger;
pub mod user;
pub mod yaml;
