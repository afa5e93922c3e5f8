//! Gives objects values of attributes by a CSV or TOML file.

use std::process::ExitCode;

use clap::Parser;
use onramp_cli::attributes::{self, Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    attributes::run(Arguments::parse()).await
}
