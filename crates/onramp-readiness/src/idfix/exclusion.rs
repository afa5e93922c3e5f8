use std::fmt;

use onramp_core::AttributeName;

use super::entry::Entry;
use super::mode::IdfixMode;
use super::text::{fold, is_white_space, starts_with};
use crate::DirectoryObject;
use crate::attributes::{
    CN, DISPLAY_NAME, GROUP_TYPE, HIDE_FROM_ADDRESS_LISTS, IS_CRITICAL_SYSTEM_OBJECT, MAIL, MAIL_NICKNAME,
    PROXY_ADDRESSES, SAM_ACCOUNT_NAME,
};

/// The reasons for which IdFix skips an object: it is not checked, and its values take no part in the search for duplicates.
///
/// ```
/// use onramp_readiness::idfix::IdfixExclusion;
/// let reason = IdfixExclusion::WellKnownName("Guest");
/// assert_eq!(reason.id(), "well-known-name");
/// assert_eq!(reason.to_string(), "the common name starts with \"Guest\"");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdfixExclusion {
    /// The search filter of IdFix does not return the object ([`with_default_filter`](super::IdfixScan::with_default_filter)).
    OutsideFilter,
    /// The common name ends with `$`.
    AccountOfComputer,
    /// The common name starts with one of fifteen prefixes. A person whose name starts so is skipped, too.
    WellKnownName(&'static str),
    /// The object came out of a conflict of replication: `\0ACNF:` in its distinguished name.
    ReplicationConflict,
    /// `isCriticalSystemObject` is TRUE. Only multi-tenant mode fetches it.
    CriticalSystemObject,
    /// A user's `sAMAccountName` starts with a prefix of system accounts.
    SystemAccountName(&'static str),
    /// A user's `mailNickname` starts with a prefix of system mailboxes.
    SystemMailNickname(&'static str),
    /// A user whose display name starts with `MSOL` is hidden from address lists.
    HiddenServiceAccount,
    /// A security group has no `mail`.
    SecurityGroupWithoutMail,
    /// A distribution group has no `proxyAddresses`.
    DistributionGroupWithoutAddresses,
}

impl IdfixExclusion {
    /// The stable ID of the reason: lower-case words joined by hyphens.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::OutsideFilter => "outside-filter",
            Self::AccountOfComputer => "account-of-computer",
            Self::WellKnownName(_) => "well-known-name",
            Self::ReplicationConflict => "replication-conflict",
            Self::CriticalSystemObject => "critical-system-object",
            Self::SystemAccountName(_) => "system-account-name",
            Self::SystemMailNickname(_) => "system-mail-nickname",
            Self::HiddenServiceAccount => "hidden-service-account",
            Self::SecurityGroupWithoutMail => "security-group-without-mail",
            Self::DistributionGroupWithoutAddresses => "distribution-group-without-addresses",
        }
    }
}

impl fmt::Display for IdfixExclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideFilter => {
                f.write_str("the default search filter of IdFix does not return the object")
            }
            Self::AccountOfComputer => f.write_str("the common name ends with \"$\""),
            Self::WellKnownName(prefix) => write!(f, "the common name starts with \"{prefix}\""),
            Self::ReplicationConflict => f.write_str("the object came out of a conflict of replication"),
            Self::CriticalSystemObject => f.write_str("isCriticalSystemObject is TRUE"),
            Self::SystemAccountName(prefix) => {
                write!(f, "the sAMAccountName of the user starts with \"{prefix}\"")
            }
            Self::SystemMailNickname(prefix) => {
                write!(f, "the mailNickname of the user starts with \"{prefix}\"")
            }
            Self::HiddenServiceAccount => f.write_str(
                "the displayName of the user starts with \"MSOL\", and address lists do not show it",
            ),
            Self::SecurityGroupWithoutMail => f.write_str("the security group has no mail"),
            Self::DistributionGroupWithoutAddresses => {
                f.write_str("the distribution group has no proxyAddresses")
            }
        }
    }
}

const OBJECT_CATEGORY: AttributeName = AttributeName::from_static("objectCategory");

/// `Constants.WellKnownExclusions`.
const WELL_KNOWN: &[&str] = &[
    "Admini",
    "CAS_{",
    "DiscoverySearchMailbox",
    "FederatedEmail",
    "Guest",
    "HTTPConnector",
    "krbtgt",
    "iusr_",
    "iwam",
    "msol",
    "support_",
    "SystemMailbox",
    "WWIOadmini",
    "HealthMailbox",
    "Exchange Online-ApplicationAccount",
];

