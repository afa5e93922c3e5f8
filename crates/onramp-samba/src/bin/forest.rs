//! A Samba Active Directory forest from the command line: `cargo run --bin forest -- up --controllers 2`.

use std::process::ExitCode;

use clap::Parser;
use onramp_samba::program::{self, Arguments};

fn main() -> ExitCode {
    program::run(&Arguments::parse(), &[])
}
