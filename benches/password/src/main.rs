//! Verdicts, strength, breach store and generator beside their peers: same process, same corpus, in turn.
//!
//! Machines are shared and noisy, so a mean is processor time of the thread over a whole pass, the median of several
//! rounds; and the time of one candidate, from which the percentiles are taken, is the least of its rounds. Nothing
//! here asserts a time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a measurement that cannot be made ends here

mod contest;
mod corpus;
mod entra;
mod generator;
mod protection;
mod store;
mod strength;
mod verdict;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    size: Size,
}

#[derive(Subcommand)]
enum What {
    /// Prints the corpus, one candidate a line.
    Corpus,
    /// The verdict of Active Directory, Entra and Password Protection with 4,300 terms.
    Verdict {
        /// The program of peers/pwquality.c, built.
        #[arg(long)]
        pwquality: Option<PathBuf>,
    },
    /// Password Protection alone, with lists of several sizes.
    Protection {
        /// How many terms.
        #[arg(long, value_delimiter = ',', default_value = "1000,4300,100000,1000000")]
        terms: Vec<usize>,
    },
    /// The estimate of strength.
    Strength,
    /// The breach store.
    Store {
        /// How many hashes.
        #[arg(long, default_value_t = 100_000_000)]
        keys: u64,
        /// Where the file is written. A temporary folder by default.
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Passwords drawn.
    Generator,
}

/// How much is measured.
#[derive(Args, Clone, Copy)]
struct Size {
    /// How many candidates.
    #[arg(long, global = true, default_value_t = 200_000)]
    candidates: usize,
    /// How many of them for peers that take more than some microseconds for each.
    #[arg(long, global = true, default_value_t = 4_000)]
    few: usize,
    /// How often everybody has a turn.
    #[arg(long, global = true, default_value_t = 7)]
    rounds: usize,
    /// Leaves out everybody but the first of each table, for a profiler.
    #[arg(long, global = true)]
    alone: bool,
}

fn main() {
    let Cli { what, size } = Cli::parse();
    let corpus = || corpus::candidates(1, size.candidates);
    match what {
        What::Corpus => corpus().iter().for_each(|candidate| println!("{candidate}")),
        What::Verdict { pwquality } => verdict::measure(&corpus(), size, pwquality.as_deref()),
        What::Protection { terms } => protection::measure(&corpus(), size, &terms),
        What::Strength => strength::measure(&corpus(), size),
        What::Store { keys, folder } => store::measure(keys, size, folder.as_deref()),
        What::Generator => generator::measure(size),
    }
}
