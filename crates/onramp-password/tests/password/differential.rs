//! The quick scorer against the slow one.

use onramp_password::check::{Code, Context, PreparedPolicy};
use onramp_password::policy::Target;
use onramp_password::protection::{AllInterpretations, Interpretation, Substitutions};
use onramp_password::{Checker, Policy, ProtectionPolicy};
use proptest::prelude::*;

use crate::reference::Reference;

fn policy(words: &[String], table: &Substitutions) -> Policy {
    let protection = ProtectionPolicy::new(words.iter().cloned()).with_substitutions(table.clone());
    Policy::new().with_protection(protection.with_on_premises(false))
}

/// Few letters, so that words are everywhere; some of them look alike, one is in no word.
fn words() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(prop_oneof!["[abo]{4,6}", "[abolä]{4,5}", "[ab]{7,9}"], 0..8)
}

fn candidate() -> impl Strategy<Value = String> {
    "[abolABO014@!xä]{0,13}"
}

fn table() -> impl Strategy<Value = Substitutions> {
    prop_oneof![
        Just(Substitutions::none()),
        Just(Substitutions::documented()),
        Just(Substitutions::observed_dc_agent()),
        Just(Substitutions::aggressive()),
        Just(Substitutions::new([('x', 'a'), ('ä', 'b')])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn the_documented_reading(words in words(), candidate in candidate(), table in table()) {
        let reference = Reference::new(&words, table.clone());
        let verdict = Checker::new(&policy(&words, &table), &Context::new()).check(&candidate);
        let protection = verdict.protection().expect("it is in the policy");
        prop_assert_eq!(protection.points as usize, reference.fewest(&candidate));
        let near = verdict.violations_for(Target::Cloud).any(|v| v.code == Code::BannedWord);
        prop_assert_eq!(near, reference.is_near(&candidate));
        prop_assert_eq!(protection.accepted, !near && protection.points >= 5);
    }

    #[test]
    fn every_reading(words in words(), candidate in candidate(), table in table()) {
        let own = Reference::new(&words, table.clone());
        let strict = Reference::new(&words, table.clone().merged(&Substitutions::aggressive()));
        let checker = PreparedPolicy::with_every_interpretation(&policy(&words, &table)).checker(&Context::new());
        let verdict = checker.check(&candidate);
        let readings = verdict.protection().and_then(|p| p.interpretations).expect("every reading was asked for");
        let (low, high) = (strict.strictest(&candidate), own.most(&candidate));
        prop_assert_eq!((readings.low as usize, readings.high as usize), (low, high));

        let fewest = own.fewest(&candidate);
        prop_assert!(low <= fewest && fewest <= high);
        prop_assert_eq!(readings.documented, !own.is_near(&candidate) && fewest >= 5);
        let expected = if own.is_near(&candidate) || high < 5 {
            AllInterpretations::Rejected
        } else if strict.is_near(&candidate) || low < 5 {
            AllInterpretations::Depends
        } else {
            AllInterpretations::Accepted
        };
        prop_assert_eq!(readings.every, expected);
    }

    #[test]
    fn the_conservative_reading(words in words(), candidate in candidate()) {
        let table = Substitutions::documented();
        let strict = Reference::new(&words, Substitutions::aggressive());
        let mut policy = policy(&words, &table);
        policy.protection = policy.protection.map(|p| p.with_interpretation(Interpretation::Conservative));
        let verdict = Checker::new(&policy, &Context::new()).check(&candidate);
        let low = strict.strictest(&candidate);
        prop_assert_eq!(verdict.is_accepted(), low >= 5 && !strict.is_near(&candidate));
        let points = verdict.protection().map(|protection| protection.points as usize);
        prop_assert_eq!(points.filter(|&points| points < 5), Some(low).filter(|&low| low < 5));
        // Without a word in it, what is lacking are characters.
        let lacking = [Code::ScoreTooLow, Code::TooShort, Code::TooFewDistinct];
        let told = verdict.violations().iter().filter(|v| lacking.contains(&v.code)).count();
        prop_assert_eq!(told, if low < 5 { 1 } else { 0 });
    }

    /// Word lists of usual words and usual lengths, where most of a candidate is in no word.
    #[test]
    fn on_longer_words(
        words in proptest::collection::vec("[a-h]{4,16}", 1..40),
        picks in proptest::collection::vec((any::<prop::sample::Index>(), "[a-hA-H0-9!]{0,3}"), 0..3),
    ) {
        let candidate: String =
            picks.iter().map(|(word, between)| format!("{}{between}", word.get(&words))).collect();
        prop_assume!(candidate.len() <= 22);
        let table = Substitutions::documented();
        let reference = Reference::new(&words, table.clone());
        let verdict = Checker::new(&policy(&words, &table), &Context::new()).check(&candidate);
        let points = verdict.protection().map(|protection| protection.points as usize);
        prop_assert_eq!(points, Some(reference.fewest(&candidate)));
        let near = verdict.violations_for(Target::Cloud).any(|v| v.code == Code::BannedWord);
        prop_assert_eq!(near, reference.is_near(&candidate));
    }
}
