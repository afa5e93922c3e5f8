//! A candidate against a policy.

pub(crate) mod custom;
pub(crate) mod directory;
pub(crate) mod lithnet;
pub(crate) mod needle;
pub(crate) mod nist;
mod sieve;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use custom::{Custom, MIN_WORD};
use lithnet::BannedWords;
use needle::{Haystack, Needle, Needles};
use nist::Blocklist;
use sieve::Sieve;

use crate::protection::{Guard, MIN_NAME, MIN_NAME_ONCE};
use crate::text::{Fold, Folded, Text};
use crate::{
    AdPolicy, Code, Context, EntraPolicy, LithnetPolicy, NameSource, NistPolicy, Policy, ProtectionVerdict,
    Reading, Readings, Substitutions, Target, Verdict, Violation,
};

/// Holds one candidate against a policy, and reports everything that is wrong with it, under every reading of Entra
/// Password Protection.
///
/// For many candidates, make a [`Checker`] once: most of the time here goes into preparing the policy.
#[must_use]
pub fn check(policy: &Policy, context: &Context, candidate: &str) -> Verdict {
    PreparedPolicy::with_every_reading(policy).checker(context).check(candidate)
}

/// A policy, made ready for many accounts: its banned words are sorted in once.
///
/// It is cheap to clone, and clones share what was prepared.
#[derive(Clone, Debug)]
pub struct PreparedPolicy(Arc<Rules>);

impl PreparedPolicy {
    /// Prepares a policy for verdicts by its own reading of Entra Password Protection.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        Self(Arc::new(Rules::new(policy, false)))
    }

    /// Prepares a policy for verdicts that also say what becomes of a candidate under every reading of Entra Password
    /// Protection. Such a verdict takes about ten times as long.
    #[must_use]
    pub fn with_every_reading(policy: &Policy) -> Self {
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
/// A check takes no memory from the heap, unless a verdict has more than sixteen violations or every reading of a very
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
        let hits = names.sieve.hits(&text);
        if hits & PLAIN != 0 {
            find(&names.plain, &rules.case, &text, &mut verdict);
        }
        if hits & WORDS != 0 {
            find(&names.words, rules.custom_fold(), &text, &mut verdict);
        }
        // The global list counts for every password that is set in the cloud.
        verdict.unlisted = rules.cloud.is_some();
        if let Some(guard) = &rules.guard {
            self.check_protection(guard, &text, hits, &mut verdict);
        }
        rules.look_up(candidate, lookups, &mut verdict);
        verdict.unicode = rules.nist.is_some() && !text.ascii;
        verdict
    }

    /// How many passwords are refused as a whole.
    pub(crate) fn blocked(&self) -> usize {
        self.rules.blocklist.len() + self.names.expected.len()
    }

    fn check_protection(&self, guard: &Guard, text: &Text<'_>, hits: u8, verdict: &mut Verdict) {
        let before = verdict.violations().len();
        let Some(fold) = guard.fold() else { return };
        if hits & GUARDED != 0 {
            match Folded::new(text, fold) {
                Some(folded) => {
                    report(&self.names.guarded, text, Haystack::Folded(folded.letters()), verdict);
                }
                // No directory takes a candidate of this length.
                None => report(&self.names.guarded, text, Haystack::Long(fold), verdict),
            }
        }
        let named = verdict.violations().len() > before;
        // A score of what is too long would say nothing and only cost time.
        let (points, enough) = guard.check(text, verdict).unwrap_or((0, true));
        let readings = guard.range(text).map(|range| {
            let holds = |needles: &Needles, words: &Option<_>| {
                words.as_ref().is_some_and(|words: &crate::protection::Words| {
                    Folded::new(text, &words.fold)
                        .is_some_and(|folded| contains(needles, text, folded.letters()))
                })
            };
            Readings::new(
                &range,
                holds(&self.names.guarded_own, &guard.own),
                holds(&self.names.guarded_once, &guard.strict),
            )
        });
        verdict.protection = Some(ProtectionVerdict {
            points: u32::try_from(points).unwrap_or(u32::MAX),
            accepted: enough && !named,
            readings,
        });
        verdict.unlisted |= !guard.targets.is_empty();
    }
}

/// What only the caller can know of a candidate.
///
/// ```
/// use onramp_password::{Checker, Code, Context, Lookups, Policy};
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
    pub(crate) guard: Option<Guard>,
    /// Case is ignored.
    pub(crate) case: Fold,
    /// Look-alikes of the caller's words, when the policy has no rules of its own.
    documented: Fold,
}

