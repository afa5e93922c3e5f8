//! The suite of [`PasswordValidator`].

use super::{done, expect_kind};
use crate::forest::PasswordSettings;
use crate::tenant::PasswordProtectionSettings;
use crate::{ErrorKind, Password, PasswordRequest, PasswordTarget, PasswordValidator};

/// Checks every promise of [`PasswordValidator`].
pub async fn run(port: &dyn PasswordValidator) {
    let request = PasswordRequest::new().with_account_name("svc-conformance").with_tenant_name("Contoso");
    accepts_a_strong_password(port, &request).await;
    enforces_the_length_of_the_forest(port, &request).await;
    refuses_the_account_name(port, &request).await;
    enforces_banned_terms(port, &request).await;
    generates_what_it_accepts(port, &request).await;
    refuses_contradictions(port, &request).await;
}

async fn violations(
    port: &dyn PasswordValidator,
    request: &PasswordRequest,
    text: &str,
) -> Vec<PasswordTarget> {
    let check = done(port.check(&Password::new(text.to_owned()), request).await, "checking a password");
    assert_eq!(check.is_accepted(), check.violations.is_empty(), "{check:?}");
    for violation in &check.violations {
        assert!(!violation.code.is_empty() && !violation.message.is_empty(), "{violation:?}");
        assert!(!check.accepted_by(violation.target), "{violation:?}");
        let shown = format!("{violation} {violation:?}");
        assert!(text.len() < 6 || !shown.contains(text), "a violation contains no password: {violation:?}");
    }
    check.violations.into_iter().map(|violation| violation.target).collect()
}

async fn accepts_a_strong_password(port: &dyn PasswordValidator, request: &PasswordRequest) {
    let strong = "Wq7#vZ2!mK9$-xR4%tB8&";
    assert_eq!(violations(port, request, strong).await, [], "a strong password is accepted");
    assert_eq!(violations(port, &PasswordRequest::new(), strong).await, [], "so it is without an account");
}

async fn enforces_the_length_of_the_forest(port: &dyn PasswordValidator, request: &PasswordRequest) {
    let with_length = |length| {
        let mut settings = PasswordSettings::windows_default();
        settings.min_length = length;
        settings
    };
    let text = "Wq7#vZ2!mK9$"; // 12 characters
    for (lengths, accepted) in
        [(vec![], true), (vec![12], true), (vec![13], false), (vec![7, 13], false), (vec![13, 7], false)]
    {
        let request = request.clone().with_on_premises(lengths.iter().copied().map(with_length).collect());
        let refusals = violations(port, &request, text).await;
        let kept = !refusals.contains(&PasswordTarget::OnPremises);
        assert_eq!(kept, accepted, "12 characters, at least {lengths:?}: {refusals:?}");
    }
    assert!(!violations(port, request, "").await.is_empty(), "an empty password is refused");
}

async fn refuses_the_account_name(port: &dyn PasswordValidator, request: &PasswordRequest) {
    let found = violations(port, request, "Zz9!svc-conformance#4Q").await;
    assert!(!found.is_empty(), "a password with the account name in it is refused");
}

async fn enforces_banned_terms(port: &dyn PasswordValidator, request: &PasswordRequest) {
    let mut settings =
        PasswordProtectionSettings { custom_terms: vec!["northwind".into()], ..Default::default() };
    let text = "Northwind1";
    let ignored = violations(port, &request.clone().with_protection(settings.clone()), text).await;
    settings.custom_terms_enforced = true;
    let enforced = violations(port, &request.clone().with_protection(settings), text).await;
    assert!(enforced.contains(&PasswordTarget::Protection), "a banned term is refused: {enforced:?}");
    assert!(!ignored.contains(&PasswordTarget::Protection), "terms that are not enforced: {ignored:?}");
}

async fn generates_what_it_accepts(port: &dyn PasswordValidator, request: &PasswordRequest) {
    let mut long = PasswordSettings::windows_default();
    long.min_length = 40;
    for (request, least) in [
        (request.clone(), 12),
        (request.clone().with_length(32), 32),
        (request.clone().with_length(16).with_on_premises(vec![long]), 40),
    ] {
        let password = done(port.generate(&request).await, "generating a password");
        let length = password.expose().chars().count();
        assert!(
            length >= least,
            "a generated password has {length} characters, at least {least} were expected"
        );
        let found = violations(port, &request, password.expose()).await;
        assert_eq!(found, [], "a generated password is accepted");
        let other = done(port.generate(&request).await, "generating another one");
        assert!(!other.is_same(&password), "two generated passwords differ");
    }
}

async fn refuses_contradictions(port: &dyn PasswordValidator, request: &PasswordRequest) {
    let mut endless = PasswordSettings::windows_default();
    endless.min_length = 300; // Entra accepts 256 characters
    let request = request.clone().with_on_premises(vec![endless]);
    expect_kind(
        port.generate(&request).await.map(drop),
        ErrorKind::Invalid,
        "generating a password that no policy allows",
    );
}
