//! What the services allow, refuse and answer, on both databases.

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod overview;
mod people;
mod runs;
mod second_factor;
mod tasks;
mod team_import;
mod timing;
mod transfer;
