//! The section of the service account.

use onramp_core::Upn;
use onramp_core::tenant::{AzureRoleId, RoleTemplateId};
use serde::{Deserialize, Serialize};

/// The account that synchronization signs in with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ServiceAccountSpec {
    /// The UPN, usually on the custom domain or on the initial one. An internationalized domain is converted to `xn--…`,
    /// the form that a tenant uses.
    #[serde(deserialize_with = "upn_in_ascii")]
    pub upn: Upn,
    /// The display name.
    #[serde(default = "default_display_name")]
    pub display_name: String,
    /// The alternate e-mail address, for mail about the account.
    #[serde(default)]
    pub alternate_email: Option<String>,
    /// The directory role, by English name or template ID.
    #[serde(default = "default_role", with = "role_text")]
    pub role: RoleTemplateId,
    /// The subscriptions that the account gets access to.
    #[serde(default)]
    pub subscriptions: Vec<SubscriptionSpec>,
    /// The password that the account is created with.
    #[serde(default)]
    pub first_password: FirstPassword,
    /// True to set a new password in this run: to rotate it, or because it is lost or known to somebody else.
    #[serde(default)]
    pub new_password: bool,
    /// The checks that are left out: for each, the plan and the verification say so, and nothing is claimed.
    #[serde(default)]
    pub skip_checks: Vec<AccountCheck>,
}

/// The password that the service account is created with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FirstPassword {
    /// The strong one that stays: a sign-in with it needs nothing else.
    #[default]
    Final,
    /// One that has to be changed at the first sign-in, as an administrator gives it to a person. The run tests that the
    /// change is demanded (AADSTS50055), and then sets the strong one that stays.
    Temporary,
}

impl FirstPassword {
    /// Returns true for the default, which a plan does not write down.
    pub(crate) fn is_final(&self) -> bool {
        *self == Self::Final
    }
}

/// A check of the service account that a spec can leave out by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AccountCheck {
    /// The sign-in with name and password. Without it, Onramp never signs in as the account.
    SignIn,
}

impl ServiceAccountSpec {
    /// Creates an account with the role Hybrid Identity Administrator and without subscriptions.
    pub fn new(upn: Upn) -> Self {
        Self {
            upn: in_ascii(&upn),
            display_name: default_display_name(),
            alternate_email: None,
            role: default_role(),
            subscriptions: Vec::new(),
            first_password: FirstPassword::Final,
            new_password: false,
            skip_checks: Vec::new(),
        }
    }

    /// Sets the display name.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// Sets the alternate e-mail address.
    #[must_use]
    pub fn with_alternate_email(mut self, address: impl Into<String>) -> Self {
        self.alternate_email = Some(address.into());
        self
    }

    /// Sets the directory role.
    #[must_use]
    pub fn with_role(mut self, role: RoleTemplateId) -> Self {
        self.role = role;
        self
    }

    /// Adds a subscription.
    #[must_use]
    pub fn with_subscription(mut self, subscription: SubscriptionSpec) -> Self {
        self.subscriptions.push(subscription);
        self
    }

    /// Sets the password that the account is created with.
    #[must_use]
    pub fn with_first_password(mut self, first: FirstPassword) -> Self {
        self.first_password = first;
        self
    }

    /// Leaves out a check.
    ///
    /// ```
    /// use onramp::{AccountCheck, ServiceAccountSpec};
    /// let account = ServiceAccountSpec::new("sync@contoso.com".parse()?).without_check(AccountCheck::SignIn);
    /// assert!(account.skips(AccountCheck::SignIn));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn without_check(mut self, check: AccountCheck) -> Self {
        self.skip_checks.push(check);
        self
    }

    /// Returns true if a check is left out.
    pub fn skips(&self, check: AccountCheck) -> bool {
        self.skip_checks.contains(&check)
    }

    /// Requests a new password in this run.
    #[must_use]
    pub fn with_new_password(mut self) -> Self {
        self.new_password = true;
        self
    }
}

/// A subscription and the role on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SubscriptionSpec {
    /// The ID or the display name.
    pub subscription: String,
    /// The Azure role: Owner, Contributor, Reader, User Access Administrator, or the ID of another definition.
    #[serde(with = "azure_role_text")]
    pub role: AzureRoleId,
}

impl SubscriptionSpec {
    /// Creates the access to a subscription.
    pub fn new(subscription: impl Into<String>, role: AzureRoleId) -> Self {
        Self { subscription: subscription.into(), role }
    }
}

fn upn_in_ascii<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Upn, D::Error> {
    Upn::deserialize(from).map(|upn| in_ascii(&upn))
}

fn default_display_name() -> String {
    "On-premises directory synchronization".into()
}

fn default_role() -> RoleTemplateId {
    RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR
}

/// Serializes a role by its name if it has one, else by its ID.
macro_rules! role_as_text {
    ($module:ident, $role:ty, $what:literal) => {
        mod $module {
            use super::*;
            pub(super) fn serialize<S: serde::Serializer>(role: &$role, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(role)
            }
            pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<$role, D::Error> {
                let text = String::deserialize(from)?;
                <$role>::by_name(&text).or_else(|| text.parse().ok().map(<$role>::new)).ok_or_else(|| {
                    serde::de::Error::custom(format!(
                        concat!("\"{}\" is neither the name nor the ID of ", $what),
                        text
                    ))
                })
            }
        }
    };
}
role_as_text!(role_text, RoleTemplateId, "a known directory role");
role_as_text!(azure_role_text, AzureRoleId, "a known Azure role");

/// Returns the UPN with its suffix in the ASCII form that a tenant uses, if the suffix is a domain name.
pub(crate) fn in_ascii(upn: &Upn) -> Upn {
    upn.domain().map_or_else(|_| upn.clone(), |domain| upn.with_suffix(&domain))
}
