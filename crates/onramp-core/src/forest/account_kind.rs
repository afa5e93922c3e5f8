//! The kind of an account.

use serde::{Deserialize, Serialize};

// Flags of `userAccountControl` ([MS-ADTS] 2.2.16).
const INTERDOMAIN_TRUST: u32 = 0x0800;
const WORKSTATION_TRUST: u32 = 0x1000;
const SERVER_TRUST: u32 = 0x2000;

/// The kind of an account, from its class and `userAccountControl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AccountKind {
    /// A person's account, or one that looks like it.
    User,
    /// A computer.
    Computer,
    /// A managed service account, standalone, group or delegated.
    ManagedServiceAccount,
    /// The account of a trust between domains.
    Trust,
}

impl AccountKind {
    /// Reads the kind off the object's classes and its `userAccountControl`.
    pub fn of<'a>(classes: impl IntoIterator<Item = &'a str>, user_account_control: u32) -> Self {
        let (mut computer, mut managed) = (false, false);
        for class in classes {
            computer |= class.eq_ignore_ascii_case("computer");
            managed |= class.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("msDS-"))
                && class.to_ascii_lowercase().ends_with("managedserviceaccount");
        }
        if managed {
            Self::ManagedServiceAccount
        } else if user_account_control & INTERDOMAIN_TRUST != 0 {
            Self::Trust
        } else if computer || user_account_control & (WORKSTATION_TRUST | SERVER_TRUST) != 0 {
            Self::Computer
        } else {
            Self::User
        }
    }
}
