//! Belfry (钟楼): a self-hosted task scheduler.

pub mod api;
pub mod clock;
pub mod config;
pub mod domain;
pub mod events;
pub mod ids;
pub mod scheduler;
pub mod service;
pub mod signals;
pub mod storage;
pub mod tasks;
pub mod telemetry;
pub mod web;
pub mod worker;
