//! Cloud users, by the rules of the service.

use onramp_core::Password;
use serde_json::Value;
use time::OffsetDateTime;

use crate::tenant::limits::consistency::Visibility;

/// A user as the tenant holds it.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// The place in the order of lists.
    pub(crate) seq: u64,
    pub(crate) id: String,
    pub(crate) upn: String,
    pub(crate) display_name: String,
    pub(crate) mail_nickname: String,
    pub(crate) mail: Option<String>,
    pub(crate) account_enabled: bool,
    pub(crate) user_type: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) deleted: Option<OffsetDateTime>,
    pub(crate) other_mails: Vec<String>,
    pub(crate) business_phones: Vec<String>,
    pub(crate) proxy_addresses: Vec<String>,
    pub(crate) password_policies: Option<String>,
    pub(crate) usage_location: Option<String>,
    pub(crate) immutable_id: Option<String>,
    pub(crate) object_identifier: Option<String>,
    pub(crate) on_premises_upn: Option<String>,
    pub(crate) on_premises_sam: Option<String>,
    pub(crate) on_premises_domain: Option<String>,
    pub(crate) on_premises_sid: Option<String>,
    pub(crate) synced: Option<bool>,
    /// Values that synchronization could not give this user, because another object has them.
    pub(crate) conflicts: Vec<Conflict>,
    /// Plain text properties without rules of their own, by Graph's name.
    pub(crate) profile: Vec<(&'static str, String)>,
    /// Properties given out as they are here instead of as they are.
    pub(crate) raw: Vec<(String, Value)>,
    pub(crate) sign_in: SignInState,
    pub(crate) seen: Visibility,
}

/// A value that another object has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// `UserPrincipalName` or `ProxyAddresses`.
    pub(crate) property: String,
    pub(crate) value: String,
    pub(crate) occurred: OffsetDateTime,
}

/// The state that decides about the sign-in of a user.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignInState {
    pub(crate) password: Option<Password>,
    pub(crate) password_changed: Option<OffsetDateTime>,
    pub(crate) must_change: bool,
    pub(crate) mfa: MfaState,
    /// A second factor is registered.
    pub(crate) has_second_factor: bool,
    /// Somebody seems to know the password who should not.
    pub(crate) at_risk: bool,
    pub(crate) wrong_tries: u32,
    pub(crate) locked_until: Option<OffsetDateTime>,
    /// Sessions and refresh tokens from before this time are void.
    pub(crate) valid_from: Option<OffsetDateTime>,
}

/// Per-user multifactor authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MfaState {
    #[default]
    Disabled,
    Enabled,
    Enforced,
}

impl MfaState {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Enforced => "enforced",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Disabled, Self::Enabled, Self::Enforced].into_iter().find(|state| state.text() == text)
    }
}

/// Text properties without rules of their own.
pub(crate) const PROFILE: [&str; 17] = [
    "givenName",
    "surname",
    "jobTitle",
    "department",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "companyName",
    "employeeId",
    "employeeType",
    "city",
    "country",
    "state",
    "streetAddress",
    "postalCode",
    "faxNumber",
    "ageGroup",
];

/// A user to be created.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewUser {
    pub(crate) account_enabled: Option<bool>,
    pub(crate) display_name: Option<String>,
    pub(crate) mail_nickname: Option<String>,
    pub(crate) upn: Option<String>,
    pub(crate) password: Option<PasswordProfile>,
    pub(crate) rest: UserPatch,
}

/// A password to be set.
#[derive(Clone, Debug)]
pub(crate) struct PasswordProfile {
    pub(crate) password: Option<Password>,
    pub(crate) must_change: Option<bool>,
}

/// Properties to be changed; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserPatch {
    pub(crate) account_enabled: Option<bool>,
    pub(crate) display_name: Option<String>,
    pub(crate) mail_nickname: Option<String>,
    pub(crate) upn: Option<String>,
    pub(crate) other_mails: Option<Vec<String>>,
    pub(crate) business_phones: Option<Vec<String>>,
    pub(crate) password_policies: Option<Option<String>>,
    pub(crate) usage_location: Option<Option<String>>,
    pub(crate) immutable_id: Option<Option<String>>,
    pub(crate) object_identifier: Option<Option<String>>,
    pub(crate) user_type: Option<String>,
    pub(crate) password: Option<PasswordProfile>,
    pub(crate) profile: Vec<(&'static str, Option<String>)>,
}
