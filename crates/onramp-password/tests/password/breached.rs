//! What the lookups find, and what a person is told beside violations.

use std::cell::RefCell;

use onramp_password::check::{Advice, Code, Context, Lookups};
use onramp_password::language::Key;
use onramp_password::lithnet::{LithnetNormalization, LithnetPolicy};
use onramp_password::policy::Target;
use onramp_password::{Checker, Messages, NistPolicy, Policy, Verdict};

fn targets(policy: &Policy, known: &str, candidate: &str) -> Vec<Target> {
    let asked = RefCell::new(Vec::new());
    let breached = |text: &str| {
        asked.borrow_mut().push(text.to_owned());
        text == known
    };
    let checker = Checker::new(policy, &Context::new());
    let verdict = checker.check_with(candidate, &Lookups::default().with_breached(&breached));
    assert_eq!(asked.borrow()[0], candidate, "as typed first");
    let found = verdict.violations().iter().filter(|violation| violation.code == Code::Breached);
    found.map(|violation| violation.target).collect()
}

#[test]
fn lithnet_looks_for_what_normalisation_leaves() {
    let lithnet = |typed, normalised| {
        Policy::new().with_lithnet(LithnetPolicy::default().with_breached(typed, normalised))
    };
    // Cut off at both ends, look-alikes replaced, lower case.
    assert_eq!(targets(&lithnet(true, true), "password", "!P4$$w0rd2024!"), [Target::Lithnet]);
    assert_eq!(targets(&lithnet(true, false), "password", "!P4$$w0rd2024!"), []);
    assert_eq!(targets(&lithnet(false, true), "!P4$$w0rd2024!", "!P4$$w0rd2024!"), [Target::Custom]);
    assert_eq!(targets(&lithnet(true, false), "!P4$$w0rd2024!", "!P4$$w0rd2024!"), [Target::Lithnet]);
    // Digits alone are not normalised.
    assert_eq!(targets(&lithnet(true, true), "", "20242024"), []);
    let nist = lithnet(true, true).with_nist(NistPolicy::with_mfa());
    assert_eq!(targets(&nist, "password", "password"), [Target::Nist, Target::Lithnet]);
}

#[test]
fn put_right_it_also_looks_for_what_would_have_been_cut_off() {
    let policy = |how| {
        Policy::new().with_lithnet(LithnetPolicy::default().with_breached(true, true).with_normalization(how))
    };
    assert_eq!(targets(&policy(LithnetNormalization::Compatible), "admin", "4dmin-1"), []);
    assert_eq!(targets(&policy(LithnetNormalization::Fixed), "admin", "4dmin-1"), [Target::Lithnet]);
}

#[test]
fn who_chooses_unicode_under_nist_is_told() {
    let check = |policy: Policy, candidate: &str| Checker::new(&policy, &Context::new()).check(candidate);
    let nist = || Policy::new().with_nist(NistPolicy::with_mfa());
    let verdict = check(nist(), "Zwölf Boxkämpfer");
    assert!(verdict.is_accepted());
    assert_eq!(verdict.advice().collect::<Vec<_>>(), [Advice::Unicode]);
    assert_eq!(check(nist(), "twelve boxers").advice().count(), 0);
    assert_eq!(check(Policy::hybrid(), "Zwölf Boxkämpfer").advice().count(), 0);

    let written = serde_json::to_string(&verdict).unwrap();
    assert!(written.contains(r#""advice":["unicode"]"#), "{written}");
    assert_eq!(serde_json::from_str::<Verdict>(&written).unwrap(), verdict);
    let sentences: Vec<String> =
        [Messages::english(), Messages::german(), Messages::french(), Messages::spanish()]
            .iter()
            .map(|catalogue| catalogue.text(Key::Advice(Advice::Unicode)).to_owned())
            .collect();
    assert!(sentences.iter().all(|sentence| sentence.len() > 20));
    assert!(sentences.windows(2).all(|pair| pair[0] != pair[1]));
}
