//! Belfry (钟楼): a self-hosted task scheduler.

pub mod clock;
pub mod domain;
pub mod events;
pub mod ids;
pub mod signals;
pub mod storage;
