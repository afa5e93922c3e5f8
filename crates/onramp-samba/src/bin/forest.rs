//! A Samba Active Directory forest from the command line.

use std::process::ExitCode;

use clap::Parser;
use onramp_samba::program::{self, Arguments};

/// A Samba Active Directory forest for tests.
#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    arguments: Arguments,
}

fn main() -> ExitCode {
    program::run(&Program::parse().arguments, &[])
}
