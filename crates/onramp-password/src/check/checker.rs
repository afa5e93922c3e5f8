//! A candidate against a policy.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::custom::{Custom, MIN_WORD};
use super::lithnet::BannedWords;
use super::nist::Blocklist;
use super::pattern::{Haystack, Pattern, Patterns};
use super::prefilter::Prefilter;
use super::{directory, lithnet, nist};
use crate::banned_words::{Matcher, Words};
use crate::context::Context;
use crate::lithnet::LithnetPolicy;
use crate::policy::{AdPolicy, EntraPolicy, NistPolicy, Policy};
use crate::protection::{Interpretation, MIN_NAME, MIN_NAME_ONCE, ProtectionVerdict, Substitutions};
use crate::target::Target;
use crate::text::{Fold, Folded, Text};
use crate::verdict::{Code, NameSource, Verdict, Violation};

/// Checks one candidate against a policy and reports each violation.
///
/// Most of the time goes into preparing the policy: for many candidates, make a [`Checker`] once.
///
/// ```
/// use onramp_password::check::{Code, Context};
/// use onramp_password::{Policy, check};
///
/// let verdict = check(&Policy::hybrid(), &Context::new(), "kurz");
/// assert!(!verdict.is_accepted());
/// assert_eq!(verdict.violations()[0].code, Code::TooShort);
/// ```
#[must_use]
pub fn check(policy: &Policy, context: &Context, candidate: &str) -> Verdict {
    Checker::new(policy, context).check(candidate)
}

/// Checks one candidate against a policy, also under every interpretation of Entra Password Protection.
///
/// It takes about ten times as long as [`check()`]; for many candidates, use [`PreparedPolicy::with_every_interpretation`].
#[must_use]
pub fn check_every_interpretation(policy: &Policy, context: &Context, candidate: &str) -> Verdict {
    PreparedPolicy::with_every_interpretation(policy).checker(context).check(candidate)
}

/// A policy, made ready for many accounts: its banned words are sorted in once.
///
/// It is cheap to clone, and clones share what was prepared.
#[derive(Clone, Debug)]
pub struct PreparedPolicy(Arc<Rules>);

impl PreparedPolicy {
    /// Prepares a policy for verdicts by its own interpretation of Entra Password Protection.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        Self(Arc::new(Rules::new(policy, false)))
    }

    /// Prepares a policy for verdicts that also say what becomes of a candidate under every interpretation of Entra Password
    /// Protection. Such a verdict takes about ten times as long.
    #[must_use]
    pub fn with_every_interpretation(policy: &Policy) -> Self {
        Self(Arc::new(Rules::new(policy, true)))
    }

    /// The same for the names of one account.
    #[must_use]
    pub fn checker(&self, context: &Context) -> Checker {
        let names = Names::new(&self.0, context);
        Checker { rules: Arc::clone(&self.0), names }
    }
}

/// A policy and the names of one account, made ready for many candidates.
///
/// A check takes no memory from the heap, unless a verdict has more than sixteen violations or every interpretation of a very
/// long candidate is asked for.
#[derive(Clone, Debug)]
pub struct Checker {
    pub(crate) rules: Arc<Rules>,
    pub(crate) names: Names,
}

impl Checker {
    /// Prepares a policy and a context.
    #[must_use]
    pub fn new(policy: &Policy, context: &Context) -> Self {
        PreparedPolicy::new(policy).checker(context)
    }

    /// Holds one candidate against the policy, and reports everything that is wrong with it.
    #[must_use]
    pub fn check(&self, candidate: &str) -> Verdict {
        self.check_with(candidate, &Lookups::default())
    }

