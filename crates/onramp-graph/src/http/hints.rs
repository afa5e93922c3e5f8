//! Hints about the next step after a refusal, where the cause is known.

use onramp_core::ErrorKind;

use crate::http::error_body::ErrorBody;

/// Codes for a missing license of the tenant.
pub(crate) const LICENSE_CODES: [&str; 3] = [
    "AadPremiumLicenseRequired",
    "UnlicensedTenant",
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
];

/// Codes of refusals that neither another token nor replication changes.
pub(crate) const FINAL_REFUSALS: [&str; 4] = [
    "Directory_QuotaExceeded",
    "RoleAssignmentRequestPolicyValidationFailed",
    "RoleAssignmentRequestAcrsValidationFailed",
    "insufficient_claims",
];

/// The code for a lock on the Azure scope, or on a scope above it.
pub(crate) const SCOPE_LOCKED: &str = "ScopeLocked";
/// The code for a disabled Azure subscription, which is read-only. The usual cause is an unpaid bill.
pub(crate) const SUBSCRIPTION_DISABLED: &str = "ReadOnlyDisabledSubscription";

/// Returns the hint for a refusal. `permission` is the one that the request needs.
pub(crate) fn hint(permission: Option<&str>, kind: ErrorKind, body: &ErrorBody) -> Option<String> {
    if body.has_code(SCOPE_LOCKED) {
        return Some(lock_hint(&body.message));
    }
    if body.has_code(SUBSCRIPTION_DISABLED) {
        return Some(
            "The subscription is disabled and so read-only: enable it again (billing), or leave it out."
                .into(),
        );
    }
    code_hint(&body.code).or_else(|| message_hint(&body.message)).map(str::to_owned).or_else(|| match kind {
        ErrorKind::Forbidden => Some(match permission {
            Some(permission) => format!("Grant {permission}, then consent and sign in again."),
            None => "Grant the permission or role that is missing, then sign in again.".into(),
        }),
        ErrorKind::Unauthenticated => Some(sign_in_hint(body).into()),
        ErrorKind::Throttled { .. } => Some("Wait, or run fewer writers at a time.".into()),
        _ => None,
    })
}

/// Reads the locked scopes from the message, where they are quoted after a colon.
fn lock_hint(message: &str) -> String {
    let locked = message.split_once("locked").map(|(_, rest)| rest);
    let locked = locked.and_then(|rest| rest.split('\'').nth(1)).filter(|scope| scope.starts_with('/'));
    let lock = locked.map_or_else(|| "A lock".to_owned(), |scope| format!("The lock on {scope}"));
    format!("{lock} forbids it: have its owner remove the read-only lock, or leave this scope out.")
}

fn code_hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "Directory_QuotaExceeded" => {
            "The directory's object quota is used up; verify a domain or ask Microsoft for more."
        }
        "Request_ThrottledPermanently" => "The service never accepts this request; request less at a time.",
        "Request_UnsupportedQuery" => {
            "Send it as an advanced query (ConsistencyLevel: eventual, with a count)."
        }
        "Authorization_IdentityNotFound" => {
            "The tenant does not know this identity: consent to the application in this tenant, or sign in as another user."
        }
        "Authorization_IdentityDisabled" => {
            "This identity is disabled in the tenant: enable the account or application."
        }
        "RoleAssignmentRequestPolicyValidationFailed" => {
            "The role's settings in Privileged Identity Management require more: a justification, a ticket, an end, an approval."
        }
        "RoleAssignmentRequestAcrsValidationFailed" | "insufficient_claims" => {
            "A policy requires a stronger sign-in: let a user sign in with a second factor."
        }
        "InvalidAuthenticationTokenTenant" => {
            "The subscription belongs to another tenant: set that tenant, or leave the subscription out."
        }
        "RoleAssignmentUpdateNotPermitted" => {
            "An assignment of that name exists with other properties: remove it first."
        }
        "RequestDisallowedByPolicy" => {
            "An Azure policy forbids it: have the policy's owner exempt this scope, or leave it out."
        }
        "DenyAssignmentAuthorizationFailed" => "A deny assignment forbids it; leave this scope out.",
        code if LICENSE_CODES.contains(&code) => {
            "Buy the license (Entra ID P1 or P2), or leave this step out."
        }
        _ => return None,
    })
}

/// Falls back to the message text, where Microsoft gives no code of its own.
fn message_hint(message: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 3] = [
        ("on-premises mastered", "The object is synchronized: change it in Active Directory instead."),
        ("domain portion of the userPrincipalName", "Verify the domain in the tenant first."),
        (
            "password complexity",
            "Choose a longer password with three kinds of characters and no common word.",
        ),
    ];
    WORDS.iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| *hint)
}

fn sign_in_hint(body: &ErrorBody) -> &'static str {
    match body.aadsts() {
        Some(7_000_215 | 7_000_222) => "Give the application a new secret and use that.",
        Some(700_016 | 700_011) => {
            "Check application ID, tenant and cloud: the tenant does not know the application."
        }
        Some(90_002 | 90_038 | 50_059 | 50_128) => "Check tenant and cloud.",
        Some(65_001) => "Have an administrator consent to the application's permissions.",
        Some(7_000_218) => "Allow public client flows for the application, or give its secret.",
        _ => "Sign in again, with a credential for this tenant and cloud.",
    }
}
