//! Prepares a forest and a tenant for directory synchronization, from a configuration file, on any servers.

use std::process::ExitCode;

use clap::Parser;
use onramp_cli::onboard::{self, Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    onboard::run(Arguments::parse()).await
}
