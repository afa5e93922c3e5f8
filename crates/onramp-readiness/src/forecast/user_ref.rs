//! A reference to a user.

use std::fmt;

use onramp_core::forest::{ForestUser, UpnOwner};
use onramp_core::{DistinguishedName, ObjectGuid, visible};
use serde::{Deserialize, Serialize};

/// A reference to a user: an ID that survives renames, and names for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // made by steps of other crates, too
pub struct UserRef {
    /// `objectGUID`.
    pub guid: ObjectGuid,
    /// Distinguished name.
    pub dn: DistinguishedName,
    /// `sAMAccountName`.
    pub sam_account_name: String,
}

impl UserRef {
    /// The reference to a user of a forest.
    pub fn of(user: &ForestUser) -> Self {
        Self { guid: user.guid, dn: user.dn.clone(), sam_account_name: user.sam_account_name.clone() }
    }

    /// The reference to the holder of a UPN.
    pub fn of_holder(holder: &UpnOwner) -> Self {
        Self { guid: holder.guid, dn: holder.dn.clone(), sam_account_name: holder.sam_account_name.clone() }
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sam_account_name.as_str() {
            "" => write!(f, "{}", visible(self.dn.as_str())),
            name => write!(f, "{} ({})", visible(name), visible(self.dn.as_str())),
        }
    }
}
