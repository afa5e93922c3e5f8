//! The matches of AD users with cloud users that synchronization will make, and the conflicts that it will report.
//!
//! Sources: "Microsoft Entra Connect: When you have an existing tenant" and "Troubleshoot errors during
//! synchronization" (order of the match, InvalidSoftMatch, Existing Admin Role Conflict, hard-match hardening of 2026),
//! `Set-MsolDirSyncFeature` (primary SMTP address before UPN), KB 3190357 (`mail` where there is no `proxyAddresses`).

use std::fmt;

use onramp_core::tenant::TenantUser;
use onramp_core::{ImmutableId, ObjectId, Upn, comparison_key, visible};
use serde::{Deserialize, Serialize};

use crate::user_ref::UserRef;

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
    pub(crate) fn of(user: &TenantUser) -> Self {
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

/// An AD user and the cloud users with the same anchor, UPN or address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PossibleMatch {
    /// The AD user.
    pub user: UserRef,
    /// The display name.
    pub display_name: Option<String>,
    /// True if it may sign in. Synchronization takes disabled users, too.
    pub is_enabled: bool,
    /// The source anchor.
    pub anchor: ImmutableId,
    /// The current UPN.
    pub present_upn: Option<String>,
    /// The cloud user with its anchor.
    pub by_anchor: Option<CloudUser>,
    /// The cloud user whose primary SMTP address is the AD user's.
    pub by_smtp: Option<CloudUser>,
    /// The cloud users that have a UPN which the AD user has or may get.
    pub by_upn: Vec<CloudUser>,
    /// Other cloud users that have an address of the AD user as address or UPN.
    pub by_address: Vec<CloudUser>,
    /// Other cloud users that have as address a UPN which the AD user has or may get, each with that UPN.
    pub by_upn_as_address: Vec<(String, CloudUser)>,
}

/// A cloud user that synchronization will match with an AD user: the values of AD then replace those in the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CloudMatch {
    /// The AD user.
    pub user: UserRef,
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// True if the AD user may sign in.
    pub is_enabled: bool,
    /// The cloud user.
    pub cloud: CloudUser,
    /// The attribute that matches.
    pub kind: MatchKind,
}

impl fmt::Display for CloudMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by ", self.cloud)?;
        ad_user(f, &self.user, self.display_name.as_deref(), self.is_enabled)?;
        write!(f, ": {}", self.kind)
    }
}

/// A cloud user that has a name of an AD user and is not matched with it: synchronization will report an error, or
/// change a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CloudConflict {
    /// The AD user.
    pub user: UserRef,
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// True if the AD user may sign in.
    pub is_enabled: bool,
    /// The cloud user.
    pub cloud: CloudUser,
    /// The reason why they are not matched.
    pub reason: ConflictReason,
}

impl fmt::Display for CloudConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and ", self.cloud)?;
        ad_user(f, &self.user, self.display_name.as_deref(), self.is_enabled)?;
        write!(f, ": {}", self.reason)
    }
}

fn ad_user(f: &mut fmt::Formatter<'_>, user: &UserRef, name: Option<&str>, is_enabled: bool) -> fmt::Result {
    write!(f, "{user}")?;
    if let Some(name) = name {
        write!(f, " “{}”", visible(name))?;
    }
    if is_enabled { Ok(()) } else { f.write_str(", disabled in AD") }
}

/// The attribute on which an AD user and a cloud user match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MatchKind {
    /// The source anchor: a hard match.
    SourceAnchor,
    /// The primary SMTP address: a soft match.
    PrimarySmtp,
    /// The UPN: a soft match.
    Upn,
}

impl fmt::Display for MatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SourceAnchor => "hard match on the source anchor",
            Self::PrimarySmtp => "soft match on the primary SMTP address",
            Self::Upn => "soft match on the UPN",
        })
    }
}

/// The reason why an AD user and a cloud user with the same name are not matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ConflictReason {
    /// The cloud user holds an administrator role: never matched ("Existing Admin Role Conflict").
    AdministratorRole,
    /// The cloud user has the anchor of another object: `InvalidSoftMatch`.
    OtherAnchor,
    /// A match of a kind that the tenant blocks.
    MatchBlocked,
    /// The cloud user has the UPN, and the AD user is matched with another one: it will get a generated UPN.
    #[serde(rename = "upn-in-the-way")]
    UpnConflict,
    /// The cloud user has an address of the AD user: `AttributeValueMustBeUnique`.
    #[serde(rename = "address-in-the-way")]
    AddressConflict,
}

