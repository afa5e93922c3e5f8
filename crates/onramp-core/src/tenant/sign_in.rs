//! Multi-factor state and proof that an account can sign in.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{MfaState, RoleTemplateId, SecondFactor};
use crate::{ObjectId, Password, Result, Upn};

/// The result of a sign-in with name and password, and nothing else.
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
    /// A policy forbids the sign-in: conditional access (also for the sake of a device or of the application) or
    /// security defaults. Exempt the account from it.
    BlockedByPolicy {
        /// AADSTS code.
        code: u32,
    },
    /// Entra holds the account or this sign-in for risky. Look into the risk and dismiss it first.
    BlockedByRisk {
        /// AADSTS code.
        code: u32,
    },
    /// Entra itself cannot check the password: the domain is federated, or the account has no password. Use an account
    /// on a managed domain.
    NotCheckedHere {
        /// AADSTS code.
        code: u32,
    },
    /// The application that the sign-in was tried with may not sign users in. Consent to it, or take another one.
    ApplicationRefused {
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
    /// The account is locked out for a while after wrong tries, or the address that the sign-in came from is blocked.
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
    /// Returns what a refusal of the token endpoint says about a sign-in with name and password, by its AADSTS code.
    ///
    /// ```
    /// use onramp_core::tenant::SignInProbe;
    /// let probe = SignInProbe::of_refusal(53_003, "AADSTS53003: …");
    /// assert_eq!(probe, SignInProbe::BlockedByPolicy { code: 53_003 });
    /// ```
    // Source: "Microsoft Entra authentication and authorization error codes".
    pub fn of_refusal(code: u32, message: impl Into<String>) -> Self {
        match code {
            50_126 => Self::WrongPassword,
            50_014 | 50_020 | 50_034 | 51_004 | 90_072 => Self::UnknownUser,
            50_053 => Self::LockedOut,
            50_055 | 50_144 => Self::PasswordChangeRequired,
            50_057 => Self::Disabled,
            50_072 | 50_074 | 50_076 | 50_078 | 50_079 | 50_088 | 50_158 | 53_010 | 500_121 => {
                Self::SecondFactorRequired { code }
            }
            50_135 | 53_004 | 53_011 | 530_034 => Self::BlockedByRisk { code },
            50_005 | 50_097 | 50_127 | 50_129 | 50_131 | 50_155 | 50_187 => Self::BlockedByPolicy { code },
            53_000..=53_009 | 530_000..=530_099 => Self::BlockedByPolicy { code },
            20_001 | 20_012 | 20_033 | 40_008 | 50_008 | 50_056 | 50_107 | 50_177 | 50_180 => {
                Self::NotCheckedHere { code }
            }
            50_001 | 50_011 | 50_105 | 50_194 | 65_001 | 65_002 | 65_004 | 65_005 | 70_001 | 90_094
            | 500_011 | 500_014 | 500_113 | 650_052 | 650_054 | 650_056 | 650_057 | 700_011 | 700_016
            | 7_000_112 | 7_000_218 => Self::ApplicationRefused { code },
            _ => Self::Inconclusive { code, message: message.into() },
        }
    }

    /// Returns true if the answer proves the password right, false if wrong, `None` if neither.
    pub fn password_is_right(&self) -> Option<bool> {
        match self {
            // Entra looks at a doubtful device before it looks at the password.
            Self::BlockedByPolicy { code: 50_005 | 50_097 | 50_131 | 50_155 | 50_187 } => None,
            Self::Accepted
            | Self::SecondFactorRequired { .. }
            | Self::BlockedByPolicy { .. }
            | Self::PasswordChangeRequired => Some(true),
            Self::WrongPassword => Some(false),
            _ => None,
        }
    }
}

