//! Passwords and passphrases that every target accepts.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use onramp_core::{Password, Result};
use onramp_password::check::Lookups;
use onramp_password::generate::{Entropy, GeneratorOptions, OsRandom, PassphraseOptions, Passphrases};
use onramp_password::strength::{Dictionary, ListKind};
use onramp_password::{GenerateError, Generator};

use super::breach::Breaches;
use super::input::read_text;
use super::output::written;
use super::policy::PolicyArguments;

/// The number of the most frequent English words that are considered when no list is given; rarer words are hard to
/// spell.
const FREQUENT: usize = 12_000;

/// Characters that are easily confused, and characters with a meaning for a shell.
const MISTAKEN: &str = "Il1|O0'\"`";

/// The arguments of `generate`.
#[derive(clap::Args, Debug)]
pub(super) struct GenerateArguments {
    #[command(flatten)]
    policy: PolicyArguments,
    /// The length in characters; without it 24, or what the policy needs.
    #[arg(long, conflicts_with = "passphrase")]
    length: Option<usize>,
    /// The characters to draw from; without it printable ASCII except the space.
    #[arg(long, value_name = "CHARACTERS", conflicts_with = "passphrase")]
    alphabet: Option<String>,
    /// Leave out characters that are easily confused (I l 1 | O 0) or have a meaning for a shell (quotes, the
    /// backtick).
    #[arg(long, conflicts_with_all = ["passphrase", "alphabet"])]
    readable: bool,
    /// Words instead of characters: capitals, two digits and a separator give them every class.
    #[arg(long)]
    passphrase: bool,
    /// The number of words; without it as many as 75 bits or the policy require.
    #[arg(long, requires = "passphrase")]
    words: Option<usize>,
    /// The character between words; without it a hyphen, or another character if a banned word or a name contains a
    /// hyphen.
    #[arg(long, requires = "passphrase")]
    separator: Option<char>,
    /// The words to draw from, one on a line; without it frequent English words.
    #[arg(long, value_name = "FILE", requires = "passphrase")]
    word_list: Option<PathBuf>,
    /// The number of passwords.
    #[arg(long, default_value_t = 1)]
    count: usize,
    /// A breach store, whose passwords are not generated.
    #[arg(long, value_name = "FILE")]
    breach_store: Option<PathBuf>,
}

impl GenerateArguments {
    /// Generates and prints the passwords.
    ///
    /// # Errors
    /// A policy or a file that cannot be used; a policy that contradicts itself.
    pub(super) fn run(&self) -> Result<ExitCode> {
        let source = Source::of(self)?;
        let breaches = self.breach_store.as_deref().map(Breaches::open).transpose()?;
        let breached = |candidate: &str| breaches.as_ref().is_some_and(|store| store.contains(candidate));
        let lookups = Lookups::default().with_breached(&breached);
        let mut out = io::stdout().lock();
        for _ in 0..self.count {
            let password = source.generate(&lookups)?;
            breaches.as_ref().map_or(Ok(()), Breaches::trouble)?;
            if written(writeln!(out, "{}", password.expose()))?.is_none() {
                break;
            }
        }
        if io::stderr().is_terminal() {
            eprintln!("{:.1} bits each", source.entropy().bits());
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the words to draw from.
    fn list(&self) -> Result<Vec<String>> {
        let Some(file) = &self.word_list else {
            let mut words = Dictionary::zxcvbn().words(ListKind::Words);
            words.truncate(FREQUENT);
            words
                .retain(|word| (4..=8).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase()));
            return Ok(words);
        };
        let text = read_text(file)?;
        // Diceware lists have the numbers of the dice before the word.
        let word = |line: &str| line.split_whitespace().next_back().map(str::to_owned);
        Ok(text.lines().filter_map(word).collect())
    }
}

/// The source of the passwords.
enum Source {
    Characters(Generator),
    Words(Passphrases),
}

impl Source {
    fn of(arguments: &GenerateArguments) -> Result<Self> {
        let (policy, context) = (arguments.policy.policy()?, arguments.policy.context());
        if arguments.passphrase {
            let mut options = PassphraseOptions::default();
            (options.words, options.separator) = (arguments.words, arguments.separator);
            return Ok(Self::Words(Passphrases::new(&policy, &context, arguments.list()?, &options)?));
        }
        let mut options = GeneratorOptions::default();
        (options.length, options.alphabet) = (arguments.length, arguments.alphabet.clone());
        if arguments.readable {
            options.alphabet = Some(('!'..='~').filter(|&c| !MISTAKEN.contains(c)).collect());
        }
        Ok(Self::Characters(Generator::with_options(&policy, &context, &options)?))
    }

    fn generate(&self, lookups: &Lookups<'_>) -> Result<Password, GenerateError> {
        match self {
            Self::Characters(generator) => generator.generate_with(&mut OsRandom, lookups),
            Self::Words(phrases) => phrases.generate_with(&mut OsRandom, lookups),
        }
    }

    fn entropy(&self) -> Entropy {
        match self {
            Self::Characters(generator) => generator.entropy(),
            Self::Words(phrases) => phrases.entropy(),
        }
    }
}
