//! Belfry (钟楼): a self-hosted task scheduler.

pub mod domain;
