//! What holds for every input.

use onramp_password::check::Context;
use onramp_password::generate::GeneratorOptions;
use onramp_password::protection::Interpretation;
use onramp_password::{AdPolicy, EntraPolicy, Generator, Policy, ProtectionPolicy, check};
use proptest::prelude::*;

fn context() -> impl Strategy<Value = Context> {
    let name = || proptest::option::of("\\PC{0,12}");
    (name(), name(), name(), proptest::collection::vec("\\PC{0,6}", 0..3)).prop_map(
        |(account, display, tenant, words)| {
            let mut context = Context::new();
            context.account_name = account;
            context.display_name = display;
            context.tenant_name = tenant;
            context.words = words;
            context
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let protection =
        (proptest::collection::vec("\\PC{0,9}", 0..6), any::<bool>()).prop_map(|(words, conservative)| {
            let reading =
                if conservative { Interpretation::Conservative } else { Interpretation::Documented };
            ProtectionPolicy::new(words).with_interpretation(reading)
        });
    (0..20_u16, any::<bool>(), 0..20_u16, protection).prop_map(|(ad, complexity, cloud, protection)| {
        Policy::new()
            .with_on_premises(AdPolicy::default().with_min_length(ad).with_complexity(complexity))
            .with_cloud(EntraPolicy::cloud().with_min_length(cloud))
            .with_protection(protection)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn no_candidate_makes_it_panic_and_every_span_is_valid(
        policy in policy(),
        context in context(),
        candidate in proptest::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter),
    ) {
        for violation in check(&policy, &context, &candidate).violations() {
            prop_assert!(!violation.to_string().is_empty());
            for span in violation.spans.iter() {
                prop_assert!(span.start < span.end || candidate.is_empty());
                prop_assert!(candidate.get(span.start..span.end).is_some(), "{span:?} of {} bytes", candidate.len());
            }
        }
    }

    #[test]
    fn names_are_found_wherever_they_stand(
        name in "[a-zäöüß]{3,10}", head in "\\PC{0,6}", tail in "\\PC{0,6}", upper in any::<bool>(),
    ) {
        let policy = Policy::new().with_on_premises(AdPolicy::default());
        let inside = if upper && !name.contains('ß') { name.to_uppercase() } else { name.clone() };
        let context = Context::new().with_account_name(name);
        let verdict = check(&policy, &context, &format!("{head}{inside}{tail}"));
        let spans: Vec<_> = verdict.violations().iter().copied().flat_map(|v| v.spans.iter().collect::<Vec<_>>()).collect();
        prop_assert!(spans.iter().any(|span| span.start == head.len() && span.end == head.len() + inside.len()));
    }

    #[test]
    fn what_passes_conservatively_passes_as_documented(
        words in proptest::collection::vec("[a-e]{4,6}", 0..6),
        candidate in "[a-eA-E0-9@$!]{4,14}",
    ) {
        let policy = |reading| {
            Policy::new().with_protection(ProtectionPolicy::new(words.clone()).with_interpretation(reading))
        };
        let accepted = |reading| check(&policy(reading), &Context::new(), &candidate).is_accepted();
        prop_assert!(!accepted(Interpretation::Conservative) || accepted(Interpretation::Documented));
    }

    #[test]
    fn what_is_generated_passes(policy in policy(), context in context(), length in 8..32_usize) {
        let options = GeneratorOptions::default().with_length(length);
        if let Ok(generator) = Generator::with_options(&policy, &context, &options) {
            let password = generator.generate().expect("the system has random numbers");
            prop_assert!(check(&policy, &context, password.expose()).is_accepted());
        } else {
            // Only a length below the minimum is a reason here: no random name fills all of ASCII.
            prop_assert!(length < 20);
        }
    }
}
