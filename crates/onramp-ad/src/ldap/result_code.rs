//! LDAP result codes and their meaning for the caller (RFC 4511 4.1.9; [MS-ADTS] 3.1.1.1.9 for the diagnostic
//! text).

use ldap3::LdapResult;
use onramp_core::ErrorKind;

pub(crate) const TIME_LIMIT: u32 = 3;
pub(crate) const SIZE_LIMIT: u32 = 4;
pub(crate) const ADMIN_LIMIT: u32 = 11;
pub(crate) const AUTH_METHOD_NOT_SUPPORTED: u32 = 7;
pub(crate) const STRONGER_AUTH_REQUIRED: u32 = 8;
pub(crate) const NO_SUCH_ATTRIBUTE: u32 = 16;
pub(crate) const CONSTRAINT_VIOLATION: u32 = 19;
pub(crate) const ATTRIBUTE_OR_VALUE_EXISTS: u32 = 20;
pub(crate) const NO_SUCH_OBJECT: u32 = 32;
pub(crate) const INVALID_CREDENTIALS: u32 = 49;
pub(crate) const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
pub(crate) const BUSY: u32 = 51;
pub(crate) const UNAVAILABLE: u32 = 52;
pub(crate) const ENTRY_ALREADY_EXISTS: u32 = 68;
pub(crate) const REFERRAL: u32 = 10;
/// SEC_E_BAD_BINDINGS: the channel binding token is missing or wrong.
pub(crate) const BAD_BINDINGS: u32 = 0x8009_0346;

/// Returns true if a bind was refused for its channel binding.
pub(crate) fn is_channel_binding_error(diagnostic: &str) -> bool {
    diagnostic.contains(&format!("{BAD_BINDINGS:08x}"))
}

/// The meaning of a result code for the caller.
#[derive(Debug)]
pub(crate) struct Meaning {
    pub(crate) kind: ErrorKind,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
}

/// Returns the meaning of a result code, independent of the operation.
pub(crate) fn meaning(result: &LdapResult) -> Meaning {
    let say = |kind, detail: &str, hint: &str| Meaning {
        kind,
        detail: Some(detail.to_owned()),
        hint: Some(hint.to_owned()).filter(|hint| !hint.is_empty()),
    };
    match result.rc {
        // 000004DC: a bind is needed first.
        1 if win32_code(&result.text) == Some(0x4DC) => say(
            ErrorKind::Unauthenticated,
            "the connection is not signed in",
            "Connect again; if it persists, check the bind name and password.",
        ),
        TIME_LIMIT => say(
            ErrorKind::Unavailable,
            "the server reached its time limit (MaxQueryDuration)",
            "Narrow the search by a filter on indexed attributes or a base further down, or try again.",
        ),
        SIZE_LIMIT => say(
            ErrorKind::Invalid,
            "the server's limit on the number of results was exceeded (MaxPageSize)",
            "Narrow the search, or use smaller pages.",
        ),
        ADMIN_LIMIT => say(
            ErrorKind::Invalid,
            "an administrative limit of the server was exceeded",
            "Narrow the search, or raise the limit in the domain controllers' query policy (lDAPAdminLimits).",
        ),
        AUTH_METHOD_NOT_SUPPORTED | 48 => say(
            ErrorKind::Unauthenticated,
            "the server does not accept this way to sign in",
            "Use another one: a name and a password work on every domain controller over TLS.",
        ),
        // 00002028: LDAP signing, which new forests of Windows Server 2025 demand, and which TLS replaces.
        STRONGER_AUTH_REQUIRED | 13 => say(
            ErrorKind::Unauthenticated,
            "the server requires signing or encryption that it does not see on this connection",
            "Something in between may end TLS; connect to the domain controller itself.",
        ),
        REFERRAL => referral(result),
        12 => say(ErrorKind::Unsupported, "the server does not know a control that the request needs", ""),
        ATTRIBUTE_OR_VALUE_EXISTS | ENTRY_ALREADY_EXISTS => bare(ErrorKind::AlreadyExists),
        NO_SUCH_ATTRIBUTE | NO_SUCH_OBJECT => bare(ErrorKind::NotFound),
        INVALID_CREDENTIALS => invalid_credentials(&result.text),
        50 => say(
            ErrorKind::Forbidden,
            "the account may not do this",
            "Sign in with an account that may, or delegate the right to this one.",
        ),
        BUSY => say(ErrorKind::Throttled { retry_after: None }, "the server is busy", "Try again later."),
        UNAVAILABLE => {
            say(ErrorKind::Unavailable, "the server is shutting down or not ready", "Try again later.")
        }
        53 => say(ErrorKind::Invalid, "the server is unwilling to perform it", ""),
        17 | 18 | CONSTRAINT_VIOLATION | 21 | 34 | 64..=67 | 69 => bare(ErrorKind::Invalid),
        _ => say(ErrorKind::Invalid, "the server refused it", ""),
    }
}

/// Parses the Win32 error code: eight hexadecimal digits at the start of the diagnostic text of Active
/// Directory.
pub(crate) fn win32_code(text: &str) -> Option<u32> {
    let digits = text.get(..8)?;
    let ends = text.get(8..).is_none_or(|rest| !rest.starts_with(|c: char| c.is_ascii_hexdigit()));
    if ends { u32::from_str_radix(digits, 16).ok() } else { None }
}

