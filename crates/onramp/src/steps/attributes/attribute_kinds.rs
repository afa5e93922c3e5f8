//! The attributes that a fix may change.

use onramp_core::AttributeName;

use crate::spec::nearest;

/// Attributes of text that have one value in the schema of Active Directory and Exchange.
const SINGLE: &[&str] = &[
    "assistant",
    "c",
    "co",
    "comment",
    "company",
    "department",
    "description",
    "division",
    "employeeType",
    "displayName",
    "employeeID",
    "employeeNumber",
    "extensionAttribute1",
    "extensionAttribute10",
    "extensionAttribute11",
    "extensionAttribute12",
    "extensionAttribute13",
    "extensionAttribute14",
    "extensionAttribute15",
    "extensionAttribute2",
    "extensionAttribute3",
    "extensionAttribute4",
    "extensionAttribute5",
    "extensionAttribute6",
    "extensionAttribute7",
    "extensionAttribute8",
    "extensionAttribute9",
    "facsimileTelephoneNumber",
    "givenName",
    "homePhone",
    "info",
    "initials",
    "ipPhone",
    "l",
    "mail",
    "mailNickname",
    "middleName",
    "mobile",
    "msExchHideFromAddressLists",
    "pager",
    "personalTitle",
    "physicalDeliveryOfficeName",
    "postalCode",
    "preferredLanguage",
    "roomNumber",
    "sAMAccountName",
    "sn",
    "st",
    "streetAddress",
    "targetAddress",
    "telephoneNumber",
    "title",
    "userPrincipalName",
    "wWWHomePage",
];

/// Attributes of text that have several values.
const MULTIPLE: &[&str] = &[
    "carLicense",
    "departmentNumber",
    "otherFacsimileTelephoneNumber",
    "otherHomePhone",
    "otherMailbox",
    "otherMobile",
    "otherPager",
    "otherIpPhone",
    "otherTelephone",
    "postOfficeBox",
    "proxyAddresses",
    "url",
];

/// Attributes that are refused, each with the reason.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &["cn", "name", "ou", "distinguishedName"],
        "is part of the name of the object: rename the object instead",
    ),
    (
        &["member", "memberOf", "primaryGroupID", "managedBy", "msDS-GroupMSAMembership"],
        "gives rights: change memberships with a tool that shows them",
    ),
    (
        &[
            "userAccountControl",
            "accountExpires",
            "lockoutTime",
            "pwdLastSet",
            "logonHours",
            "userWorkstations",
            "adminCount",
        ],
        "decides who can sign in",
    ),
    (
        &[
            "servicePrincipalName",
            "msDS-AllowedToDelegateTo",
            "msDS-AllowedToActOnBehalfOfOtherIdentity",
            "msDS-KeyCredentialLink",
            "altSecurityIdentities",
            "userCertificate",
            "msDS-SupportedEncryptionTypes",
        ],
        "is a credential, or lets services act for others",
    ),
    (
        &[
            "objectSid",
            "sIDHistory",
            "objectGUID",
            "objectClass",
            "objectCategory",
            "nTSecurityDescriptor",
            "isCriticalSystemObject",
        ],
        "is the identity of the object or its security, and is none to change by a list",
    ),
    (
        &["mS-DS-ConsistencyGuid"],
        "is the source anchor of synchronization: another value makes another object in the cloud",
    ),
    (
        &["scriptPath", "profilePath", "homeDirectory", "msTSInitialProgram"],
        "names a program or a place that is used at sign-in",
    ),
];

/// The number of values that an attribute may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    One,
    Several,
}

/// Returns the number of values of an attribute, or the reason why a fix may not change it.
///
/// Only known attributes are changed: for others it is not known how a directory tells that a value was changed by somebody
/// else, or what else depends on them.
pub(super) fn values_of(attribute: &AttributeName) -> Result<Values, String> {
    let is_in = |list: &[&str]| list.iter().any(|name| attribute.as_str().eq_ignore_ascii_case(name));
    if is_in(SINGLE) {
        Ok(Values::One)
    } else if is_in(MULTIPLE) {
        Ok(Values::Several)
    } else if attribute.holds_secret() {
        Err(format!("{attribute} holds a secret"))
    } else if let Some((_, reason)) = REFUSED.iter().find(|(names, _)| is_in(names)) {
        Err(format!("{attribute} {reason}"))
    } else {
        let known = SINGLE.iter().chain(MULTIPLE).copied();
        let similar = nearest(attribute.as_str(), known);
        let hint = similar.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        Err(format!("{attribute} is not one of the attributes of text that a fix or a map may change{hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_has_one_value_or_several_or_is_refused_with_the_reason() {
        let of = |name: &str| values_of(&AttributeName::parse(name).unwrap());
        for name in ["mail", "USERPRINCIPALNAME", "displayName", "extensionAttribute7"] {
            assert_eq!(of(name), Ok(Values::One), "{name}");
        }
        for name in ["proxyAddresses", "PROXYADDRESSES", "otherMailbox"] {
            assert_eq!(of(name), Ok(Values::Several), "{name}");
        }
        for (name, why) in [
            ("unicodePwd", "holds a secret"),
            ("cn", "rename the object"),
            ("distinguishedName", "rename the object"),
            ("member", "gives rights"),
            ("MEMBEROF", "gives rights"),
            ("userAccountControl", "sign in"),
            ("objectSid", "identity"),
            ("mS-DS-ConsistencyGuid", "source anchor"),
            ("manager", "attributes of text"),
            ("displayNmae", "did you mean displayName?"),
            ("servicePrincipalName", "credential"),
            ("1.2.840.113556.1.4.656", "attributes of text"),
        ] {
            let refused = of(name).unwrap_err();
            assert!(refused.contains(why), "{name}: {refused}");
        }
    }
}
