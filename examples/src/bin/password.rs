//! Checks and generates passwords against the policies of Active Directory, Entra and others; explains and lints policies.

use std::process::ExitCode;

use clap::Parser;
use onramp_cli::password::{self, Arguments};

fn main() -> ExitCode {
    password::run(Arguments::parse())
}
