//! A tenant and a forest as servers: `cargo run --bin lab -- --users 5000 --seed 7`.

use std::process::ExitCode;

use clap::Parser;
use onramp_lab::program::{self, Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    program::run(&Arguments::parse()).await
}
