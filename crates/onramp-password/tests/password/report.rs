//! Policies and verdicts as data.

use onramp_password::check::{Code, Context};
use onramp_password::{Policy, ProtectionPolicy, Verdict, check};

#[test]
fn policies_survive_json() {
    let policy = Policy::hybrid().with_protection(ProtectionPolicy::new(["contoso"]));
    let json = serde_json::to_string(&policy).expect("a policy is plain data");
    assert_eq!(serde_json::from_str::<Policy>(&json).expect("and comes back"), policy);
    assert_eq!(serde_json::from_str::<Policy>("{}").expect("nothing is demanded"), Policy::new());
}

#[test]
fn a_verdict_never_holds_the_candidate() {
    let secret = "svc-onramp-Geheim";
    let context = Context::new().with_account_name("svc-onramp");
    let verdict = check(&Policy::hybrid(), &context, secret);
    let json = serde_json::to_string(&verdict).expect("a verdict is plain data");
    let shown: String = verdict.violations().iter().map(ToString::to_string).collect();
    for output in [&json, &shown, &format!("{verdict:?}")] {
        assert!(!output.contains("Geheim") && !output.contains("svc-onramp"), "{output}");
    }
    assert_eq!(serde_json::from_str::<Verdict>(&json).expect("it comes back"), verdict);
    assert!(
        json.contains(r#""code":"contains_name""#) && json.contains(r#""target":"on_premises""#),
        "{json}"
    );
}

#[test]
fn codes_are_serialised_under_their_stable_names() {
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).expect("a string"), code.as_str());
    }
}

#[test]
fn a_violation_says_what_to_do() {
    let verdict = check(&Policy::hybrid(), &Context::new(), "password1");
    assert_eq!(
        verdict.violations().iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "Active Directory: 2 of the 3 character classes needed; add 1 of these: upper-case letters, symbols",
            "Entra: 2 of the 3 character classes needed; add 1 of these: upper-case letters, symbols",
        ]
    );
}