impl fmt::Display for ConflictReason {
    // The ID of a consequence has a digest of these sentences: an approval of an older plan must keep its ID.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdministratorRole => {
                "not joined, because the cloud user holds an administrator role; take the role away first"
            }
            Self::OtherAnchor => "not joined, because the cloud user has the source anchor of another object",
            Self::MatchBlocked => "not joined, because the tenant blocks this kind of match",
            Self::UpnConflict => "the cloud user has the UPN, so the AD user will get a made-up one",
            Self::AddressConflict => "the cloud user has an address of the AD user",
        })
    }
}

/// The kinds of match that the tenant blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MatchesBlocked {
    /// `blockSoftMatchEnabled`.
    pub soft: bool,
    /// `blockCloudObjectTakeoverThroughHardMatchEnabled`.
    pub hard: bool,
}

impl PossibleMatch {
    /// Returns the match and the conflicts that synchronization will find if the AD user has that UPN.
    pub fn forecast(
        &self,
        upn: Option<&str>,
        blocked: MatchesBlocked,
    ) -> (Option<CloudMatch>, Vec<CloudConflict>) {
        let upn = upn.map(comparison_key);
        let has_upn_as_address = (self.by_upn_as_address.iter())
            .filter(|(met, _)| upn.as_ref() == Some(&comparison_key(met)))
            .map(|(_, cloud)| cloud);
        let by_upn = self.by_upn.iter().find(|c| upn.as_ref() == Some(&comparison_key(c.upn.as_str())));
        let mut conflicts: Vec<CloudConflict> = Vec::new();
        let mut conflict = |cloud: &CloudUser, reason| {
            if conflicts.iter().all(|known| known.cloud.id != cloud.id) {
                conflicts.push(CloudConflict {
                    user: self.user.clone(),
                    display_name: self.display_name.clone(),
                    is_enabled: self.is_enabled,
                    cloud: cloud.clone(),
                    reason,
                });
            }
        };
        let mut joined: Option<(&CloudUser, Option<MatchKind>)> = None;
        if let Some(cloud) = &self.by_anchor {
            if cloud.is_synchronized {
                // The same object already: synchronization updates it.
                joined = Some((cloud, None));
            } else if !cloud.roles.is_empty() {
                conflict(cloud, ConflictReason::AdministratorRole);
            } else if blocked.hard {
                conflict(cloud, ConflictReason::MatchBlocked);
            } else {
                joined = Some((cloud, Some(MatchKind::SourceAnchor)));
            }
        } else {
            let smtp = self.by_smtp.as_ref().map(|cloud| (cloud, MatchKind::PrimarySmtp));
            for (cloud, kind) in smtp.into_iter().chain(by_upn.map(|cloud| (cloud, MatchKind::Upn))) {
                let refused = if cloud.is_synchronized || cloud.anchor.is_some() {
                    Some(ConflictReason::OtherAnchor)
                } else if !cloud.roles.is_empty() {
                    Some(ConflictReason::AdministratorRole)
                } else if blocked.soft {
                    Some(ConflictReason::MatchBlocked)
                } else {
                    None
                };
                match (refused, joined) {
                    (Some(reason), _) => conflict(cloud, reason),
                    (None, None) => joined = Some((cloud, Some(kind))),
                    (None, Some(_)) => {}
                }
            }
        }
        let is_joined = |cloud: &CloudUser| joined.is_some_and(|(mine, _)| mine.id == cloud.id);
        for cloud in by_upn.into_iter().filter(|cloud| !is_joined(cloud)) {
            conflict(cloud, ConflictReason::UpnConflict);
        }
        let by_address = self.by_smtp.iter().chain(&self.by_address).chain(has_upn_as_address);
        for cloud in by_address.filter(|cloud| !is_joined(cloud)) {
            conflict(cloud, ConflictReason::AddressConflict);
        }
        let taken = joined.and_then(|(cloud, kind)| {
            Some(CloudMatch {
                user: self.user.clone(),
                display_name: self.display_name.clone(),
                is_enabled: self.is_enabled,
                cloud: cloud.clone(),
                kind: kind?,
            })
        });
        (taken, conflicts)
    }

    pub(crate) fn cloud_users_mut(&mut self) -> impl Iterator<Item = &mut CloudUser> {
        let single = self.by_anchor.iter_mut().chain(self.by_smtp.iter_mut());
        let as_address = self.by_upn_as_address.iter_mut().map(|(_, cloud)| cloud);
        single.chain(self.by_upn.iter_mut()).chain(self.by_address.iter_mut()).chain(as_address)
    }
}
