//! What to do next about a refusal, where the cause is known.

use onramp_core::ErrorKind;

use crate::http::error::ErrorBody;
use crate::http::request::Request;

/// Codes that mean: the tenant has no licence for it.
pub(crate) const LICENCE_CODES: [&str; 3] = [
    "AadPremiumLicenseRequired",
    "UnlicensedTenant",
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
];

/// Refusals that neither another token nor waiting for replication changes.
pub(crate) const FINAL_REFUSALS: [&str; 4] = [
    "Directory_QuotaExceeded",
    "RoleAssignmentRequestPolicyValidationFailed",
    "RoleAssignmentRequestAcrsValidationFailed",
    "insufficient_claims",
];

/// A lock on the Azure scope, or on one above it.
pub(crate) const SCOPE_LOCKED: &str = "ScopeLocked";
/// An Azure subscription that takes no writes, for the most part because it was not paid for.
pub(crate) const SUBSCRIPTION_DISABLED: &str = "ReadOnlyDisabledSubscription";

pub(crate) fn hint(request: &Request, kind: ErrorKind, body: &ErrorBody) -> Option<String> {
    if body.tells(SCOPE_LOCKED) {
        return Some(of_lock(&body.message));
    }
    if body.tells(SUBSCRIPTION_DISABLED) {
        return Some(
            "The subscription is disabled and so read-only: enable it again (billing), or leave it out."
                .into(),
        );
    }
    of_code(&body.code).or_else(|| of_message(&body.message)).map(str::to_owned).or_else(|| match kind {
        ErrorKind::Forbidden => Some(match request.permission {
            Some(permission) => format!("Grant {permission}, then consent and sign in again."),
            None => "Grant the permission or role that is missing, then sign in again.".into(),
        }),
        ErrorKind::Unauthenticated => Some(of_sign_in(body).into()),
        ErrorKind::Throttled { .. } => Some("Wait, or run fewer writers at a time.".into()),
        _ => None,
    })
}

/// The locked scopes stand in quotes behind a colon in the service's words.
fn of_lock(message: &str) -> String {
    let locked = message.split_once("locked").map(|(_, rest)| rest);
    let locked = locked.and_then(|rest| rest.split('\'').nth(1)).filter(|scope| scope.starts_with('/'));
    let lock = locked.map_or_else(|| "A lock".to_owned(), |scope| format!("The lock on {scope}"));
    format!("{lock} forbids it: have its owner remove the read-only lock, or leave this scope out.")
}

fn of_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "Directory_QuotaExceeded" => {
            "The directory's object quota is used up; verify a domain or ask Microsoft for more."
        }
        "Request_ThrottledPermanently" => "This request is never let through; ask for less at once.",
        "Request_UnsupportedQuery" => "Ask as an advanced query (ConsistencyLevel: eventual, with a count).",
        "Authorization_IdentityNotFound" => {
            "The tenant does not know who asks: consent to the application in this tenant, or sign in as somebody else."
        }
        "Authorization_IdentityDisabled" => {
            "Who asks is disabled in this tenant: enable the account or application."
        }
        "RoleAssignmentRequestPolicyValidationFailed" => {
            "The role's settings in Privileged Identity Management ask for more: a justification, a ticket, an end, an approval."
        }
        "RoleAssignmentRequestAcrsValidationFailed" | "insufficient_claims" => {
            "A policy wants a stronger sign-in: let a person sign in with a second factor."
        }
        "InvalidAuthenticationTokenTenant" => {
            "The subscription belongs to another tenant: set that tenant, or leave the subscription out."
        }
        "RoleAssignmentUpdateNotPermitted" => {
            "An assignment of that name is there with other properties: remove it first."
        }
        "RequestDisallowedByPolicy" => {
            "An Azure policy forbids it: have the policy's owner exempt this scope, or leave it out."
        }
        "DenyAssignmentAuthorizationFailed" => "A deny assignment forbids it; leave this scope out.",
        code if LICENCE_CODES.contains(&code) => {
            "Buy the licence (Entra ID P1 or P2), or leave this step out."
        }
        _ => return None,
    })
}

/// Where Microsoft gives no code of its own, its words tell.
fn of_message(message: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 3] = [
        ("on-premises mastered", "The object is synchronised: change it in Active Directory instead."),
        ("domain portion of the userPrincipalName", "Verify the domain in the tenant first."),
        (
            "password complexity",
            "Choose a longer password of three kinds of characters that holds no common word.",
        ),
    ];
    WORDS.iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| *hint)
}

fn of_sign_in(body: &ErrorBody) -> &'static str {
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
