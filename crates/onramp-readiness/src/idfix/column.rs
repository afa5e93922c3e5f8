//! The attributes that IdFix checks.

use onramp_core::AttributeName;

use super::mode::IdfixMode;
use crate::RuleId;
use crate::attributes::{
    DISPLAY_NAME, GIVEN_NAME, MAIL, MAIL_NICKNAME, PROXY_ADDRESSES, SAM_ACCOUNT_NAME, TARGET_ADDRESS,
    USER_PRINCIPAL_NAME,
};

/// An attribute that IdFix checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Column {
    DisplayName,
    GivenName,
    Mail,
    MailNickname,
    ProxyAddresses,
    SamAccountName,
    TargetAddress,
    UserPrincipalName,
}

impl Column {
    /// The attributes in the order in which the mode checks them (`RuleCollection.Rules`).
    pub(super) fn all(mode: IdfixMode) -> &'static [Self] {
        match mode {
            IdfixMode::MultiTenant => &[
                Self::DisplayName,
                Self::GivenName,
                Self::Mail,
                Self::MailNickname,
                Self::ProxyAddresses,
                Self::SamAccountName,
                Self::TargetAddress,
                Self::UserPrincipalName,
            ],
            IdfixMode::Dedicated => &[
                Self::DisplayName,
                Self::Mail,
                Self::MailNickname,
                Self::ProxyAddresses,
                Self::TargetAddress,
            ],
        }
    }

    pub(super) fn attribute(self) -> AttributeName {
        match self {
            Self::DisplayName => DISPLAY_NAME,
            Self::GivenName => GIVEN_NAME,
            Self::Mail => MAIL,
            Self::MailNickname => MAIL_NICKNAME,
            Self::ProxyAddresses => PROXY_ADDRESSES,
            Self::SamAccountName => SAM_ACCOUNT_NAME,
            Self::TargetAddress => TARGET_ADDRESS,
            Self::UserPrincipalName => USER_PRINCIPAL_NAME,
        }
    }

    pub(super) fn rule(self) -> RuleId {
        RuleId::from_static(match self {
            Self::DisplayName => "idfix-display-name",
            Self::GivenName => "idfix-given-name",
            Self::Mail => "idfix-mail",
            Self::MailNickname => "idfix-mail-nickname",
            Self::ProxyAddresses => "idfix-proxy-addresses",
            Self::SamAccountName => "idfix-sam-account-name",
            Self::TargetAddress => "idfix-target-address",
            Self::UserPrincipalName => "idfix-user-principal-name",
        })
    }

    /// Returns true if the values are addresses.
    pub(super) fn holds_addresses(self) -> bool {
        matches!(self, Self::Mail | Self::ProxyAddresses | Self::TargetAddress | Self::UserPrincipalName)
    }
}
