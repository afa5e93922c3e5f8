//! A cloud user, as plans and surveys name it.

use std::fmt;

use onramp_core::tenant::TenantUser;
use onramp_core::{ImmutableId, ObjectId, Upn, visible};
use serde::{Deserialize, Serialize};

/// A cloud user with a name, address or anchor of an AD user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CloudUser {
    /// Object ID.
    pub id: ObjectId,
    /// UPN.
    pub upn: Upn,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// True if it may sign in.
    pub is_enabled: bool,
    /// True if it is a guest (B2B collaboration).
    #[serde(default)]
    pub is_guest: bool,
    /// True if it is synchronized from a directory already.
    #[serde(default)]
    pub is_synchronized: bool,
    /// Source anchor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<ImmutableId>,
    /// The directory roles that it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

impl CloudUser {
    /// The cloud user that a tenant tells of, whose directory roles are not known yet.
    pub fn of(user: &TenantUser) -> Self {
        Self {
            id: user.id,
            upn: user.upn.clone(),
            display_name: user.display_name.clone(),
            is_enabled: user.account_enabled,
            is_guest: user.is_guest,
            is_synchronized: user.synchronized,
            anchor: user.immutable_id.clone(),
            roles: Vec::new(),
        }
    }
}

impl fmt::Display for CloudUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", visible(self.upn.as_str()))?;
        let mut notes: Vec<String> =
            self.display_name.iter().map(|name| format!("“{}”", visible(name))).collect();
        notes.extend(self.is_guest.then(|| "guest".to_owned()));
        notes.extend((!self.is_enabled).then(|| "disabled".to_owned()));
        notes.extend(self.is_synchronized.then(|| "synchronized from a directory".to_owned()));
        notes.extend((!self.roles.is_empty()).then(|| self.roles.join(", ")));
        if notes.is_empty() { Ok(()) } else { write!(f, " ({})", notes.join("; ")) }
    }
}