impl Rules {
    fn new(policy: &Policy, every_reading: bool) -> Self {
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
            guard: policy.protection.as_ref().map(|protection| Guard::new(protection, every_reading)),
            case: Fold::case(),
            documented: Fold::new(&Substitutions::documented()),
        }
    }

    /// The table by which the caller's words are looked for.
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
            let normalised = |text: &str| breached(text);
            (policy.check_breached && as_typed)
                || (policy.check_normalised_breached
                    && lithnet::any_normalised(candidate, policy.normalisation, normalised))
        });
        let refusals = [
            (as_typed && self.nist.is_some(), Target::Nist),
            (lithnet, Target::Lithnet),
            // When nobody asks, the organisation does.
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
    pub(crate) plain: Needles,
    /// The caller's words, under the custom table.
    pub(crate) words: Needles,
    /// Names of Entra Password Protection, under the table of the policy's reading.
    pub(crate) guarded: Needles,
    /// The same under the policy's own table.
    guarded_own: Needles,
    /// The same with those of three characters, under the table of the strictest reading.
    guarded_once: Needles,
    /// What must not be the whole password.
    expected: Blocklist,
    /// Which of the needles may stand in a candidate.
    sieve: Sieve,
}

/// The needles in the sieve.
const PLAIN: u8 = 0b0000_0111;
const WORDS: u8 = 0b0001_1000;
const GUARDED: u8 = 0b1110_0000;

impl Names {
    fn new(rules: &Rules, context: &Context) -> Self {
        let mut plain = Vec::new();
        if let Some(policy) = &rules.on_premises {
            directory::needles(policy, context, &rules.case, &mut plain);
        }
        if let Some(policy) = &rules.lithnet {
            lithnet::needles(policy, context, &rules.case, &mut plain);
        }
        let word = |word: &alloc::string::String| {
            Needle::new(Target::Custom, NameSource::Word, word, MIN_WORD, rules.custom_fold())
        };
        let guard = rules.guard.as_ref();
        let own = guard.and_then(|guard| guard.own.as_ref().map(|words| (guard, &words.fold)));
        let strict = guard.and_then(|guard| guard.strict.as_ref().map(|words| (guard, &words.fold)));
        let guarded = |words: Option<(&Guard, &Fold)>, shortest| {
            words.map(|(guard, fold)| names(guard, context, fold, shortest)).unwrap_or_default()
        };
        let (guarded_own, guarded_once) = (guarded(own, MIN_NAME), guarded(strict, MIN_NAME_ONCE));
        let conservative = guard.is_some_and(|guard| guard.reading == Reading::Conservative);
        let plain = Needles::new(plain);
        let words = Needles::new(context.words.iter().filter_map(word).collect());
        let guarded = if conservative { guarded_once.clone() } else { guarded_own.clone() };
        let mut sieve = Sieve::new();
        sieve.add(&plain, &rules.case, PLAIN);
        sieve.add(&words, rules.custom_fold(), WORDS);
        if let Some(fold) = guard.and_then(Guard::fold) {
            sieve.add(&guarded, fold, GUARDED);
        }
        Self {
            plain,
            words,
            guarded,
            sieve,
            guarded_own,
            guarded_once,
            expected: rules.nist.as_ref().map(|_| Blocklist::expected(context)).unwrap_or_default(),
        }
    }
}

/// Names and the tenant name; a hit is a refusal, whatever the score.
fn names(guard: &Guard, context: &Context, fold: &Fold, shortest: usize) -> Needles {
    let mut needles = Vec::new();
    for &target in &guard.targets {
        let tenant = context.tenant_name.as_deref().filter(|_| target == Target::Cloud);
        let names = context.person_names().into_iter().map(|name| (NameSource::PersonName, name));
        needles.extend(
            names
                .chain(tenant.map(|name| (NameSource::TenantName, name)))
                .filter_map(|(source, word)| Needle::new(target, source, word, shortest, fold)),
        );
    }
    Needles::new(needles)
}

/// Looks for needles under a table.
#[inline]
fn find(needles: &Needles, fold: &Fold, text: &Text<'_>, verdict: &mut Verdict) {
    if needles.is_empty() {
        return;
    }
    match Folded::new(text, fold) {
        Some(folded) => report(needles, text, Haystack::Folded(folded.letters()), verdict),
        None => report(needles, text, Haystack::Long(fold), verdict),
    }
}

#[inline]
fn report(needles: &Needles, text: &Text<'_>, haystack: Haystack<'_>, verdict: &mut Verdict) {
    needles.find(text, haystack, |target, source, spans| {
        let code = if source == NameSource::Word { Code::ContainsWord } else { Code::ContainsName };
        verdict.push(Violation::new(target, code).named(source).at(spans));
    });
}

fn contains(needles: &Needles, text: &Text<'_>, folded: &[char]) -> bool {
    let mut found = false;
    needles.find(text, Haystack::Folded(folded), |_, _, _| found = true);
    found
}
