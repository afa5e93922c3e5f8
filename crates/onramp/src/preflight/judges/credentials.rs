//! The expiry of the secrets and certificates that the application signs in with.

use onramp_core::OffsetDateTime;
use onramp_core::tenant::{CallerCredential, CallerCredentialKind};
use time::Duration;

use crate::preflight::item::Verdict;

const SOON: Duration = Duration::days(7);
const NEAR: Duration = Duration::days(30);

/// Judges the credentials of the application. The tenant does not tell which one is used, so that the one that is valid for the
/// longest time counts.
pub(in crate::preflight) fn judge(credentials: &[CallerCredential], now: OffsetDateTime) -> Verdict {
    if credentials.is_empty() {
        return Verdict::pass("a signed-in user, or an application without credentials in this tenant");
    }
    let valid: Vec<&CallerCredential> =
        credentials.iter().filter(|one| one.not_after.is_none_or(|end| end > now)).collect();
    let ends_within = |one: &&&CallerCredential, time| one.not_after.is_some_and(|end| end - now <= time);
    let told = valid.iter().map(|one| tell(one)).collect::<Vec<_>>().join("; ");
    if valid.is_empty() {
        let told = credentials.iter().map(tell).collect::<Vec<_>>().join("; ");
        return Verdict::fail(format!("every credential of the application has expired: {told}"));
    }
    if valid.iter().all(|one| ends_within(&one, SOON)) {
        return Verdict::fail(format!("every valid credential ends within 7 days: {told}"));
    }
    if valid.iter().any(|one| ends_within(&one, NEAR)) {
        return Verdict::warn(format!("a credential ends within 30 days: {told}"));
    }
    Verdict::pass(told)
}

fn tell(one: &CallerCredential) -> String {
    let kind = match one.kind {
        CallerCredentialKind::Certificate => "certificate",
        _ => "secret",
    };
    match one.not_after {
        Some(end) => format!("{kind} \"{}\" until {end}", one.name),
        None => format!("{kind} \"{}\" without an end", one.name),
    }
}
