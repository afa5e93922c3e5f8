//! Restores what an earlier run of `onboard` changed.

use std::process::ExitCode;

use clap::Parser;
use onramp_cli::undo::{self, Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    undo::run(Arguments::parse()).await
}
