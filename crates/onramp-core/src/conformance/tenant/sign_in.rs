//! The suite of [`SignIn`].

use super::subjects::{NOBODY, some_user};
use crate::conformance::{TenantFixture, done, expect_kind};
use crate::tenant::{
    Certainty, MfaState, NewUser, RoleTemplateId, SignIn, SignInProbe, TenantUser, TenantUsers, UserUpdate,
};
use crate::{ErrorKind, Password};

/// Everything that [`SignIn`] promises. The users' port lends an account.
pub async fn run(port: &dyn SignIn, users: &dyn TenantUsers, fixture: &TenantFixture) {
    let user = some_user(users, fixture, "signin").await;
    states(port, fixture, &user).await;
    forecast(port, &user).await;
    if fixture.may_sign_in {
        probes(port, users, fixture, &user).await;
    }
    done(users.delete(&user.id).await, "deleting a user");
}

async fn forecast(port: &dyn SignIn, user: &TenantUser) {
    let expected = done(port.sign_in_policies(&[]).await, "reading what a new account will meet");
    assert_eq!(expected.per_user, Some(MfaState::Disabled), "a new account has no state of its own");
    let met = done(port.second_factor(&user.id).await, "reading all that asks for a second factor");
    assert_eq!(expected.security_defaults, met.security_defaults, "security defaults are for everybody");
    if let (Some(expected), Some(met)) = (&expected.policies, &met.policies) {
        for policy in expected {
            assert!(met.contains(policy), "a policy for new accounts concerns one: {policy:?}");
        }
    }
    let role = [RoleTemplateId::DIRECTORY_READERS];
    let with_role = done(port.sign_in_policies(&role).await, "reading what a new role holder will meet");
    assert_eq!(with_role.security_defaults, expected.security_defaults);
}

async fn states(port: &dyn SignIn, fixture: &TenantFixture, user: &TenantUser) {
    expect_kind(port.mfa_state(&NOBODY).await, ErrorKind::NotFound, "reading the MFA state of nobody");
    let set = port.set_mfa_state(&NOBODY, MfaState::Disabled).await;
    expect_kind(set, ErrorKind::NotFound, "setting the MFA state of nobody");

    expect_kind(port.second_factor(&NOBODY).await, ErrorKind::NotFound, "the second factor of nobody");
    let state = async || port.mfa_state(&user.id).await;
    for wanted in [MfaState::Enforced, MfaState::Enabled, MfaState::Disabled] {
        for time in ["once", "twice"] {
            done(port.set_mfa_state(&user.id, wanted).await, &format!("setting {wanted:?} {time}"));
        }
        fixture.poll.until(&format!("reads show {wanted:?}"), state, |state| *state == wanted).await;
        let all = done(port.second_factor(&user.id).await, "reading all that asks for a second factor");
        assert_eq!(all.per_user, Some(wanted), "the whole answer holds the per-user state");
        assert!(
            wanted == MfaState::Disabled || all.breaks_password_sign_in() == Certainty::Yes,
            "{wanted:?} breaks a sign-in with a password: {all:?}"
        );
    }
}

async fn probes(port: &dyn SignIn, users: &dyn TenantUsers, fixture: &TenantFixture, user: &TenantUser) {
    let (patience, right) = (&fixture.poll, fixture.password());
    let nobody = done(port.probe(&fixture.upn("nobody"), &right).await, "trying a sign-in of nobody");
    assert_eq!(nobody, SignInProbe::UnknownUser, "nobody is an unknown user");

    let probe = async || port.probe(&user.upn, &right).await;
    let known = |outcome: &SignInProbe| outcome.password_is_right() == Some(true);
    patience.until("the right password is right", probe, known).await;
    let wrong = Password::new(format!("{}x", right.expose()));
    let refused = done(port.probe(&user.upn, &wrong).await, "trying a wrong password");
    assert_eq!(refused, SignInProbe::WrongPassword, "a wrong password is wrong");

    done(users.set_password(&user.id, &right, true).await, "demanding another password");
    let change = |outcome: &SignInProbe| *outcome == SignInProbe::PasswordChangeRequired;
    patience.until("a password to be changed says so", probe, change).await;
    done(users.set_password(&user.id, &right, false).await, "setting a password for good");
    patience.until("and no longer after that", probe, |outcome| known(outcome) && !change(outcome)).await;

    let first = NewUser::new(fixture.upn("temporary"), "Contract Temporary", right.clone());
    let first = first.with_forced_change(true);
    done(users.create(&first).await, "creating a user with a temporary password");
    let probe_first = async || port.probe(&first.upn, &right).await;
    patience.until("a temporary password has to be changed", probe_first, change).await;

    let disable = UserUpdate::default().with_account_enabled(false);
    done(users.update(&user.id, &disable).await, "disabling an account");
    patience.until("a disabled account says so", probe, |outcome| *outcome == SignInProbe::Disabled).await;
}
