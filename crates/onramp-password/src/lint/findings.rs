//! The findings of a lint, and the range of lengths that satisfies every target.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use super::kind::{LintKind, Severity};
use crate::check::Checker;
use crate::context::Context;
use crate::generate::{Conflict, GenerateError, Generator, GeneratorOptions};
use crate::policy::{AdPolicy, Policy};
use crate::protection::ProtectionPolicy;
use crate::target::Target;
use crate::text::Fold;

/// The number of lengths above the minimum that are tried.
const LENGTHS_TRIED: usize = 24;

/// Says of a policy where its parts contradict each other, what surprises people about it, and what satisfies all of it.
///
/// ```
/// use onramp_password::lint::LintKind;
/// use onramp_password::{lint, NistPolicy, Policy};
///
/// let lint = lint(&Policy::hybrid().with_nist(NistPolicy::single_factor()));
/// assert!(lint.findings.iter().any(|finding| matches!(finding.kind, LintKind::CompositionAgainstNist { .. })));
/// let satisfiable = lint.satisfiable.expect("they can be met together");
/// assert_eq!((satisfiable.min_length, satisfiable.max_length), (15, Some(256)));
/// ```
#[must_use]
pub fn lint(policy: &Policy) -> Lint {
    let mut findings = Vec::new();
    against_nist(policy, &mut findings);
    on_premises(policy, &mut findings);
    protection(policy, &mut findings);
    lithnet(policy, &mut findings);
    let satisfiable = match satisfiable(policy) {
        Ok(satisfiable) => Some(satisfiable),
        Err(kind) => {
            findings.push(kind);
            None
        }
    };
    let mut findings: Vec<Finding> = findings.into_iter().map(Finding::of).collect();
    findings.sort_by_key(|finding| finding.severity);
    Lint { findings, satisfiable }
}

/// The result of a lint.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lint {
    /// The findings, the most severe first.
    pub findings: Vec<Finding>,
    /// The range that satisfies every target; `None` if nothing does.
    #[serde(rename = "feasible")]
    pub satisfiable: Option<SatisfiableRange>,
}

/// One thing to say of a policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The severity of the finding.
    pub severity: Severity,
    /// The kind of the finding.
    #[serde(flatten)]
    pub kind: LintKind,
}

impl Finding {
    fn of(kind: LintKind) -> Self {
        Self { severity: kind.severity(), kind }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.kind)
    }
}

/// The range of passwords that satisfies every target at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SatisfiableRange {
    /// The least length in characters at which it can be shown that there are passwords.
    pub min_length: usize,
    /// The most characters; `None` without an end.
    pub max_length: Option<usize>,
    /// The printable ASCII characters that every target takes.
    pub alphabet: String,
    /// The number of character classes that the most demanding target requires.
    pub classes: u32,
    /// True if every target accepts characters outside ASCII too.
    pub unicode: bool,
}

impl fmt::Display for SatisfiableRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.min_length)?;
        match self.max_length {
            Some(max) => write!(f, " to {max} characters")?,
            None => f.write_str(" characters or more")?,
        }
        let all = self.alphabet.len() == 95;
        match (self.unicode, all) {
            (true, true) => {}
            (_, true) => f.write_str(" of printable ASCII")?,
            (_, false) => write!(f, " of the {} that all take", self.alphabet.len())?,
        }
        if self.classes > 0 {
            write!(f, ", with {} character classes", self.classes)?;
        }
        Ok(())
    }
}

fn against_nist(policy: &Policy, out: &mut Vec<LintKind>) {
    let Some(nist) = &policy.nist else { return };
    let custom = policy.custom.as_ref();
    let lithnet = policy.lithnet.as_ref();
    let composition = [
        (Target::OnPremises, policy.on_premises.as_ref().is_some_and(|policy| policy.complexity)),
        (Target::Cloud, policy.cloud.as_ref().is_some_and(|policy| policy.required_classes > 0)),
        (Target::Lithnet, lithnet.is_some_and(|policy| policy.bands.is_some() || policy.points.is_some())),
        (
            Target::Custom,
            custom.is_some_and(|policy| {
                policy.required_classes > 0
                    || !policy.require.is_empty()
                    || policy.max_repeat.is_some()
                    || policy.max_sequence.is_some()
                    || policy.min_distinct > 0
            }),
        ),
    ];
    let of = |demands: &[(Target, bool)]| -> Vec<Target> {
        demands.iter().filter(|&&(_, demands)| demands).map(|&(target, _)| target).collect()
    };
    let targets = of(&composition);
    if !targets.is_empty() {
        out.push(LintKind::CompositionAgainstNist { targets });
    }
    let protects = policy.protection.as_ref();
    let substrings = [
        (Target::OnPremises, protects.is_some_and(|protection| protection.on_premises)),
        (Target::Cloud, protects.is_some_and(|protection| protection.in_cloud)),
        (Target::Custom, custom.is_some_and(|policy| !policy.words.is_empty())),
    ];
    let targets = of(&substrings);
    if !targets.is_empty() {
        out.push(LintKind::SubstringsAgainstNist { targets });
    }
    if policy.on_premises.as_ref().is_some_and(|policy| policy.max_age_seconds.is_some()) {
        out.push(LintKind::ExpiryAgainstNist);
    }
    let longest = [nist.max_length, custom.and_then(|policy| policy.max_length)];
    let cloud = policy.cloud.as_ref().map(|policy| policy.max_length);
    if let Some(maximum) = longest.into_iter().flatten().chain(cloud).min().filter(|&max| max < 64) {
        out.push(LintKind::ShortMaximumAgainstNist { maximum });
    }
    if nist.blocklist.is_empty() {
        out.push(LintKind::NoBlocklist);
    }
}

