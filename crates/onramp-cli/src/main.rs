//! The program `onramp`: everything that Onramp does, as subcommands.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use onramp_cli::{
    approve, attributes, audit, check, identity, onboard, password, readiness, runs, show, undo,
};

/// Prepare Active Directory and Microsoft Entra for directory synchronization.
#[derive(Debug, Parser)]
#[command(name = "onramp", version)]
struct Arguments {
    #[command(subcommand)]
    program: Program,
}

#[derive(Debug, Subcommand)]
enum Program {
    Onboard(Box<onboard::Arguments>),
    Check(check::Arguments),
    Identity(identity::Arguments),
    Approve(approve::Arguments),
    Runs(runs::Arguments),
    Show(show::Arguments),
    Audit(audit::Arguments),
    Undo(Box<undo::Arguments>),
    Attributes(Box<attributes::Arguments>),
    Password(Box<password::Arguments>),
    Readiness(Box<readiness::Arguments>),
    #[cfg(feature = "lab")]
    Lab(Box<onramp_lab::program::Arguments>),
    #[cfg(all(target_os = "linux", feature = "forest"))]
    Forest(onramp_samba::program::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if std::env::args_os().nth(1).is_some_and(|program| program == "readiness") => {
            return readiness::usage(&error);
        }
        Err(error) => error.exit(),
    };
    match arguments.program {
        Program::Onboard(arguments) => onboard::run(*arguments).await,
        Program::Check(arguments) => check::run(arguments).await,
        Program::Identity(arguments) => identity::run(arguments).await,
        Program::Approve(arguments) => approve::run(arguments).await,
        Program::Audit(arguments) => audit::run(&arguments),
        Program::Show(arguments) => show::run(&arguments),
        Program::Runs(arguments) => runs::run(&arguments),
        Program::Undo(arguments) => undo::run(*arguments).await,
        Program::Attributes(arguments) => attributes::run(*arguments).await,
        Program::Password(arguments) => password::run(*arguments),
        Program::Readiness(arguments) => readiness::run(*arguments).await,
        #[cfg(feature = "lab")]
        Program::Lab(arguments) => onramp_lab::program::run(&arguments).await,
        #[cfg(all(target_os = "linux", feature = "forest"))]
        Program::Forest(arguments) => onramp_samba::program::run(&arguments, &["forest"]),
    }
}
