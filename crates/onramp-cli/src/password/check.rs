//! Checks of passwords that are typed or come on standard input.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use onramp_core::{Error, ErrorKind, Result};
use onramp_password::check::{Lookups, PreparedPolicy};
use onramp_password::policy::Target;
use onramp_password::strength::{Estimator, Inputs, Scratch};
use onramp_password::{Checker, Messages};
use zeroize::Zeroizing;

use super::breach::Breaches;
use super::input::{self, Line, Lines};
use super::output::{print, written};
use super::policy::PolicyArguments;
use super::report::{Headline, Manner, Report, Summary, TooWeak};
use super::texts::{Texts, texts};

/// A checker of candidates, with the settings of its report.
pub(super) struct Judge {
    checker: Checker,
    targets: Vec<Target>,
    protected: bool,
    estimator: Estimator,
    known: Inputs,
    messages: Messages,
    pub(super) texts: &'static Texts,
    pub(super) min_strength: u8,
    json: bool,
    breaches: Option<Breaches>,
}

impl Judge {
    pub(super) fn new(
        arguments: &PolicyArguments,
        messages: Messages,
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
            messages,
            texts: texts("en"),
            min_strength: 0,
            json,
            breaches,
        })
    }

    /// Checks one password that is typed at the terminal.
    pub(super) fn typed(&self) -> Result<ExitCode> {
        let Some(candidate) = asked()? else { return Ok(ExitCode::from(130)) };
        let mut out = io::stdout().lock();
        let said = self.say(&candidate, None, &mut self.estimator.scratch(), &mut out);
        self.trouble()?;
        let accepted = written(said)?.is_none_or(Headline::is_accepted);
        Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Checks every line of standard input.
    pub(super) fn lines(&self) -> Result<ExitCode> {
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
            // The program at the other end of a pipe may wait for each answer.
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

    /// Checks a candidate, prints the result and returns its headline.
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
        Manner { messages: &self.messages, texts: self.texts, color: color() }
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

pub(super) fn query(breaches: &Breaches, stdin: bool) -> Result<ExitCode> {
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
            // A line that cannot be read must not count as a password that is not known.
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

fn color() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
