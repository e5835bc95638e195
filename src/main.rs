//! The program `belfry`. See [`belfry::cli`] for its commands.

use std::process::ExitCode;

/// Gives memory back and scales over threads better than the system's allocators do, musl's and Windows' above all.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    belfry::cli::run()
}
