//! Any candidate, any words and names: a verdict is the same each time, its places are pieces of the candidate, and what all
//! readings say contains what one of them says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_password::check::{Context, PreparedPolicy};
use onramp_password::lithnet::LithnetPolicy;
use onramp_password::policy::Target;
use onramp_password::protection::{AllInterpretations, Interpretation};
use onramp_password::{Checker, CustomPolicy, NistPolicy, Policy, ProtectionPolicy, Verdict};

fuzz_target!(|input: (&str, Vec<&str>, [&str; 3], bool)| {
    let (candidate, words, [account, name, tenant], conservative) = input;
    let words = || words.iter().copied();
    let reading = if conservative { Interpretation::Conservative } else { Interpretation::Documented };
    let policy = Policy::hybrid()
        .with_protection(ProtectionPolicy::new(words()).with_interpretation(reading))
        .with_nist(NistPolicy::single_factor())
        .with_lithnet(LithnetPolicy::default().with_banned_words(words()))
        .with_custom(CustomPolicy::default().with_words(words()));
    let context =
        Context::new().with_account_name(account).with_display_name(name).with_tenant_name(tenant).with_word(account);

    let verdict = Checker::new(&policy, &context).check(candidate);
    for violation in verdict.violations() {
        for span in violation.spans.iter() {
            assert!(candidate.get(span.start..span.end).is_some_and(|piece| !piece.is_empty()), "{span:?}");
        }
    }
    let json = serde_json::to_string(&verdict).expect("plain data");
    assert_eq!(serde_json::from_str::<Verdict>(&json).expect("what was written"), verdict);

    let every = PreparedPolicy::with_every_interpretation(&policy).checker(&context).check(candidate);
    assert_eq!(every.violations(), verdict.violations());
    if let Some(readings) = every.protection().and_then(|protection| protection.interpretations) {
        assert!(readings.low <= readings.high);
        match readings.every {
            AllInterpretations::Accepted => assert!(readings.documented),
            AllInterpretations::Rejected => assert!(!readings.documented),
            _ => {}
        }
    }
    assert!(verdict.targets().any(|(target, _)| target == Target::Cloud));
});
