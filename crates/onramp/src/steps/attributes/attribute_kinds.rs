//! The attributes that a fix may change.

use onramp_core::AttributeName;

/// Attributes of text that have one value in the schema of Active Directory and Exchange.
const SINGLE: &[&str] = &[
    "co",
    "company",
    "department",
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
    "l",
    "mail",
    "mailNickname",
    "mobile",
    "pager",
    "physicalDeliveryOfficeName",
    "postalCode",
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
    "otherFacsimileTelephoneNumber",
    "otherHomePhone",
    "otherMailbox",
    "otherMobile",
    "otherPager",
    "otherTelephone",
    "proxyAddresses",
    "url",
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
    } else if is_in(&["cn", "name", "ou", "distinguishedName"]) {
        Err(format!("{attribute} is part of the name of the object: rename the object instead"))
    } else {
        Err(format!("{attribute} is not one of the attributes of text that a fix may change"))
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
            ("member", "attributes of text"),
            ("manager", "attributes of text"),
            ("servicePrincipalName", "attributes of text"),
            ("1.2.840.113556.1.4.656", "attributes of text"),
        ] {
            let refused = of(name).unwrap_err();
            assert!(refused.contains(why), "{name}: {refused}");
        }
    }
}