impl fmt::Display for SignInProbe {
    /// A clause for people, with the code to look up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("name and password are accepted"),
            Self::SecondFactorRequired { code } => {
                let wanted = match code {
                    50_072 | 50_079 => "a second factor has to be registered first",
                    53_010 => "a second factor has to be registered first, which a policy allows elsewhere only",
                    50_158 => "another service has to confirm the sign-in",
                    _ => "a second factor is wanted",
                };
                write!(f, "the password is right, but {wanted} (AADSTS{code})")
            }
            Self::BlockedByPolicy { code } => {
                let sure = if self.password_is_right() == Some(true) { "the password is right, but " } else { "" };
                write!(f, "{sure}{} forbids the sign-in (AADSTS{code})", policy(*code))
            }
            Self::BlockedByRisk { code } => {
                let risk = match code {
                    50_135 => "the account counts as at risk, and its password has to be changed",
                    53_004 => "the account counts as at risk, so that no second factor may be registered",
                    _ => "the account counts as at risk and is blocked",
                };
                write!(f, "{risk} (AADSTS{code})")
            }
            Self::NotCheckedHere { code } => write!(
                f,
                "Entra cannot check the password: the domain is federated, or the account has no password in the \
                 cloud (AADSTS{code})"
            ),
            Self::ApplicationRefused { code } => {
                write!(f, "the application may not sign in users: {} (AADSTS{code})", application(*code))
            }
            Self::PasswordChangeRequired => {
                f.write_str("the password is right, but has expired or has to be changed first")
            }
            Self::WrongPassword => f.write_str("the password is wrong"),
            Self::UnknownUser => f.write_str("the tenant has no such user"),
            Self::Disabled => f.write_str("the account is disabled"),
            Self::LockedOut => f.write_str(
                "the account is locked out for a while after wrong tries, or the address of this machine is blocked",
            ),
            Self::Inconclusive { code: 0, message } => write!(f, "the answer proves nothing: “{message}”"),
            Self::Inconclusive { code, message } => match circumstance(*code) {
                Some(what) => write!(f, "the answer proves nothing: {what} (AADSTS{code})"),
                None => write!(f, "the answer proves nothing: “{message}” (AADSTS{code})"),
            },
        }
    }
}

fn policy(code: u32) -> &'static str {
    match code {
        53_000 | 530_002 | 530_004 => "a policy that wants a compliant device",
        50_005 | 50_097 | 50_129 | 50_155 | 50_187 | 53_001 | 530_003 | 530_033 => {
            "a policy that wants a known, managed device"
        }
        50_127 | 53_002 | 53_005 | 53_009 | 530_021 => "a policy that wants an approved or protected app",
        50_131 => "a policy, or doubts about the device or the sign-in,",
        530_032 | 530_035 => "security defaults or another security policy of the tenant",
        _ => "a conditional access policy",
    }
}

fn application(code: u32) -> &'static str {
    match code {
        50_105 => "the user is not assigned to it",
        65_001 | 65_004 | 90_094 => "nobody has consented to it",
        70_001 | 500_014 | 7_000_112 => "it is disabled in the tenant",
        700_011 | 700_016 => "the tenant does not know it",
        7_000_218 => "it does not allow public client flows",
        50_011 | 500_113 => "its reply address is not registered",
        50_194 => "it belongs to one tenant only",
        _ => "it, or what it wants to use, is not set up in the tenant",
    }
}

/// Returns the meaning of codes that say nothing about the account.
fn circumstance(code: u32) -> Option<&'static str> {
    Some(match code {
        50_058 => "nobody is signed in yet",
        50_059 | 50_128 => "no tenant has the domain of the name",
        90_002 => "there is no such tenant in this cloud",
        90_038 | 900_382 | 900_432 => "the tenant is in another cloud",
        50_002 | 500_021 | 500_022 => "a proxy restricts which tenants may be used from here",
        500_212 | 500_213 => "a rule between tenants forbids it",
        50_125 => "the user has to register information for resetting the password first",
        50_196 => "too many of the same requests were sent; wait before the next",
        80_001..=80_014 => {
            "Active Directory, which checks the password through an agent, did not answer as it should"
        }
        _ => return None,
    })
}