    /// The same, and asks whether the candidate was used before and whether it is known from a breach.
    #[must_use]
    pub fn check_with(&self, candidate: &str, lookups: &Lookups<'_>) -> Verdict {
        let (rules, names) = (&*self.rules, &self.names);
        let text = Text::new(candidate);
        let mut verdict = Verdict::NOTHING;
        verdict.ask(&rules.targets);
        if let Some(policy) = &rules.on_premises {
            directory::on_premises(policy, &text, &mut verdict);
        }
        if let Some(policy) = &rules.cloud {
            directory::cloud(policy, &text, &mut verdict);
        }
        if let Some(policy) = &rules.nist {
            nist::check(policy, [&rules.blocklist, &names.expected], &text, &mut verdict);
        }
        if let Some(policy) = &rules.lithnet {
            lithnet::check(policy, &rules.lithnet_words, &text, &mut verdict);
        }
        if let Some(custom) = &rules.custom {
            custom.check(&text, &mut verdict);
        }
        let hits = names.prefilter.hits(&text);
        if hits & PLAIN != 0 {
            find(&names.plain, &rules.case, &text, &mut verdict);
        }
        if hits & WORDS != 0 {
            find(&names.words, rules.custom_fold(), &text, &mut verdict);
        }
        // The global list counts for every password that is set in the cloud.
        verdict.unlisted = rules.cloud.is_some();
        if let Some(matcher) = &rules.matcher {
            self.check_protection(matcher, &text, hits, &mut verdict);
        }
        rules.look_up(candidate, lookups, &mut verdict);
        verdict.unicode = rules.nist.is_some() && !text.ascii;
        verdict
    }

    /// Returns the number of passwords that are refused as a whole.
    pub(crate) fn blocked(&self) -> usize {
        self.rules.blocklist.len() + self.names.expected.len()
    }

    fn check_protection(&self, matcher: &Matcher, text: &Text<'_>, hits: u8, verdict: &mut Verdict) {
        let before = verdict.violations().len();
        let Some(fold) = matcher.fold() else { return };
        if hits & NAME_PATTERNS != 0 {
            match Folded::new(text, fold) {
                Some(folded) => {
                    report(&self.names.name_patterns, text, Haystack::Folded(folded.letters()), verdict);
                }
                // No directory takes a candidate of this length.
                None => report(&self.names.name_patterns, text, Haystack::Long(fold), verdict),
            }
        }
        let named = verdict.violations().len() > before;
        // A score of what is too long would say nothing and only cost time.
        let (points, enough) = matcher.check(text, verdict).unwrap_or((0, true));
        let interpretations = matcher.range(text).map(|range| {
            let holds = |patterns: &Patterns, words: &Option<_>| {
                words.as_ref().is_some_and(|words: &Words| {
                    Folded::new(text, &words.fold)
                        .is_some_and(|folded| contains(patterns, text, folded.letters()))
                })
            };
            range.verdict(
                holds(&self.names.documented_names, &matcher.own),
                holds(&self.names.strictest_names, &matcher.strict),
            )
        });
        verdict.protection = Some(ProtectionVerdict {
            points: u32::try_from(points).unwrap_or(u32::MAX),
            accepted: enough && !named,
            interpretations,
        });
        verdict.unlisted |= !matcher.targets.is_empty();
    }
}

/// The questions about a candidate that only the caller can answer.
///
/// ```
/// use onramp_password::check::{Code, Context, Lookups};
/// use onramp_password::{Checker, Policy};
///
/// let former = |candidate: &str| candidate == "Autumn-is-gone-2";
/// let checker = Checker::new(&Policy::hybrid(), &Context::new());
/// let verdict = checker.check_with("Autumn-is-gone-2", &Lookups::default().with_reused(&former));
/// assert_eq!(verdict.violations()[0].code, Code::Reused);
/// ```
#[derive(Clone, Copy, Default)]
pub struct Lookups<'a> {
    reused: Option<&'a dyn Fn(&str) -> bool>,
    breached: Option<&'a dyn Fn(&str) -> bool>,
}

impl<'a> Lookups<'a> {
    /// The same with the answer to whether a candidate is one of the former passwords.
    #[must_use]
    pub fn with_reused(mut self, reused: &'a dyn Fn(&str) -> bool) -> Self {
        self.reused = Some(reused);
        self
    }

