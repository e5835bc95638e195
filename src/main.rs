//! The program `belfry`. See [`belfry::cli`] for its commands.

use std::process::ExitCode;

/// Returns memory to the system and scales over threads better than the default allocators, above all those of musl and Windows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    belfry::cli::run()
}
