//! The program `password`: checks and generates passwords against the policies of Active Directory, Entra and others;
//! explains and lints policies.
//!
//! Exit codes: 0 accepted or done; 1 refused (in a list, at least one), or the policy has an error; 2 an error of the
//! program or its arguments; 130 canceled at the terminal.

mod breach;
mod check;
mod generate;
mod input;
mod lint;
mod output;
mod policy;
mod report;
mod texts;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use onramp_core::Result;
use onramp_password::breach::HashKind;

use breach::Breaches;
use check::{Judge, query};
use generate::GenerateArguments;
use lint::{explain, tell_lint};
use policy::{PolicyArguments, messages};
use texts::texts;

/// Check and generate passwords against the policies of Active Directory, Entra and others.
#[derive(Parser, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Say everything that is wrong with a password. It is typed without echo, or comes on standard input.
    Check {
        #[command(flatten)]
        policy: PolicyArguments,
        /// Read passwords from standard input, one on a line, instead of asking for one. Empty lines are passed over.
        #[arg(long)]
        stdin: bool,
        /// Refuse passwords with a lower strength than this: 0 to 4.
        #[arg(long, value_name = "SCORE", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=4))]
        min_strength: u8,
        /// One JSON object for each password instead of sentences.
        #[arg(long)]
        json: bool,
        /// The language of the sentences: en, de, fr or es.
        #[arg(long, default_value = "en")]
        language: String,
        /// A breach store, whose passwords are refused.
        #[arg(long, value_name = "FILE")]
        breach_store: Option<PathBuf>,
    },
    /// Make passwords that every target accepts, all of them equally likely.
    Generate(GenerateArguments),
    /// Say what a policy demands, target by target, and what satisfies all of it.
    Explain {
        #[command(flatten)]
        policy: PolicyArguments,
    },
    /// Say where a policy contradicts itself or the standards, and what surprises people about it.
    Lint {
        #[command(flatten)]
        policy: PolicyArguments,
        /// JSON instead of sentences.
        #[arg(long)]
        json: bool,
    },
    /// Build a store of passwords known from breaches, and query it.
    #[command(subcommand)]
    Breach(BreachCommand),
}

#[derive(Subcommand, Debug)]
enum BreachCommand {
    /// Build a store from a sorted list of hashes and counts, as Have I Been Pwned publishes it.
    Build {
        /// The list, lines of HASH:COUNT; - is standard input.
        #[arg(value_name = "LIST")]
        list: PathBuf,
        /// The store to write.
        #[arg(value_name = "STORE")]
        store: PathBuf,
        /// The hashes are NTLM instead of SHA-1.
        #[arg(long)]
        ntlm: bool,
        /// Leave out hashes that were seen less often.
        #[arg(long, default_value_t = 0)]
        min_count: u32,
    },
    /// Say whether a password is in a store. It is typed without echo, or comes on standard input.
    Query {
        /// The store.
        #[arg(value_name = "STORE")]
        store: PathBuf,
        /// Read passwords from standard input, one on a line, instead of asking for one.
        #[arg(long)]
        stdin: bool,
    },
}

/// Runs the program.
pub fn run(arguments: Arguments) -> ExitCode {
    match dispatch(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Check { policy, stdin, min_strength, json, language, breach_store } => {
            let breaches = breach_store.as_deref().map(Breaches::open).transpose()?;
            let mut judge = Judge::new(&policy, messages(&language)?, json, breaches)?;
            (judge.texts, judge.min_strength) = (texts(&language), min_strength);
            if stdin { judge.lines() } else { judge.typed() }
        }
        Command::Generate(arguments) => arguments.run(),
        Command::Explain { policy } => explain(&policy.policy()?),
        Command::Lint { policy, json } => tell_lint(&policy.policy()?, json),
        Command::Breach(BreachCommand::Build { list, store, ntlm, min_count }) => {
            let kind = if ntlm { HashKind::Ntlm } else { HashKind::Sha1 };
            let summary = breach::build(&list, &store, kind, min_count)?;
            eprintln!(
                "{} hashes in {} bytes, {} left out; about one of {:.0} other passwords is taken for one of them",
                summary.keys,
                summary.length,
                summary.below_min_count,
                1.0 / summary.false_positive_rate
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Breach(BreachCommand::Query { store, stdin }) => query(&Breaches::open(&store)?, stdin),
    }
}