    /// The same with the answer to whether a candidate is known from a breach.
    #[must_use]
    pub fn with_breached(mut self, breached: &'a dyn Fn(&str) -> bool) -> Self {
        self.breached = Some(breached);
        self
    }
}

impl fmt::Debug for Lookups<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups")
            .field("reused", &self.reused.is_some())
            .field("breached", &self.breached.is_some())
            .finish()
    }
}

/// A policy, ready.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    targets: Vec<Target>,
    pub(crate) on_premises: Option<AdPolicy>,
    pub(crate) cloud: Option<EntraPolicy>,
    pub(crate) nist: Option<NistPolicy>,
    blocklist: Blocklist,
    pub(crate) lithnet: Option<LithnetPolicy>,
    lithnet_words: BannedWords,
    pub(crate) custom: Option<Custom>,
    pub(crate) matcher: Option<Matcher>,
    /// Case is ignored.
    pub(crate) case: Fold,
    /// Look-alikes of the caller's words, when the policy has no rules of its own.
    documented: Fold,
}

impl Rules {
    fn new(policy: &Policy, every_interpretation: bool) -> Self {
        let listed = policy.nist.iter().flat_map(|nist| nist.blocklist.iter().map(|one| one.as_str()));
        Self {
            targets: policy.targets().collect(),
            on_premises: policy.on_premises.clone(),
            cloud: policy.cloud.clone(),
            blocklist: Blocklist::new(listed),
            nist: policy.nist.clone().map(|nist| NistPolicy { blocklist: Vec::new(), ..nist }),
            lithnet_words: policy.lithnet.as_ref().map(BannedWords::new).unwrap_or_default(),
            lithnet: policy.lithnet.clone(),
            custom: policy.custom.as_ref().map(Custom::new),
            matcher: policy
                .protection
                .as_ref()
                .map(|protection| Matcher::new(protection, every_interpretation)),
            case: Fold::case(),
            documented: Fold::new(&Substitutions::documented()),
        }
    }

    /// Returns the table by which the caller's words are looked for.
    pub(crate) fn custom_fold(&self) -> &Fold {
        self.custom.as_ref().map_or(&self.documented, |custom| &custom.fold)
    }

    fn look_up(&self, candidate: &str, lookups: &Lookups<'_>, verdict: &mut Verdict) {
        if lookups.reused.is_some_and(|reused| reused(candidate)) {
            let remembered = self.on_premises.as_ref().map(|policy| policy.history_length);
            let target = if remembered.is_some() { Target::OnPremises } else { Target::Custom };
            let mut violation = Violation::new(target, Code::Reused);
            violation.limit = remembered.map(u32::from);
            verdict.push(violation);
        }
        let Some(breached) = lookups.breached else { return };
        let as_typed = breached(candidate);
        let lithnet = self.lithnet.as_ref().is_some_and(|policy| {
            let normalized = |text: &str| breached(text);
            (policy.check_breached && as_typed)
                || (policy.check_normalized_breached
                    && lithnet::any_normalized(candidate, policy.normalization, normalized))
        });
        let refusals = [
            (as_typed && self.nist.is_some(), Target::Nist),
            (lithnet, Target::Lithnet),
            // When nobody asks, the organization does.
            (as_typed && self.nist.is_none() && !lithnet, Target::Custom),
        ];
        for (_, target) in refusals.into_iter().filter(|&(refused, _)| refused) {
            verdict.push(Violation::new(target, Code::Breached));
        }
    }
}

/// The names of one account, ready.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Compared without case.
    pub(crate) plain: Patterns,
    /// The caller's words, under the custom table.
    pub(crate) words: Patterns,
    /// Names of Entra Password Protection, under the table of the policy's interpretation.
    pub(crate) name_patterns: Patterns,
    /// The same under the policy's own table.
    documented_names: Patterns,
    /// The same with those of three characters, under the table of the strictest interpretation.
    strictest_names: Patterns,
    /// The names and words that must not be the whole password.
    expected: Blocklist,
    /// A filter for the patterns that may occur in a candidate.
    prefilter: Prefilter,
}

