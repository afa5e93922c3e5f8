//! Password Protection alone, against lists of several sizes.

use onramp_password::check::Context;
use onramp_password::protection::Interpretation;
use onramp_password::{Checker, Policy, ProtectionPolicy};

use crate::contest::{Contest, processor_time};
use crate::entra::Naive;
use crate::{Size, corpus};

pub(crate) fn measure(candidates: &[String], size: Size, terms: &[usize]) {
    for &count in terms {
        let words = corpus::banned_words(2, count);
        let checker = |reading| {
            let policy = ProtectionPolicy::new(words.clone()).with_interpretation(reading);
            Checker::new(&Policy::new().with_protection(policy), &Context::new())
        };
        let mut ready = None;
        let spent = processor_time(|| ready = Some(checker(Interpretation::Documented)));
        let Some(ours) = ready else { continue };
        let (strict, naive) =
            ((count <= 100_000).then(|| checker(Interpretation::Conservative)), Naive::new(&words));
        println!("\n{count} terms, prepared in {spent:.1?}:\n");
        // The naive distance goes over every term of about the same length.
        let few = &candidates[..(size.few * 4_300 / count.max(4_300)).clamp(20, candidates.len())];
        let differing = few
            .iter()
            .filter(|candidate| ours.check(candidate).is_accepted() != naive.accepts(candidate))
            .count();
        let mut contest = Contest::new(size);
        contest.add("documented reading", candidates, |candidate| ours.check(candidate));
        if let Some(strict) = &strict {
            contest.add("conservative reading", candidates, |candidate| strict.check(candidate));
        }
        contest.add("aho-corasick, points only", candidates, |candidate| naive.points(candidate));
        contest.add("aho-corasick, and each term's distance", few, |candidate| naive.accepts(candidate));
        contest.finish();
        println!("\nanother answer than the naive scorer's: {differing} of {}", few.len());
    }
}
