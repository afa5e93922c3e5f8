use std::fmt;

use onramp_core::AttributeName;

use crate::attributes::{
    CN, DISPLAY_NAME, DISTINGUISHED_NAME, GIVEN_NAME, GROUP_TYPE, HIDE_FROM_ADDRESS_LISTS, HOME_MDB,
    IS_CRITICAL_SYSTEM_OBJECT, MAIL, MAIL_NICKNAME, OBJECT_CLASS, PROXY_ADDRESSES, RECIPIENT_TYPE_DETAILS,
    SAM_ACCOUNT_NAME, SN, TARGET_ADDRESS, USER_PRINCIPAL_NAME,
};

/// The rule sets of IdFix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // IdFix gets no third one
pub enum IdfixMode {
    /// Microsoft 365 in its usual form: `MultiTenantRuleCollection`.
    #[default]
    MultiTenant,
    /// The dedicated and ITAR plans of old: `DedicatedRuleCollection`.
    Dedicated,
}

const MULTI_TENANT: &[AttributeName] = &[
    CN,
    DISPLAY_NAME,
    DISTINGUISHED_NAME,
    GIVEN_NAME,
    GROUP_TYPE,
    HOME_MDB,
    IS_CRITICAL_SYSTEM_OBJECT,
    MAIL,
    MAIL_NICKNAME,
    HIDE_FROM_ADDRESS_LISTS,
    RECIPIENT_TYPE_DETAILS,
    OBJECT_CLASS,
    PROXY_ADDRESSES,
    SAM_ACCOUNT_NAME,
    TARGET_ADDRESS,
    USER_PRINCIPAL_NAME,
];

const DEDICATED: &[AttributeName] = &[
    CN,
    DISPLAY_NAME,
    DISTINGUISHED_NAME,
    GIVEN_NAME,
    HOME_MDB,
    MAIL,
    MAIL_NICKNAME,
    OBJECT_CLASS,
    PROXY_ADDRESSES,
    SAM_ACCOUNT_NAME,
    SN,
    TARGET_ADDRESS,
];

impl IdfixMode {
    /// The attributes that IdFix fetches (`AttributesToQuery`); it sees no other one.
    ///
    /// ```
    /// use onramp_readiness::{attributes, idfix::IdfixMode};
    /// assert!(!IdfixMode::MultiTenant.attributes().contains(&attributes::SN));
    /// assert!(!IdfixMode::Dedicated.attributes().contains(&attributes::USER_PRINCIPAL_NAME));
    /// ```
    #[must_use]
    pub fn attributes(self) -> &'static [AttributeName] {
        match self {
            Self::MultiTenant => MULTI_TENANT,
            Self::Dedicated => DEDICATED,
        }
    }

    /// The name of the class that holds the rules of the mode.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::MultiTenant => "IdFix 2.6.0.3, MultiTenantRuleCollection",
            Self::Dedicated => "IdFix 2.6.0.3, DedicatedRuleCollection",
        }
    }
}

impl fmt::Display for IdfixMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MultiTenant => "multi-tenant",
            Self::Dedicated => "dedicated",
        })
    }
}