/// The patterns in the prefilter.
const PLAIN: u8 = 0b0000_0111;
const WORDS: u8 = 0b0001_1000;
const NAME_PATTERNS: u8 = 0b1110_0000;

impl Names {
    fn new(rules: &Rules, context: &Context) -> Self {
        let mut plain = Vec::new();
        if let Some(policy) = &rules.on_premises {
            directory::patterns(policy, context, &rules.case, &mut plain);
        }
        if let Some(policy) = &rules.lithnet {
            lithnet::patterns(policy, context, &rules.case, &mut plain);
        }
        let word = |word: &alloc::string::String| {
            Pattern::new(Target::Custom, NameSource::Word, word, MIN_WORD, rules.custom_fold())
        };
        let matcher = rules.matcher.as_ref();
        let own = matcher.and_then(|matcher| matcher.own.as_ref().map(|words| (matcher, &words.fold)));
        let strict = matcher.and_then(|matcher| matcher.strict.as_ref().map(|words| (matcher, &words.fold)));
        let patterns = |words: Option<(&Matcher, &Fold)>, shortest| {
            words.map(|(matcher, fold)| names(matcher, context, fold, shortest)).unwrap_or_default()
        };
        let (documented_names, strictest_names) = (patterns(own, MIN_NAME), patterns(strict, MIN_NAME_ONCE));
        let conservative =
            matcher.is_some_and(|matcher| matcher.interpretation == Interpretation::Conservative);
        let plain = Patterns::new(plain);
        let words = Patterns::new(context.words.iter().filter_map(word).collect());
        let name_patterns = if conservative { strictest_names.clone() } else { documented_names.clone() };
        let mut prefilter = Prefilter::new();
        prefilter.add(&plain, &rules.case, PLAIN);
        prefilter.add(&words, rules.custom_fold(), WORDS);
        if let Some(fold) = matcher.and_then(Matcher::fold) {
            prefilter.add(&name_patterns, fold, NAME_PATTERNS);
        }
        Self {
            plain,
            words,
            name_patterns,
            prefilter,
            documented_names,
            strictest_names,
            expected: rules.nist.as_ref().map(|_| Blocklist::expected(context)).unwrap_or_default(),
        }
    }
}

/// Names and the tenant name; a hit is a refusal, whatever the score.
fn names(matcher: &Matcher, context: &Context, fold: &Fold, shortest: usize) -> Patterns {
    let mut patterns = Vec::new();
    for &target in &matcher.targets {
        let tenant = context.tenant_name.as_deref().filter(|_| target == Target::Cloud);
        let names = context.person_names().into_iter().map(|name| (NameSource::PersonName, name));
        patterns.extend(
            names
                .chain(tenant.map(|name| (NameSource::TenantName, name)))
                .filter_map(|(source, word)| Pattern::new(target, source, word, shortest, fold)),
        );
    }
    Patterns::new(patterns)
}

/// Looks for patterns under a table.
#[inline]
fn find(patterns: &Patterns, fold: &Fold, text: &Text<'_>, verdict: &mut Verdict) {
    if patterns.is_empty() {
        return;
    }
    match Folded::new(text, fold) {
        Some(folded) => report(patterns, text, Haystack::Folded(folded.letters()), verdict),
        None => report(patterns, text, Haystack::Long(fold), verdict),
    }
}

#[inline]
fn report(patterns: &Patterns, text: &Text<'_>, haystack: Haystack<'_>, verdict: &mut Verdict) {
    patterns.find(text, haystack, |target, source, spans| {
        let code = if source == NameSource::Word { Code::ContainsWord } else { Code::ContainsName };
        verdict.push(Violation::new(target, code).named(source).at(spans));
    });
}

fn contains(patterns: &Patterns, text: &Text<'_>, folded: &[char]) -> bool {
    let mut found = false;
    patterns.find(text, Haystack::Folded(folded), |_, _, _| found = true);
    found
}
