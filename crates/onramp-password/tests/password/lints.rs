//! What is said of a policy before anybody types a password.

use onramp_password::lint::{LintKind, Severity};
use onramp_password::lithnet::{LithnetBands, LithnetPolicy};
use onramp_password::policy::Target;
use onramp_password::{AdPolicy, CustomPolicy, EntraPolicy, NistPolicy, Policy, ProtectionPolicy, lint};

fn concerns(policy: &Policy) -> Vec<LintKind> {
    lint(policy).findings.into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn nist_against_the_directories() {
    let found = lint(&Policy::hybrid().with_nist(NistPolicy::single_factor()));
    let both = vec![Target::OnPremises, Target::Cloud];
    let concerns: Vec<_> = found.findings.iter().map(|finding| finding.kind.clone()).collect();
    for expected in [
        LintKind::CompositionAgainstNist { targets: both.clone() },
        LintKind::SubstringsAgainstNist { targets: both },
        LintKind::ExpiryAgainstNist,
        LintKind::NoBlocklist,
        LintKind::UnicodeAgainstEntra,
        LintKind::MinimumAge { seconds: 86_400 },
    ] {
        assert!(concerns.contains(&expected), "{expected:?} in {concerns:?}");
    }
    let feasible = found.satisfiable.expect("they can be met together");
    assert_eq!((feasible.min_length, feasible.max_length, feasible.classes), (15, Some(256), 3));
    assert_eq!(feasible.to_string(), "15 to 256 characters of printable ASCII, with 3 character classes");
    let severities: Vec<_> = found.findings.iter().map(|finding| finding.severity).collect();
    assert!(severities.is_sorted(), "the worst first: {severities:?}");
}

#[test]
fn a_policy_without_contradiction_says_nothing() {
    let calm = AdPolicy::default().with_ages(0, None);
    assert_eq!(concerns(&Policy::new().with_on_premises(calm)), []);
    assert_eq!(concerns(&Policy::new()), []);
}

#[test]
fn lengths_that_contradict_each_other() {
    let policy = Policy::hybrid().with_custom(CustomPolicy::default().with_lengths(None, Some(7)));
    let found = lint(&policy);
    assert_eq!(found.satisfiable, None);
    let reason = "Entra demands at least 8 characters, the organization takes at most 7".to_owned();
    let first = found.findings.first().expect("an error");
    assert_eq!((first.severity, &first.kind), (Severity::Error, &LintKind::Contradiction { reason }));
}

#[test]
fn characters_that_nobody_takes() {
    let policy = Policy::new()
        .with_cloud(EntraPolicy::cloud())
        .with_custom(CustomPolicy::default().with_allowed("äöü"));
    let found = lint(&policy);
    assert!(found.satisfiable.is_none());
    assert!(matches!(found.findings.first().map(|f| &f.kind), Some(LintKind::Contradiction { .. })));
}

#[test]
fn the_least_length_is_one_that_can_be_met() {
    // Five points take five different characters, whatever the lengths say; a few more until that can be shown.
    let mut short = EntraPolicy::cloud().with_required_classes(0);
    short.min_length = 1;
    let policy = Policy::new().with_cloud(short).with_protection(ProtectionPolicy::default());
    let least = lint(&policy).satisfiable.expect("long ones satisfy it").min_length;
    assert!((5..=8).contains(&least), "{least}");
}

#[test]
fn what_a_tenant_refuses() {
    let terms = ["abc", "contoso", "C0ntoso", "averyveryverylongterm"];
    let policy = Policy::new().with_protection(ProtectionPolicy::new(terms));
    assert_eq!(concerns(&policy), [LintKind::TermLengths { terms: 2 }, LintKind::SameTerms { terms: 1 }]);
    let many = (0..1001).map(|number| format!("term{number}"));
    let found = concerns(&Policy::new().with_protection(ProtectionPolicy::new(many)));
    assert!(found.contains(&LintKind::TooManyTerms { terms: 1001 }), "{found:?}");
}

#[test]
fn what_surprises_people() {
    let calm = AdPolicy::default().with_ages(0, None).with_min_length(15);
    assert_eq!(
        concerns(&Policy::new().with_on_premises(calm)),
        [LintKind::BeyondGroupPolicy { min_length: 15 }]
    );
    let bands = LithnetBands { first_threshold: 12, ..LithnetBands::default() };
    let lithnet = LithnetPolicy::default().with_bands(bands).with_banned_words(["123", "admin"]);
    let found = concerns(&Policy::new().with_lithnet(lithnet));
    assert_eq!(found, [LintKind::WordsVanish { terms: 1 }, LintKind::OneThreshold]);
}

#[test]
fn a_finding_is_a_sentence_and_data() {
    let found = lint(&Policy::hybrid().with_nist(NistPolicy::with_mfa()));
    let first = found.findings.first().expect("something");
    assert_eq!(
        first.to_string(),
        "warning: NIST SP 800-63B-4 forbids composition rules, Active Directory and Entra demand them"
    );
    let json = serde_json::to_value(first).expect("plain data");
    assert_eq!(json["concern"], "composition_against_nist");
    assert_eq!(json["severity"], "warning");
    assert_eq!(json["targets"], serde_json::json!(["on_premises", "cloud"]));
}
