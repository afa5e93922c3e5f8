//! The subcommands `explain` and `lint`.

use std::io::{self, Write};
use std::process::ExitCode;

use onramp_core::Result;
use onramp_password::lint::Severity;
use onramp_password::{Policy, lint};

use super::output::{print, written};

pub(super) fn explain(policy: &Policy) -> Result<ExitCode> {
    let found = lint(policy);
    let mut out = io::stdout().lock();
    let mut say = || -> io::Result<()> {
        for requirement in policy.requirements() {
            writeln!(out, "{}: {}", requirement.target, requirement.text)?;
        }
        match &found.satisfiable {
            Some(range) => writeln!(out, "\nAll of them accept {range}.")?,
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

pub(super) fn tell_lint(policy: &Policy, json: bool) -> Result<ExitCode> {
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
                Some(range) => writeln!(out, "All targets accept {range}."),
                None => writeln!(out, "Nothing satisfies all targets."),
            }
        };
        written(say())?;
    }
    let wrong = found.findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
