//! The domain controllers, as they answered.

use onramp_core::forest::{DomainController, ProbedController};
use onramp_core::{OffsetDateTime, Result};
use time::Duration;

use crate::preflight::catalog::{DOMAIN_CONTROLLERS, GLOBAL_CATALOG, INITIAL_SYNCHRONIZATION, TIME_SKEW};
use crate::preflight::item::{Findings, Judged, Verdict};

/// The difference of clocks that Kerberos tolerates by default.
const TOLERATED: Duration = Duration::minutes(5);
const NOTICED: Duration = Duration::minutes(1);

/// The answer of a domain controller.
#[derive(Debug)]
pub(in crate::preflight) struct Answer {
    pub(in crate::preflight) controller: DomainController,
    pub(in crate::preflight) state: Result<ProbedController>,
    /// The times by this computer's clock before the question and after the answer.
    pub(in crate::preflight) asked: OffsetDateTime,
    pub(in crate::preflight) answered: OffsetDateTime,
}

impl Answer {
    /// Returns the difference of its clock that nothing but a wrong clock explains: outside of the time that the answer took,
    /// and the second that directories round to.
    fn skew(&self) -> Option<Duration> {
        let time = self.state.as_ref().ok()?.time?;
        let second = Duration::SECOND;
        Some(if time + second < self.asked {
            time + second - self.asked
        } else if time > self.answered {
            time - self.answered
        } else {
            Duration::ZERO
        })
    }
}

/// Judges the answers of all domain controllers.
pub(in crate::preflight) fn judge(answers: &[Answer]) -> Vec<Judged> {
    vec![
        (DOMAIN_CONTROLLERS, reachable(answers)),
        (INITIAL_SYNCHRONIZATION, synchronized(answers)),
        (GLOBAL_CATALOG, catalog(answers)),
        (TIME_SKEW, time_skew(answers)),
    ]
}

fn reachable(answers: &[Answer]) -> Verdict {
    let mut findings = Findings::default();
    for Answer { controller, state, .. } in answers {
        match state {
            Ok(_) => {}
            Err(_) if !controller.has_host_name() => {
                findings.warnings.push(format!("{} has no host name", controller.host));
            }
            Err(error) => findings.failures.push(error.to_string()),
        }
    }
    Verdict::of_findings(findings, format!("{} domain controllers answer", answers.len()))
}

fn synchronized(answers: &[Answer]) -> Verdict {
    let waiting = answers.iter().filter(|one| one.state.as_ref().is_ok_and(|state| !state.is_synchronized));
    let failures = waiting.map(|one| format!("{} is not synchronized yet", one.controller.host)).collect();
    none_answers(answers).unwrap_or_else(|| {
        let findings = Findings { failures, ..Findings::default() };
        Verdict::of_findings(findings, "every domain controller that answers is synchronized")
    })
}

fn catalog(answers: &[Answer]) -> Verdict {
    let ready = |one: &&Answer| one.state.as_ref().is_ok_and(|state| state.is_global_catalog_ready);
    none_answers(answers).unwrap_or_else(|| match answers.iter().filter(ready).count() {
        0 => Verdict::fail("no domain controller that answers is a global catalog"),
        count => Verdict::pass(format!("{count} global catalogs answer")),
    })
}

fn time_skew(answers: &[Answer]) -> Verdict {
    if let Some(verdict) = none_answers(answers) {
        return verdict;
    }
    let mut findings = Findings::default();
    let mut told = 0;
    for answer in answers {
        let Some(skew) = answer.skew() else { continue };
        told += 1;
        let (size, direction) = (skew.abs(), if skew.is_negative() { "behind" } else { "ahead" });
        let text = || {
            let (minutes, seconds) = (size.whole_minutes(), size.whole_seconds() % 60);
            format!("{} is {minutes} min {seconds} s {direction}", answer.controller.host)
        };
        if size > TOLERATED {
            findings.failures.push(text());
        } else if size > NOTICED {
            findings.warnings.push(text());
        }
    }
    if told == 0 {
        return Verdict::cannot_tell("no domain controller tells its time");
    }
    Verdict::of_findings(
        findings,
        format!("the clocks of {told} domain controllers agree with this computer"),
    )
}

fn none_answers(answers: &[Answer]) -> Option<Verdict> {
    let none = answers.iter().all(|one| one.state.is_err());
    none.then(|| Verdict::cannot_tell("no domain controller answers"))
}
