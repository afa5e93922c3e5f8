//! Finds what synchronization to Microsoft Entra would reject, rename, merge or overwrite, and suggests fixes.

use std::process::ExitCode;

use clap::Parser;
use onramp_cli::readiness::{self, Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => readiness::run(arguments).await,
        Err(error) => readiness::usage(&error),
    }
}
