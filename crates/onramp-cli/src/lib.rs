//! The library behind the program `onramp`: configuration file, terminal, job, and a folder for each run.
//!
//! Each subcommand is a module with `Arguments` and `run`. A program that does the whole job from a configuration file
//! uses [`config`], [`runs`], [`terminal`] and [`job`] from here; one that embeds the job without a terminal needs only
//! the crate `onramp`.
//!
//! ```
//! use clap::Parser;
//! use onramp_cli::password;
//!
//! let arguments = password::Arguments::parse_from(["password", "explain"]);
//! assert_eq!(password::run(arguments), std::process::ExitCode::SUCCESS);
//! ```

pub mod config;
pub mod job;
pub mod onboard;
pub mod password;
pub mod runs;
pub mod terminal;
