//! Azure subscriptions and access to them.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{ObjectId, Result};

/// The ID of a built-in Azure role definition, the same in every subscription.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AzureRoleId(ObjectId);

impl AzureRoleId {
    /// Full access, and may give access to others.
    pub const OWNER: Self = Self(ObjectId::from_u128(0x8e3af657_a8ff_443c_a75c_2fe8c4bcb635));
    /// Full access, but may not give access to others.
    pub const CONTRIBUTOR: Self = Self(ObjectId::from_u128(0xb24988ac_6180_42a0_ab88_20f7382dd24c));
    /// May read everything.
    pub const READER: Self = Self(ObjectId::from_u128(0xacdd72a7_3385_48ef_bd42_f606fba81ae7));
    /// May give access to others.
    pub const USER_ACCESS_ADMINISTRATOR: Self =
        Self(ObjectId::from_u128(0x18d7d88d_d35e_4fb5_a5c3_7773c20a72d9));

    /// The role with that definition ID.
    pub const fn new(id: ObjectId) -> Self {
        Self(id)
    }

    /// The definition ID.
    pub const fn id(&self) -> &ObjectId {
        &self.0
    }

    /// The role's name in English, for the roles that are constants of this type.
    pub fn name(&self) -> Option<&'static str> {
        match *self {
            Self::OWNER => Some("Owner"),
            Self::CONTRIBUTOR => Some("Contributor"),
            Self::READER => Some("Reader"),
            Self::USER_ACCESS_ADMINISTRATOR => Some("User Access Administrator"),
            _ => None,
        }
    }

    /// The role of that English name, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::OWNER, Self::CONTRIBUTOR, Self::READER, Self::USER_ACCESS_ADMINISTRATOR]
            .into_iter()
            .find(|role| role.name().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }
}

impl fmt::Display for AzureRoleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}
impl Debug for AzureRoleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AzureRoleId({}, {})", self.0, self.name().unwrap_or("not a known role"))
    }
}

/// An Azure subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Subscription {
    /// The ID.
    pub id: ObjectId,
    /// The name.
    pub display_name: String,
    /// The state of the subscription.
    pub state: SubscriptionState,
}

impl Subscription {
    /// A subscription.
    pub fn new(id: ObjectId, display_name: impl Into<String>, state: SubscriptionState) -> Self {
        Self { id, display_name: display_name.into(), state }
    }
}

/// The state of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SubscriptionState {
    /// Yes.
    Enabled,
    /// Yes, but it will soon be disabled.
    Warned,
    /// Yes, but a payment is due.
    PastDue,
    /// No, read only.
    Disabled,
    /// No.
    Deleted,
}

/// The kind of the principal; with it, Azure accepts one that is still replicating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PrincipalType {
    /// A user.
    User,
    /// An application's service principal.
    ServicePrincipal,
    /// A group.
    Group,
}

/// An Azure role that a principal holds on a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionRoleAssignment {
    /// The assignment's own name, a GUID.
    pub name: ObjectId,
    /// The subscription.
    pub subscription: ObjectId,
    /// The role.
    pub role: AzureRoleId,
    /// The principal that holds the role.
    pub principal: ObjectId,
}

impl SubscriptionRoleAssignment {
    /// An assignment.
    pub fn new(name: ObjectId, subscription: ObjectId, role: AzureRoleId, principal: ObjectId) -> Self {
        Self { name, subscription, role, principal }
    }
}

/// A classic administrator: a kind of access that was retired on 31 August 2024 and only lingers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassicAdministrator {
    /// Mail address or UPN.
    pub email: String,
    /// `CoAdministrator`, `ServiceAdministrator;AccountAdministrator` and the like.
    pub role: String,
}

impl ClassicAdministrator {
    /// A classic administrator.
    pub fn new(email: impl Into<String>, role: impl Into<String>) -> Self {
        Self { email: email.into(), role: role.into() }
    }
}

/// The port of the Azure subscriptions and access to them.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Subscriptions: Debug + Send + Sync {
    /// The subscriptions that the caller may see; none is a normal answer for a fresh principal.
    async fn list(&self) -> Result<Vec<Subscription>>;

    /// The roles that a principal holds on a subscription itself.
    ///
    /// # Errors
    /// `NotFound` if there is no such subscription; `Forbidden`.
    async fn assignments(
        &self,
        subscription: &ObjectId,
        principal: &ObjectId,
    ) -> Result<Vec<SubscriptionRoleAssignment>>;

    /// Gives a principal a role on a subscription.
    ///
    /// # Errors
    /// `AlreadyExists` if it holds it; `NotFound` if there is no such subscription, role or principal;
    /// `Forbidden`.
    async fn assign(
        &self,
        subscription: &ObjectId,
        role: &AzureRoleId,
        principal: &ObjectId,
        principal_type: PrincipalType,
    ) -> Result<SubscriptionRoleAssignment>;

    /// Takes an assignment back; one that is gone already is no error.
    async fn unassign(&self, assignment: &SubscriptionRoleAssignment) -> Result<()>;

    /// The classic administrators that a subscription still names: to report, and to give the Owner role instead.
    ///
    /// # Errors
    /// `NotFound` if there is no such subscription; `Forbidden`.
    async fn classic_administrators(&self, subscription: &ObjectId) -> Result<Vec<ClassicAdministrator>>;

    /// Makes the signed-in Global Administrator a User Access Administrator of every subscription and management
    /// group. Azure records it; take it back when it is no longer needed.
    ///
    /// # Errors
    /// `Forbidden` for anybody but a Global Administrator.
    async fn elevate_access(&self) -> Result<()>;
}
