//! The refusal of an operation, as sent to the client.

use ldap3_proto::LdapResultCode;

/// A result other than success.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: LdapResultCode,
    /// Begins with the Win32 error in eight hexadecimal digits, where there is one.
    pub(crate) message: String,
    /// The referral URLs.
    pub(crate) referral: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(code: LdapResultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), referral: Vec::new() }
    }

    pub(crate) fn not_bound() -> Self {
        Self::new(LdapResultCode::OperationsError, "00002020: Operation unavailable without authentication")
    }

    pub(crate) fn no_such_object(target: &str) -> Self {
        let message = match target.starts_with('<') {
            true => format!("Base-DN '{target}' not found"),
            false => format!("00002030: No such Base DN: {target}"),
        };
        Self::new(LdapResultCode::NoSuchObject, message)
    }

    pub(crate) fn invalid_dn(target: &str) -> Self {
        Self::new(LdapResultCode::InvalidDNSyntax, format!("00002032: Invalid DN syntax: {target}"))
    }

    pub(crate) fn critical_control(oid: &str) -> Self {
        let message = format!("0000202C: Unsupported critical extension {oid}");
        Self::new(LdapResultCode::UnavailableCriticalExtension, message)
    }

    /// Creates the referral for an object in a domain that this controller does not hold.
    pub(crate) fn elsewhere(domain: &str, dn: &str) -> Self {
        let message =
            format!("0000202B: RefErr: DSID-0310082F, data 0, 1 access points\n\tref 1: '{domain}'\n");
        let mut refusal = Self::new(LdapResultCode::Referral, message);
        refusal.referral.push(format!("ldap://{domain}/{dn}"));
        refusal
    }

    pub(crate) fn unwilling(message: &str) -> Self {
        Self::new(LdapResultCode::UnwillingToPerform, format!("00002035: {message}"))
    }
}
