//! Directory roles.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{ObjectId, Result};

/// The template ID of a built-in directory role, the same in every tenant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleTemplateId(ObjectId);

macro_rules! roles {
    ($($constant:ident $number:literal $name:literal;)*) => {
        impl RoleTemplateId {
            $(#[doc = concat!($name, ".")]
            pub const $constant: Self = Self(ObjectId::from_u128($number));)*

            /// The role's name in English, for the roles that are constants of this type.
            pub fn name(&self) -> Option<&'static str> {
                $(if *self == Self::$constant { return Some($name); })*
                None
            }

            /// The role of that English name, in any case.
            pub fn by_name(name: &str) -> Option<Self> {
                $(if name.eq_ignore_ascii_case($name) { return Some(Self::$constant); })*
                None
            }
        }
    };
}

// Source: "Microsoft Entra built-in roles".
roles! {
    GLOBAL_ADMINISTRATOR 0x62e90394_69f5_4237_9190_012177145e10 "Global Administrator";
    HYBRID_IDENTITY_ADMINISTRATOR 0x8ac3fc64_6eca_42ea_9e69_59f4c7b60eb2 "Hybrid Identity Administrator";
    DIRECTORY_SYNCHRONIZATION_ACCOUNTS 0xd29b2b05_8046_44ba_8758_1e26182fcf32 "Directory Synchronization Accounts";
    PRIVILEGED_ROLE_ADMINISTRATOR 0xe8611ab8_c189_46e8_94e1_60213ab1f814 "Privileged Role Administrator";
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR 0x7be44c8a_adaf_4e2a_84d6_ab2649e08a13 "Privileged Authentication Administrator";
    USER_ADMINISTRATOR 0xfe930be7_5e62_47db_91af_98c3a49a38b1 "User Administrator";
    DOMAIN_NAME_ADMINISTRATOR 0x8329153b_31d0_4727_b945_745eb3bc5f31 "Domain Name Administrator";
    DIRECTORY_READERS 0x88d8e3e3_8f55_4a1e_953a_9b9898b8876b "Directory Readers";
    GLOBAL_READER 0xf2ef992c_3afb_46b9_b7cf_a126ee74c451 "Global Reader";
}

impl RoleTemplateId {
    /// The role with that template ID.
    pub const fn new(id: ObjectId) -> Self {
        Self(id)
    }

    /// The template ID.
    pub const fn id(&self) -> &ObjectId {
        &self.0
    }
}

impl fmt::Display for RoleTemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}
impl Debug for RoleTemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoleTemplateId({}, {})", self.0, self.name().unwrap_or("not a known role"))
    }
}

/// A role that a principal holds now (active, not merely eligible).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoleAssignment {
    /// Opaque ID of the assignment; not a GUID.
    pub id: String,
    /// The role.
    pub role: RoleTemplateId,
    /// The principal that holds the role.
    pub principal: ObjectId,
    /// The scope: `/` is the whole tenant.
    pub scope: String,
}

impl RoleAssignment {
    /// An assignment for the whole tenant.
    pub fn tenant_wide(id: impl Into<String>, role: RoleTemplateId, principal: ObjectId) -> Self {
        Self { id: id.into(), role, principal, scope: "/".into() }
    }
}

/// The port of the directory roles of a tenant.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Roles: Debug + Send + Sync {
    /// Returns every active assignment of the tenant.
    async fn assignments(&self) -> Result<Vec<RoleAssignment>>;

    /// The active assignments of one principal.
    async fn assignments_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>>;

    /// The roles that a principal may activate for itself (Privileged Identity Management), held or not. An
    /// eligible administrator is one for matching rules, although [`Roles::assignments_of`] does not show it.
    ///
    /// # Errors
    /// `Unsupported` where the tenant has no license for it or the cloud does not offer it; `Forbidden`.
    async fn eligibilities_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>>;

    /// The active assignments of one role.
    async fn holders_of(&self, role: &RoleTemplateId) -> Result<Vec<RoleAssignment>>;

    /// Gives a principal a role for the whole tenant.
    ///
    /// # Errors
    /// `AlreadyExists` if it holds it; `NotFound` if there is no such principal; `Invalid` if there is no such
    /// role; `Forbidden`.
    async fn assign(&self, role: &RoleTemplateId, principal: &ObjectId) -> Result<RoleAssignment>;

    /// Takes an assignment back.
    ///
    /// # Errors
    /// `NotFound`.
    async fn unassign(&self, assignment_id: &str) -> Result<()>;
}
