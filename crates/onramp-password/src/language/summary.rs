//! The facts behind the violations of several targets, each once.

use alloc::string::String;
use alloc::vec::Vec;

use super::key::Key;
use super::messages::Messages;
use crate::target::Target;
use crate::verdict::{Code, Verdict, Violation};

/// One fact, and the targets whose demand it breaks.
struct Fact {
    violation: Violation,
    targets: Vec<Target>,
}

impl Verdict {
    /// Returns what a person should read: one sentence for each fact, then the advice.
    ///
    /// A fact that several targets find is told once, with the names of all of them. A demand that is met as soon as a
    /// stricter one of another target is met is left out. The candidate is needed to name the characters that are not
    /// allowed; it is not kept.
    ///
    /// ```
    /// use onramp_password::check::Context;
    /// use onramp_password::{check, Messages, Policy};
    ///
    /// let verdict = check(&Policy::hybrid(), &Context::new(), "kurz");
    /// let messages = verdict.messages(&Messages::english(), "kurz");
    /// assert_eq!(messages[0], "Entra: too short, 4 of at least 8 characters");
    /// ```
    #[must_use]
    pub fn messages(&self, messages: &Messages, candidate: &str) -> Vec<String> {
        let told = |fact: &Fact| messages.sentence(&fact.violation, &fact.targets, Some(candidate));
        let advice = self.advice().map(|advice| messages.text(Key::Advice(advice)).into());
        facts(self.violations()).iter().map(told).chain(advice).collect()
    }
}

fn facts(violations: &[Violation]) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    for violation in violations.iter().filter(|one| !follows_from_another(one, violations)) {
        let same =
            |fact: &&mut Fact| covers(&fact.violation, violation) && covers(violation, &fact.violation);
        match facts.iter_mut().find(same) {
            Some(fact) if fact.targets.contains(&violation.target) => {}
            Some(fact) => fact.targets.push(violation.target),
            None => facts.push(Fact { violation: *violation, targets: [violation.target].to_vec() }),
        }
    }
    // By what is wrong, and not by who says so: the length comes first.
    facts.sort_by_key(|fact| fact.violation.code);
    facts
}

/// Returns true if a violation need not be told, because another one is told.
fn follows_from_another(violation: &Violation, all: &[Violation]) -> bool {
    all.iter().any(|other| {
        let banned = other.code == Code::BannedWord && violation.code == Code::ScoreTooLow;
        (banned && other.target == violation.target)
            || (covers(other, violation) && !covers(violation, other))
    })
}

/// Returns true if mending the first violation mends the second one, too.
fn covers(strict: &Violation, other: &Violation) -> bool {
    if strict.code != other.code {
        return false;
    }
    let (found, limit) = ((strict.found, other.found), (strict.limit, other.limit));
    match strict.code {
        Code::TooShort => found.0 <= found.1 && limit.0 >= limit.1,
        Code::TooLong => found.0 >= found.1 && limit.0 <= limit.1,
        Code::TooFewClasses => {
            let (needed, others) = (strict.missing_by_name(), other.missing_by_name());
            strict.lacking() >= other.lacking() && needed.is_part_of(others)
        }
        Code::ClassMissing => other.missing.is_part_of(strict.missing),
        // The same piece of the candidate, whatever the directories call it.
        Code::ContainsName => strict.spans == other.spans,
        _ => {
            found.0 == found.1
                && limit.0 == limit.1
                && strict.name == other.name
                && strict.spans == other.spans
        }
    }
}
