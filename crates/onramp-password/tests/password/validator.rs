//! The conformance suite of the password validator.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use onramp_core::{Password, PasswordRequest, PasswordTarget, PasswordValidator, conformance};
use onramp_password::{CustomPolicy, Policy, Validator};

/// Runs a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the validator waits for nothing"),
    }
}

#[test]
fn the_conformance_suite() {
    ready(conformance::password_validator::run(&Validator::new()));
}

#[test]
fn an_additional_policy_is_enforced() {
    let custom = CustomPolicy::default().with_min_distinct(30);
    let validator = Validator::new().with_policy(Policy::new().with_custom(custom));
    let request = PasswordRequest::new();
    let password = Password::new("Wq7#vZ2!mK9$-xR4%tB8&".to_owned());
    let check = ready(validator.check(&password, &request)).expect("it always answers");
    assert!(!check.accepted_by(PasswordTarget::Custom));
    let [violation] = check.violations.as_slice() else { panic!("one violation: {check:?}") };
    assert_eq!(violation.code, "too-few-distinct");
    assert_eq!(violation.message, "21 of the 30 different characters needed");
}

#[test]
fn a_banned_word_is_reported_once() {
    let mut request = PasswordRequest::new();
    let mut protection = onramp_core::tenant::PasswordProtectionSettings::default();
    protection.custom_terms = vec!["northwind".to_owned()];
    protection.custom_terms_enforced = true;
    protection.on_premises = onramp_core::tenant::OnPremisesProtection::Enforce;
    request.protection = Some(protection);
    let check = ready(Validator::new().check(&Password::new("Northwind12".to_owned()), &request));
    let check = check.expect("it always answers");
    let banned: Vec<_> =
        check.violations.iter().filter(|one| one.target == PasswordTarget::Protection).collect();
    assert_eq!(banned.len(), 1, "{banned:?}");
}
