//! Checks and generates passwords against the policies of Active Directory, Entra and others; explains and lints
//! policies.
//!
//! Exit codes: 0 accepted or done; 1 refused (of a list, any one), or the policy has an error; 2 it could not be done; 130
//! given up at the terminal.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use onramp_core::{Error, ErrorKind, Result};
use onramp_examples::password::breach::{self, Breaches};
use onramp_examples::password::generate::GenerateArguments;
use onramp_examples::password::input::{self, Line, Lines};
use onramp_examples::password::output::written;
use onramp_examples::password::policy::{PolicyArguments, catalogue};
use onramp_examples::password::report::{Headline, Manner, Report, Summary, TooWeak};
use onramp_examples::password::texts::{Texts, texts};
use onramp_password::breach::HashKind;
use onramp_password::check::{Lookups, PreparedPolicy};
use onramp_password::lint::Severity;
use onramp_password::policy::Target;
use onramp_password::strength::{Estimator, Inputs, Scratch};
use onramp_password::{Checker, Messages, Policy, lint};
use zeroize::Zeroizing;

/// Check and generate passwords against the policies of Active Directory, Entra and others.
#[derive(Parser, Debug)]
struct Arguments {
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
        /// Refuse what is easier to guess than that: 0 to 4.
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
    /// Passwords known from breaches: build a store, and ask it.
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

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Check { policy, stdin, min_strength, json, language, breach_store } => {
            let breaches = breach_store.as_deref().map(Breaches::open).transpose()?;
            let mut judge = Judge::new(&policy, catalogue(&language)?, json, breaches)?;
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

/// What is needed to say something of a candidate.
struct Judge {
    checker: Checker,
    targets: Vec<Target>,
    protected: bool,
    estimator: Estimator,
    known: Inputs,
    catalogue: Messages,
    texts: &'static Texts,
    min_strength: u8,
    json: bool,
    breaches: Option<Breaches>,
}

impl Judge {
    fn new(
        arguments: &PolicyArguments,
        catalogue: Messages,
        json: bool,
        breaches: Option<Breaches>,
    ) -> Result<Self> {
        let policy = arguments.policy()?;
        Ok(Self {
            checker: PreparedPolicy::with_every_interpretation(&policy).checker(&arguments.context()),
            targets: policy.targets().collect(),
            protected: policy.protection.is_some(),
            estimator: Estimator::zxcvbn(),
            known: Inputs::with_parts(arguments.known()),
            catalogue,
            texts: texts("en"),
            min_strength: 0,
            json,
            breaches,
        })
    }

    /// One password, typed.
    fn typed(&self) -> Result<ExitCode> {
        let Some(candidate) = asked()? else { return Ok(ExitCode::from(130)) };
        let mut out = io::stdout().lock();
        let said = self.say(&candidate, None, &mut self.estimator.scratch(), &mut out);
        self.trouble()?;
        let accepted = written(said)?.is_none_or(Headline::is_accepted);
        Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Every line of standard input.
    fn lines(&self) -> Result<ExitCode> {
        let mut lines = Lines::new(input::standard_input().map_err(unreadable)?);
        let (mut out, mut scratch) = (io::BufWriter::new(io::stdout().lock()), self.estimator.scratch());
        let mut summary = Summary::default();
        while let Some(line) = lines.next_line().map_err(unreadable)? {
            let number = lines.number();
            let said = match line {
                Line::Text(candidate) if candidate.is_empty() => {
                    summary.empty += 1;
                    continue;
                }
                Line::Text(candidate) => self.say(&candidate, Some(number), &mut scratch, &mut out),
                Line::NotText => self.pass_over("not_utf8", self.texts.not_text, number, &mut out),
                Line::TooLong => self.pass_over("line_too_long", self.texts.too_long, number, &mut out),
            };
            self.trouble()?;
            // What is at the other end of a pipe may wait for each answer.
            let Some(headline) = written(said.and_then(|headline| out.flush().map(|()| headline)))? else {
                return Ok(ExitCode::SUCCESS);
            };
            summary.count(headline);
        }
        let sentence = summary.sentence(self.texts);
        if self.json {
            eprintln!("{sentence}");
        } else {
            written(writeln!(out, "{sentence}").and_then(|()| out.flush()))?;
        }
        Ok(if summary.accepted == summary.all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Says what there is to say of a candidate, and what came of it.
    fn say(
        &self,
        candidate: &str,
        line: Option<u64>,
        scratch: &mut Scratch,
        out: &mut impl Write,
    ) -> io::Result<Headline> {
        let breached =
            |candidate: &str| self.breaches.as_ref().is_some_and(|store| store.contains(candidate));
        let verdict = self.checker.check_with(candidate, &Lookups::default().with_breached(&breached));
        let strength = self.estimator.estimate_with(candidate, &self.known, scratch);
        let score = u8::from(strength.score);
        let weak = (score < self.min_strength).then_some(TooWeak(score, self.min_strength));
        if self.json {
            print(out, &Report::new(&verdict, &strength, weak, line))?;
            return Ok(Headline::of(&verdict, weak.is_none()));
        }
        self.manner().tell(out, (&verdict, candidate), &strength, weak, line)
    }

    fn manner(&self) -> Manner<'_> {
        Manner { catalogue: &self.catalogue, texts: self.texts, color: color() }
    }

    fn trouble(&self) -> Result<()> {
        self.breaches.as_ref().map_or(Ok(()), Breaches::trouble)
    }

    fn pass_over(
        &self,
        code: &'static str,
        message: &str,
        line: u64,
        out: &mut impl Write,
    ) -> io::Result<Headline> {
        if self.json {
            print(out, &Report::unreadable(code, self.targets.iter().copied(), self.protected, line))?;
        } else {
            self.manner().pass_over(out, message, line)?;
        }
        Ok(Headline::Rejected)
    }
}

fn query(breaches: &Breaches, stdin: bool) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut say = |known: Option<bool>| -> Result<Option<bool>> {
        let text = match known {
            Some(true) => "known from a breach",
            Some(false) => "not known from a breach",
            None => "not readable",
        };
        Ok(written(writeln!(out, "{text}"))?.map(|()| known.unwrap_or(false)))
    };
    let ask = |candidate: &str| -> Result<Option<bool>> {
        let known = breaches.contains(candidate);
        breaches.trouble().map(|()| Some(known))
    };
    if !stdin {
        let Some(candidate) = asked()? else { return Ok(ExitCode::from(130)) };
        let known = say(ask(&candidate)?)?.unwrap_or(false);
        return Ok(if known { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    let mut lines = Lines::new(input::standard_input().map_err(unreadable)?);
    let mut unread = false;
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        let said = match line {
            Line::Text(candidate) => say(ask(&candidate)?)?,
            // A password that was not understood is not one that is not known.
            line => {
                unread = true;
                let texts = texts("en");
                let why = if matches!(line, Line::TooLong) { texts.too_long } else { texts.not_text };
                eprintln!("line {}: {why}", lines.number());
                say(None)?
            }
        };
        if said.is_none() {
            break;
        }
    }
    Ok(if unread { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn asked() -> Result<Option<Zeroizing<String>>> {
    input::ask("Password: ").map_err(|error| {
        Error::new(ErrorKind::Unavailable, "ask for a password")
            .with_detail(error.to_string())
            .with_hint("Without a terminal, pipe passwords in and say --stdin.")
    })
}

fn unreadable(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "read standard input").with_detail(error.to_string())
}

fn explain(policy: &Policy) -> Result<ExitCode> {
    let found = lint(policy);
    let mut out = io::stdout().lock();
    let mut say = || -> io::Result<()> {
        for demand in policy.requirements() {
            writeln!(out, "{}: {}", demand.target, demand.text)?;
        }
        match &found.satisfiable {
            Some(feasible) => writeln!(out, "\nAll of them accept {feasible}.")?,
            None => writeln!(out, "\nNothing satisfies all of them.")?,
        }
        for finding in &found.findings {
            writeln!(out, "{finding}.")?;
        }
        Ok(())
    };
    written(say())?;
    Ok(ExitCode::SUCCESS)
}

fn tell_lint(policy: &Policy, json: bool) -> Result<ExitCode> {
    let found = lint(policy);
    let mut out = io::stdout().lock();
    if json {
        written(print(&mut out, &found))?;
    } else {
        let mut say = || -> io::Result<()> {
            for finding in &found.findings {
                writeln!(out, "{finding}.")?;
            }
            match &found.satisfiable {
                Some(feasible) => writeln!(out, "All targets accept {feasible}."),
                None => writeln!(out, "Nothing satisfies all targets."),
            }
        };
        written(say())?;
    }
    let wrong = found.findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(out: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

fn color() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