fn bare(kind: ErrorKind) -> Meaning {
    Meaning { kind, detail: None, hint: None }
}

fn referral(result: &LdapResult) -> Meaning {
    let elsewhere = match result.refs.first() {
        Some(reference) => format!("the server refers to {reference}"),
        None => "the server refers to another one".to_owned(),
    };
    Meaning {
        kind: ErrorKind::Unsupported,
        detail: Some(elsewhere),
        hint: Some("Connect to a writable domain controller of the domain that holds the object.".into()),
    }
}

/// Explains a refused bind by the codes of Active Directory: the Win32 error after `data`, and the SSPI error
/// at the start. Only 52e says that the password is wrong; no other code may be reported so.
fn invalid_credentials(text: &str) -> Meaning {
    let hexadecimal = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_hexdigit).collect();
        u32::from_str_radix(&digits, 16).ok()
    };
    let data = text.split("data ").nth(1).and_then(hexadecimal);
    let say = |detail: &str, hint: &str| Meaning {
        kind: ErrorKind::Unauthenticated,
        detail: Some(detail.to_owned()),
        hint: Some(hint.to_owned()),
    };
    if data == Some(BAD_BINDINGS) || win32_code(text) == Some(BAD_BINDINGS) {
        return say(
            "the server requires channel binding, and this connection has none that it accepts; the password was not checked",
            "Connect to the domain controller itself: something in between, such as a load balancer, may end TLS. See \
             LdapEnforceChannelBinding there.",
        );
    }
    match data {
        Some(0x57) => say(
            "the server refuses the parameters of the sign-in (ERROR_INVALID_PARAMETER), which says nothing about the password",
            "Hardened domain controllers answer so where they cannot check the channel binding \
             (LdapEnforceChannelBinding): connect to the domain controller itself and not through a load balancer. Others do \
             for a bind name of another form: give DOMAIN\\user.",
        ),
        Some(0x525) => say("there is no such account", "Check the bind name."),
        Some(0x52e) => {
            say("the bind name or the password is wrong", "Check both; repeated attempts lock the account.")
        }
        Some(0x52f) => say(
            "a restriction of the account forbids this sign-in",
            "Members of Protected Users and accounts with an authentication policy cannot sign in this way; use another \
             account or Kerberos.",
        ),
        Some(0x530) => say("the account may not sign in at this hour", "Change its logon hours, or wait."),
        Some(0x531) => {
            say("the account may not sign in from this computer", "Change its list of workstations.")
        }
        Some(0x532) => say("the password has expired", "Set a new password for the account."),
        Some(0x533) => say("the account is disabled", "Enable the account."),
        Some(0x569) => say(
            "the account does not have the right to sign in this way on the domain controller",
            "Grant it \"Access this computer from the network\" there, or remove it from the policy that denies it.",
        ),
        Some(0x701) => say("the account has expired", "Set a later expiry date for the account."),
        Some(0x773) => say(
            "the password must be changed before the first sign-in",
            "Set a password without \"User must change password at next logon\".",
        ),
        Some(0x775) => {
            say("the account is locked out", "Unlock the account, or wait until the lockout ends.")
        }
        Some(0x51f) => say(
            "this domain controller could not reach another one to check the password",
            "Connect to a writable domain controller.",
        ),
        Some(other) => say(
            &format!(
                "the server refuses the sign-in with the Windows error {other:x}, whose meaning is not known"
            ),
            "Look the error up (it is hexadecimal) before trying again: repeated attempts can lock the account.",
        ),
        None => say(
            "the bind name or the password was not accepted",
            "Check both; repeated attempts lock the account.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(rc: u32, text: &str) -> LdapResult {
        LdapResult { rc, matched: String::new(), text: text.to_owned(), refs: Vec::new(), ctrls: Vec::new() }
    }

    #[test]
    fn a_refused_bind_is_explained_by_its_data_code() {
        let text = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 775, v1db1";
        let locked = meaning(&result(49, text));
        assert_eq!(locked.kind, ErrorKind::Unauthenticated);
        assert_eq!(locked.detail.as_deref(), Some("the account is locked out"));
        assert!(meaning(&result(49, "")).detail.is_some_and(|d| d.contains("not accepted")));
    }

    #[test]
    fn win32_codes_are_exactly_eight_digits() {
        assert_eq!(win32_code("000021C8: AtrErr: DSID-03200BBA"), Some(0x21C8));
        assert_eq!(win32_code("0000202F: samldb: in use"), Some(0x202F));
        assert_eq!(win32_code("Object CN=x has no write access"), None);
        assert_eq!(win32_code("000021C8A"), None);
        assert_eq!(win32_code("00é"), None);
    }

    #[test]
    fn every_code_has_a_kind_that_can_be_acted_on() {
        assert_eq!(meaning(&result(50, "")).kind, ErrorKind::Forbidden);
        assert_eq!(meaning(&result(51, "")).kind, ErrorKind::Throttled { retry_after: None });
        assert_eq!(meaning(&result(32, "")).kind, ErrorKind::NotFound);
        assert_eq!(meaning(&result(1, "000004DC: LdapErr: bind first")).kind, ErrorKind::Unauthenticated);
        assert_eq!(meaning(&result(8, "")).kind, ErrorKind::Unauthenticated);
        assert_eq!(meaning(&result(4711, "")).kind, ErrorKind::Invalid);
    }
}
