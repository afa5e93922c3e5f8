//! The passwords of the service account: generated, stored, and tried.

use std::time::Duration;

use onramp_core::forest::PasswordSettings;
use onramp_core::tenant::SignInProbe;
use onramp_core::{Error, ErrorKind, Password, PasswordRequest, Result, Upn};

use crate::apply::Context;
use crate::event::Event;
use crate::outcome::WaitReason;
use crate::spec::FirstPassword;
use crate::survey::may_be_hidden;

/// The minimum length of a generated password that stays.
const PASSWORD_LENGTH: usize = 32;
/// The length of a generated temporary password: shorter, so that the store tells the two apart after an interrupted run.
const TEMPORARY_LENGTH: usize = 20;
/// The pauses between tries while a new account or password may not be known in the whole tenant. Only a few, because
/// wrong tries lock the account.
const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15)];

/// Removes a stored password that the tenant certainly refused, and returns the error.
pub(super) async fn refused(context: &Context<'_>, upn: &Upn, password: &Password, error: Error) -> Error {
    let for_certain = matches!(
        error.kind(),
        ErrorKind::Invalid
            | ErrorKind::Forbidden
            | ErrorKind::Unauthenticated
            | ErrorKind::NotFound
            | ErrorKind::Throttled { .. }
    );
    if for_certain {
        // An unused password that remains in the store does no harm.
        let _ = context.secrets.discard(upn.as_str(), password).await;
    }
    error
}

/// Tries passwords in turn and returns the correct one, and the last result, if there was one. The next one is tried only
/// after "wrong password", so that a locked account is not locked for longer.
///
/// A new account and its password take a moment to replicate in the tenant; only `patient` waits for the password.
pub(super) async fn first_right(
    context: &Context<'_>,
    upn: &Upn,
    known: &[Password],
    patient: bool,
) -> Result<(Option<Password>, Option<SignInProbe>)> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let mut last = None;
        for password in known {
            let probe = context.onramp.tenant.sign_in.probe(upn, password).await?;
            if probe.password_is_right() == Some(true) {
                return Ok((Some(password.clone()), Some(probe)));
            }
            let is_wrong = probe == SignInProbe::WrongPassword;
            last = Some(probe);
            if !is_wrong {
                break;
            }
        }
        let early = match last {
            Some(SignInProbe::UnknownUser) => true,
            Some(SignInProbe::WrongPassword) => patient && known.len() == 1,
            _ => false,
        };
        let Some(pause) = pauses.next().filter(|_| early) else { return Ok((None, last)) };
        context.slices.set_reason(WaitReason::Password { upn: upn.clone() });
        context.pause("wait for the new password to be known", pause).await?;
    }
}

/// Returns true for a password that has the length of one that stays. Shorter ones are temporary, or were not generated here.
pub(super) fn is_final(password: &Password) -> bool {
    password.expose().chars().count() >= PASSWORD_LENGTH
}

/// Returns a password that is in the store before the tenant gets it: the one that an interrupted run stored, if there
/// is one, because the tenant may have it already, else a new one.
pub(super) async fn next(
    context: &Context<'_>,
    upn: &Upn,
    display_name: &str,
    first: FirstPassword,
) -> Result<Password> {
    let stored = context.secrets.pending(upn.as_str()).await?.into_iter().next();
    if let Some(stored) = stored.filter(|stored| is_final(stored) == first.is_final()) {
        return Ok(stored);
    }
    let password = generate(context, upn, display_name, first).await?;
    let place = context.secrets.store(upn.as_str(), &password).await?;
    context.notify(Event::SecretStored { upn: upn.clone(), place });
    Ok(password)
}

/// Generates a password that satisfies the policies of Entra, and those of the forest if it stays.
async fn generate(
    context: &Context<'_>,
    upn: &Upn,
    display_name: &str,
    first: FirstPassword,
) -> Result<Password> {
    let protection = may_be_hidden(context.onramp.tenant.password_protection.read().await)?;
    let mut request = PasswordRequest::new()
        .with_account_name(upn.prefix())
        .with_display_name(display_name)
        .with_tenant_name(&context.plan.plan().header().tenant_name)
        .with_protection(protection.unwrap_or_default());
    request = match first {
        FirstPassword::Final => {
            request.with_on_premises(visible_settings(context).await?).with_length(PASSWORD_LENGTH)
        }
        // A policy of the forest may demand more than its length.
        FirstPassword::Temporary => request.with_length(TEMPORARY_LENGTH),
    };
    context.onramp.passwords.generate(&request).await.map_err(|error| {
        let detail = error.detail().map_or_else(|| error.to_string(), ToString::to_string);
        Error::new(error.kind(), "generate a password for").with_object(upn).with_detail(detail)
    })
}

/// Returns all visible password settings of the forest: no single one is known to apply to the account. The defaults of
/// Windows always count.
async fn visible_settings(context: &Context<'_>) -> Result<Vec<PasswordSettings>> {
    let policies = &context.onramp.forest.password_policies;
    let mut settings = vec![PasswordSettings::windows_default()];
    settings.extend(policies.domain_policies().await?.into_iter().map(|policy| policy.rules));
    let fine_grained = may_be_hidden(policies.fine_grained_policies().await)?;
    settings.extend(fine_grained.into_iter().flatten().map(|policy| policy.rules));
    Ok(settings)
}
