//! Finds what synchronization to Microsoft Entra would reject, rename, merge or overwrite, and suggests fixes.

use std::process::ExitCode;

use clap::Parser;
use onramp_cli::readiness::{self, Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    readiness::run(Arguments::parse()).await
}
