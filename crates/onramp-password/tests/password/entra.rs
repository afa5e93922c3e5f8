//! The documented password policy of Entra for cloud accounts.

use onramp_password::check::{Code, Context, Span};
use onramp_password::policy::Target;
use onramp_password::{EntraPolicy, Policy, Verdict, check};

use crate::codes;

fn cloud(candidate: &str) -> Verdict {
    check(&Policy::new().with_cloud(EntraPolicy::cloud()), &Context::new(), candidate)
}

#[test]
fn eight_to_256_characters() {
    assert_eq!(codes(&cloud("Passw0r"), Target::Cloud), [Code::TooShort]);
    assert!(cloud("Passw0rd").is_accepted());
    assert!(cloud(&"Passw0rd".repeat(32)).is_accepted());
    assert_eq!(codes(&cloud(&format!("{}x", "Passw0rd".repeat(32))), Target::Cloud), [Code::TooLong]);
}

#[test]
fn every_documented_character_is_taken() {
    for symbol in r##"@#$%^&*-_!+=[]{}|\:',.?/`~"();<>"##.chars() {
        assert!(cloud(&format!("passwor1{symbol}")).is_accepted(), "{symbol} is taken, and is a symbol");
    }
    assert!(cloud("Pass w0rd").is_accepted(), "the blank is taken");
    assert_eq!(
        codes(&cloud("pass w0rd"), Target::Cloud),
        [Code::TooFewClasses],
        "but does not count as a symbol"
    );
}

#[test]
fn three_of_four_classes() {
    assert_eq!(codes(&cloud("passwords1"), Target::Cloud), [Code::TooFewClasses]);
    assert!(cloud("passwords1-").is_accepted());
    let simple = Policy::new().with_cloud(EntraPolicy::without_complexity());
    assert!(check(&simple, &Context::new(), "passwords").is_accepted(), "DisableStrongPassword, Education");
}

#[test]
fn unicode_succeeds_on_premises_and_fails_in_the_cloud() {
    let verdict = check(&Policy::hybrid(), &Context::new(), "Pässwört-1");
    assert!(verdict.accepted_by(Target::OnPremises));
    assert!(!verdict.accepted_by(Target::Cloud));
    let violation = verdict.violations_for(Target::Cloud).next().expect("the umlauts");
    assert_eq!(violation.code, Code::CharacterNotAllowed);
    assert_eq!(violation.spans, [Span { start: 1, end: 3 }, Span { start: 6, end: 8 }]);
}

#[test]
fn everything_is_reported_at_once() {
    let verdict = cloud("pä\t");
    assert_eq!(
        codes(&verdict, Target::Cloud),
        [Code::TooShort, Code::CharacterNotAllowed, Code::TooFewClasses]
    );
}