/// Returns the reason to skip an object (`MultiTenantRuleCollection.Skip`, `DedicatedRuleCollection.Skip`).
///
/// The first value that cannot be read (no `cn`, a truth value that is none, a group without a number as `groupType`) ends
/// the tests: the object is not skipped, whatever a later test would say. The test of `msExchRecipientTypeDetails` is left
/// out: IdFix compares the decimal text with hexadecimal texts, so that no object meets it.
pub(super) fn exclusion(entry: Entry<'_>) -> Option<IdfixExclusion> {
    tests(entry).unwrap_or(None)
}

/// A value without which the tests end.
struct Unreadable;

fn tests(entry: Entry<'_>) -> Result<Option<IdfixExclusion>, Unreadable> {
    let name = fold(entry.text(&CN).ok_or(Unreadable)?);
    if name.ends_with('$') {
        return Ok(Some(IdfixExclusion::AccountOfComputer));
    }
    if let Some(prefix) = WELL_KNOWN.iter().find(|prefix| starts_with(&name, prefix)) {
        return Ok(Some(IdfixExclusion::WellKnownName(prefix)));
    }
    if is_conflict(entry.object().dn()) {
        return Ok(Some(IdfixExclusion::ReplicationConflict));
    }
    if is_true(entry.text(&IS_CRITICAL_SYSTEM_OBJECT))? {
        return Ok(Some(IdfixExclusion::CriticalSystemObject));
    }
    match entry.mode() {
        IdfixMode::MultiTenant if entry.is("user") => tests_of_user(entry),
        IdfixMode::MultiTenant if entry.is("group") => tests_of_group(entry),
        IdfixMode::MultiTenant | IdfixMode::Dedicated => Ok(None),
    }
}

fn tests_of_user(entry: Entry<'_>) -> Result<Option<IdfixExclusion>, Unreadable> {
    let prefix_of = |value: Option<&str>, prefixes: &[&'static str]| {
        let value = fold(value?);
        prefixes.iter().copied().find(|prefix| starts_with(&value, prefix))
    };
    if let Some(prefix) = prefix_of(entry.text(&SAM_ACCOUNT_NAME), &["CAS_", "SUPPORT_", "MSOL_"]) {
        return Ok(Some(IdfixExclusion::SystemAccountName(prefix)));
    }
    if let Some(prefix) = prefix_of(entry.text(&MAIL_NICKNAME), &["CAS_", "SYSTEMMAILBOX"]) {
        return Ok(Some(IdfixExclusion::SystemMailNickname(prefix)));
    }
    if let Some(name) = entry.text(&DISPLAY_NAME)
        && is_true(entry.text(&HIDE_FROM_ADDRESS_LISTS))?
        && prefix_of(Some(name), &["MSOL"]).is_some()
    {
        return Ok(Some(IdfixExclusion::HiddenServiceAccount));
    }
    Ok(None)
}

fn tests_of_group(entry: Entry<'_>) -> Result<Option<IdfixExclusion>, Unreadable> {
    let text = entry.text(&GROUP_TYPE).ok_or(Unreadable)?;
    let group_type: i64 = text.trim_matches(is_white_space).parse().map_err(|_| Unreadable)?;
    Ok(match group_type {
        ..0 if !entry.has(&MAIL) => Some(IdfixExclusion::SecurityGroupWithoutMail),
        0.. if !entry.has(&PROXY_ADDRESSES) => Some(IdfixExclusion::DistributionGroupWithoutAddresses),
        _ => None,
    })
}

/// Returns true if the object lost a conflict of replication: its name then ends with a line feed, escaped or not, `CNF:` and
/// a GUID.
fn is_conflict(dn: &str) -> bool {
    let dn = dn.to_ascii_uppercase();
    dn.contains("\\0ACNF:") || dn.contains("\nCNF:")
}

/// Reads a truth value as `Convert.ToBoolean` does; an absent one is false.
fn is_true(text: Option<&str>) -> Result<bool, Unreadable> {
    let Some(text) = text else { return Ok(false) };
    match text.trim_matches(|c| is_white_space(c) || c == '\0') {
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Unreadable),
    }
}

/// Returns true if the default filter of the mode does not return an object: `(|(objectCategory=Person)(objectCategory=Group))`,
/// with `(mail=*)` in dedicated mode. Without `objectCategory`, the class decides: persons have the categories `Person` or
/// `Computer`. An object without both is taken as returned.
pub(super) fn is_outside_filter(object: &DirectoryObject, mode: IdfixMode) -> bool {
    let is_selected = match object.text(&OBJECT_CATEGORY) {
        Some(category) => ["person", "cn=person,", "group", "cn=group,"].iter().any(|name| {
            if name.ends_with(',') {
                starts_with(category, name)
            } else {
                category.eq_ignore_ascii_case(name)
            }
        }),
        None if object.class().is_some() => {
            ["person", "user", "contact", "group"].iter().any(|class| object.has_class(class))
                && !object.has_class("computer")
        }
        None => true,
    };
    !is_selected || (mode == IdfixMode::Dedicated && object.values(&MAIL).is_empty())
}
