//! Multi-factor state and proof that an account can sign in.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{RoleTemplateId, SecondFactor};
use crate::{ObjectId, Password, Result, Upn};

/// The per-user multi-factor authentication state.
///
/// `Disabled` does not say that MFA will not be asked: security defaults and conditional access work apart from
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MfaState {
    /// Not asked for by this setting.
    Disabled,
    /// To be registered at next sign-in.
    Enabled,
    /// Asked at every sign-in.
    Enforced,
}

impl fmt::Display for MfaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Enforced => "enforced",
        })
    }
}

/// What a sign-in with name and password, and nothing else, led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
#[non_exhaustive]
pub enum SignInProbe {
    /// A token was issued: name and password are all it takes.
    Accepted,
    /// The password was right and a second factor is wanted, so a program cannot sign in with it.
    SecondFactorRequired {
        /// AADSTS code.
        code: u32,
    },
    /// The password was right and a policy forbids the sign-in.
    BlockedByPolicy {
        /// AADSTS code.
        code: u32,
    },
    /// The password must be changed first.
    PasswordChangeRequired,
    /// The password is wrong.
    WrongPassword,
    /// There is no such user.
    UnknownUser,
    /// The account may not sign in.
    Disabled,
    /// The account, or the address it comes from, is locked out for a while.
    LockedOut,
    /// Another answer, which proves nothing.
    Inconclusive {
        /// AADSTS code, 0 if there was none.
        code: u32,
        /// The server's own words.
        message: String,
    },
}

impl SignInProbe {
    /// Whether the answer proves the password right (`Some(true)`), wrong (`Some(false)`) or neither.
    pub fn password_is_right(&self) -> Option<bool> {
        match self {
            Self::Accepted
            | Self::SecondFactorRequired { .. }
            | Self::BlockedByPolicy { .. }
            | Self::PasswordChangeRequired => Some(true),
            Self::WrongPassword => Some(false),
            _ => None,
        }
    }
}

/// Port: how users of a tenant sign in.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SignIn: Debug + Send + Sync {
    /// The per-user MFA state.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`.
    async fn mfa_state(&self, user: &ObjectId) -> Result<MfaState>;

    /// Sets the per-user MFA state.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`.
    async fn set_mfa_state(&self, user: &ObjectId, state: MfaState) -> Result<()>;

    /// Everything that can make Entra ask this user for a second factor, or keep it out: the per-user state, security
    /// defaults, and conditional access policies. What the caller may not read is left unknown, not an error.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable`.
    async fn second_factor(&self, user: &ObjectId) -> Result<SecondFactor>;

    /// Returns what an account that does not exist yet will meet once it holds those roles: security defaults, and the
    /// conditional access policies for everybody or for one of the roles. The per-user state is the one that every new
    /// account has. A policy for a group is left out, although a dynamic group may take the account in. What the
    /// caller may not read is left unknown, not an error.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn sign_in_policies(&self, roles: &[RoleTemplateId]) -> Result<SecondFactor>;

    /// Tries to sign in with name and password, once: wrong tries count towards lock-out.
    ///
    /// # Errors
    /// Only when no answer came; a refusal is an outcome.
    async fn probe(&self, upn: &Upn, password: &Password) -> Result<SignInProbe>;
}
