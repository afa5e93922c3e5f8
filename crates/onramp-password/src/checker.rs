//! A policy and a context, made ready for many candidates.

use crate::needle::{Fold, Needle};
use crate::protection::Scorer;
use crate::{
    AdPolicy, Code, Context, EntraPolicy, NameSource, Policy, Substitutions, Target, Verdict, Violation, ad,
    entra,
};

/// The shortest word of the caller that is looked for.
const MIN_WORD: usize = 3;

/// Holds one candidate against a policy, and reports everything that is wrong with it.
///
/// For many candidates, make a [`Checker`] once.
#[must_use]
pub fn check(policy: &Policy, context: &Context, candidate: &str) -> Verdict {
    Checker::new(policy, context).check(candidate)
}

/// A policy and a context, made ready for many candidates.
#[derive(Clone, Debug)]
pub struct Checker {
    pub(crate) on_premises: Option<AdPolicy>,
    pub(crate) cloud: Option<EntraPolicy>,
    pub(crate) needles: Vec<Needle>,
    pub(crate) scorer: Option<Scorer>,
}

impl Checker {
    /// Prepares the words and names of a policy and a context.
    #[must_use]
    pub fn new(policy: &Policy, context: &Context) -> Self {
        let mut needles = Vec::new();
        if let Some(policy) = &policy.on_premises {
            ad::needles(policy, context, &mut needles);
        }
        if let Some(protection) = &policy.protection {
            protection.needles(context, &mut needles);
        }
        needles.extend(context.words.iter().filter_map(|word| {
            let fold = Fold::Normalised(Substitutions::documented());
            Needle::new(Target::Caller, NameSource::Word, word, MIN_WORD, fold)
        }));
        Self {
            on_premises: policy.on_premises.clone(),
            cloud: policy.cloud.clone(),
            needles,
            scorer: policy.protection.as_ref().map(Scorer::new),
        }
    }

    /// Holds one candidate against the policy, and reports everything that is wrong with it.
    #[must_use]
    pub fn check(&self, candidate: &str) -> Verdict {
        let mut violations = Vec::new();
        if let Some(policy) = &self.on_premises {
            ad::violations(policy, candidate, &mut violations);
        }
        if let Some(policy) = &self.cloud {
            entra::violations(policy, candidate, &mut violations);
        }
        for needle in &self.needles {
            let spans = needle.find_all(candidate);
            if !spans.is_empty() {
                let violation = Violation::new(needle.target, Code::ContainsName);
                violations.push(violation.named(needle.source).at(spans));
            }
        }
        if let Some(scorer) = &self.scorer {
            scorer.violations(candidate, &mut violations);
        }
        // A stable sort: within a target, the order of the rules above.
        violations.sort_by_key(|violation| violation.target);
        Verdict { violations }
    }
}
