//! The domain rules: pure, total functions and types. No I/O, no clock, no database, no web; no function blocks or panics,
//! whatever its input.

pub mod audit;
pub mod chain;
pub mod csv;
pub mod decision;
pub mod event;
pub mod execution;
pub mod fault;
pub mod grant;
pub mod input;
pub mod job;
pub mod json;
pub mod mask;
pub mod node;
pub mod page;
mod password;
pub mod permission;
pub mod policy;
pub mod profile;
pub mod reference;
pub mod saved_view;
pub mod search;
pub mod secret;
pub mod single_sign_on;
pub mod stats;
pub mod tag_scope;
pub mod task;
pub mod task_id;
pub mod text_enum;
pub mod totp;
pub mod transfer;
pub mod trigger;
pub mod user;
pub mod yaml;