fn on_premises(policy: &Policy, out: &mut Vec<LintKind>) {
    if policy.cloud.is_some() && (policy.on_premises.is_some() || policy.nist.is_some()) {
        out.push(LintKind::UnicodeAgainstEntra);
    }
    let Some(ad) = &policy.on_premises else { return };
    if ad.min_length > 14 {
        out.push(LintKind::BeyondGroupPolicy { min_length: ad.min_length });
    }
    if ad.min_length > AdPolicy::MAX_LENGTH {
        out.push(LintKind::LengthOutOfReach { min_length: ad.min_length });
    }
    if ad.min_age_seconds > 0 {
        out.push(LintKind::MinimumAge { seconds: ad.min_age_seconds });
    }
}

fn protection(policy: &Policy, out: &mut Vec<LintKind>) {
    let Some(protection) = &policy.protection else { return };
    let (shortest, longest) = ProtectionPolicy::TERM_LENGTHS;
    let length = |term: &String| term.chars().count();
    let wrong = protection.banned.iter().filter(|term| !(shortest..=longest).contains(&length(term))).count();
    if wrong > 0 {
        out.push(LintKind::TermLengths { terms: wrong });
    }
    if protection.banned.len() > ProtectionPolicy::MAX_TERMS {
        out.push(LintKind::TooManyTerms { terms: protection.banned.len() });
    }
    let fold = Fold::new(&protection.substitutions);
    let mut folded: Vec<_> = protection.banned.iter().map(|term| fold.fold_word(term)).collect();
    folded.sort_unstable();
    folded.dedup();
    let same = protection.banned.len() - folded.len();
    if same > 0 {
        out.push(LintKind::SameTerms { terms: same });
    }
}

fn lithnet(policy: &Policy, out: &mut Vec<LintKind>) {
    let Some(lithnet) = &policy.lithnet else { return };
    if lithnet.bands.is_some_and(|bands| bands.second_threshold.is_none()) {
        out.push(LintKind::OneThreshold);
    }
    if lithnet
        .bands
        .is_some_and(|bands| bands.second_threshold.is_some_and(|two| two < bands.first_threshold))
    {
        out.push(LintKind::ThresholdsReversed);
    }
    let gone = |word: &&String| crate::check::lithnet::word(word, lithnet).is_empty();
    let terms = lithnet.banned_words.iter().filter(gone).count();
    if terms > 0 {
        out.push(LintKind::WordsVanish { terms });
    }
}

/// Returns the least length at which there are passwords, and what they are made of.
fn satisfiable(policy: &Policy) -> Result<SatisfiableRange, LintKind> {
    let printable: String = (' '..='~').collect();
    let options = GeneratorOptions::default().with_alphabet(&printable);
    let checker = Checker::new(policy, &Context::new());
    let (min, max, alphabet, classes) =
        crate::generate::demanded(&checker, &options).map_err(contradiction)?;
    let last = max.unwrap_or(usize::MAX).min(min.saturating_add(LENGTHS_TRIED));
    let mut refused = None;
    for length in min.max(1)..=last {
        match Generator::with_options(policy, &Context::new(), &options.clone().with_length(length)) {
            // So rare that the generator would not draw them is still not impossible.
            Ok(_) | Err(GenerateError::TooNarrow { .. }) => {
                return Ok(SatisfiableRange {
                    min_length: length,
                    max_length: max,
                    alphabet,
                    classes,
                    unicode: policy.cloud.is_none()
                        && policy.custom.as_ref().is_none_or(|custom| custom.allowed.is_none()),
                });
            }
            Err(GenerateError::Unsatisfiable(conflict)) => refused = Some(contradiction(conflict)),
            Err(_) => refused = Some(LintKind::NotShown),
        }
    }
    Err(refused.unwrap_or(LintKind::NotShown))
}

fn contradiction(conflict: Conflict) -> LintKind {
    use alloc::string::ToString;
    LintKind::Contradiction { reason: conflict.to_string() }
}