/// The port of the sign-in of a tenant's users.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, kind of answer, whether it proves the password right or wrong, a piece of what people are told.
    type Row = (u32, &'static str, Option<bool>, &'static str);

    const ROWS: [Row; 62] = [
        (50_126, "WrongPassword", Some(false), "password is wrong"),
        (50_034, "UnknownUser", None, "no such user"),
        (51_004, "UnknownUser", None, "no such user"),
        (50_020, "UnknownUser", None, "no such user"),
        (50_053, "LockedOut", None, "address of this machine is blocked"),
        (50_055, "PasswordChangeRequired", Some(true), "has expired"),
        (50_144, "PasswordChangeRequired", Some(true), "has expired"),
        (50_057, "Disabled", None, "disabled"),
        (50_072, "SecondFactorRequired", Some(true), "registered first"),
        (50_074, "SecondFactorRequired", Some(true), "second factor is wanted"),
        (50_076, "SecondFactorRequired", Some(true), "second factor is wanted"),
        (50_078, "SecondFactorRequired", Some(true), "second factor is wanted"),
        (50_079, "SecondFactorRequired", Some(true), "registered first"),
        (50_158, "SecondFactorRequired", Some(true), "another service"),
        (53_010, "SecondFactorRequired", Some(true), "elsewhere only"),
        (500_121, "SecondFactorRequired", Some(true), "second factor is wanted"),
        (53_000, "BlockedByPolicy", Some(true), "compliant device"),
        (53_001, "BlockedByPolicy", Some(true), "managed device"),
        (53_002, "BlockedByPolicy", Some(true), "approved or protected app"),
        (53_003, "BlockedByPolicy", Some(true), "conditional access"),
        (53_005, "BlockedByPolicy", Some(true), "approved or protected app"),
        (53_009, "BlockedByPolicy", Some(true), "approved or protected app"),
        (530_001, "BlockedByPolicy", Some(true), "conditional access"),
        (530_002, "BlockedByPolicy", Some(true), "compliant device"),
        (530_003, "BlockedByPolicy", Some(true), "managed device"),
        (530_021, "BlockedByPolicy", Some(true), "approved or protected app"),
        (530_032, "BlockedByPolicy", Some(true), "security policy"),
        (530_033, "BlockedByPolicy", Some(true), "managed device"),
        (530_035, "BlockedByPolicy", Some(true), "security defaults"),
        (530_084, "BlockedByPolicy", Some(true), "conditional access"),
        (50_097, "BlockedByPolicy", None, "managed device"),
        (50_131, "BlockedByPolicy", None, "doubts"),
        (50_155, "BlockedByPolicy", None, "managed device"),
        (50_135, "BlockedByRisk", None, "at risk"),
        (53_004, "BlockedByRisk", None, "at risk"),
        (53_011, "BlockedByRisk", None, "at risk"),
        (530_034, "BlockedByRisk", None, "at risk"),
        (50_056, "NotCheckedHere", None, "federated"),
        (50_107, "NotCheckedHere", None, "federated"),
        (20_012, "NotCheckedHere", None, "federated"),
        (50_105, "ApplicationRefused", None, "not assigned"),
        (65_001, "ApplicationRefused", None, "consented"),
        (90_094, "ApplicationRefused", None, "consented"),
        (500_011, "ApplicationRefused", None, "not set up"),
        (500_113, "ApplicationRefused", None, "reply address"),
        (700_016, "ApplicationRefused", None, "does not know it"),
        (700_011, "ApplicationRefused", None, "does not know it"),
        (7_000_112, "ApplicationRefused", None, "disabled in the tenant"),
        (7_000_218, "ApplicationRefused", None, "public client flows"),
        (50_058, "Inconclusive", None, "nobody is signed in"),
        (50_059, "Inconclusive", None, "no tenant has the domain"),
        (50_128, "Inconclusive", None, "no tenant has the domain"),
        (90_002, "Inconclusive", None, "no such tenant"),
        (90_038, "Inconclusive", None, "another cloud"),
        (500_021, "Inconclusive", None, "proxy"),
        (500_212, "Inconclusive", None, "between tenants"),
        (50_125, "Inconclusive", None, "register"),
        (50_196, "Inconclusive", None, "same requests"),
        (80_002, "Inconclusive", None, "Active Directory"),
        (80_014, "Inconclusive", None, "Active Directory"),
        (99_999, "Inconclusive", None, "the service's words"),
        (0, "Inconclusive", None, "the service's words"),
    ];

    #[test]
    fn every_code_is_told_as_what_it_is() {
        for (code, kind, right, words) in ROWS {
            let probe = SignInProbe::of_refusal(code, "the service's words");
            let debug = format!("{probe:?}");
            assert_eq!(debug.split([' ', '{']).next(), Some(kind), "{code}");
            assert_eq!(probe.password_is_right(), right, "{code}: {probe}");
            let told = probe.to_string();
            assert!(told.contains(words), "{code}: {told}");
            assert_eq!(told.contains("the password is right"), right == Some(true), "{code}: {told}");
            let with_code = debug.contains("code") && code != 0;
            assert_eq!(told.contains(&format!("AADSTS{code}")), with_code, "{code}: {told}");
        }
        assert_eq!(SignInProbe::Accepted.password_is_right(), Some(true));
        assert_eq!(SignInProbe::Accepted.to_string(), "name and password are accepted");
    }
}
