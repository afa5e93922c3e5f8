//! The cloud users with the same names as an AD user, and the match that synchronization will make for each UPN that the AD
//! user may get.

use std::fmt;

use onramp_core::{ImmutableId, comparison_key, visible};
use serde::{Deserialize, Serialize};

use super::rules::{self, Facts, Verdict};
use super::{CloudUser, ConflictReason, MatchKind, MatchesBlocked, TenantFlags, UserRef};

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

impl CloudMatch {
    /// A match of an enabled AD user.
    pub fn new(user: UserRef, cloud: CloudUser, kind: MatchKind) -> Self {
        Self { user, display_name: None, is_enabled: true, cloud, kind }
    }
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

impl CloudConflict {
    /// A conflict of an enabled AD user.
    pub fn new(user: UserRef, cloud: CloudUser, reason: ConflictReason) -> Self {
        Self { user, display_name: None, is_enabled: true, cloud, reason }
    }
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
        let flags = TenantFlags::from(blocked);
        if let Some(cloud) = &self.by_anchor {
            if cloud.is_synchronized {
                // The same object already: synchronization updates it.
                joined = Some((cloud, None));
            } else {
                match rules::hard_match(&facts_of(cloud), &flags) {
                    Verdict::Refused(reason) => conflict(cloud, reason),
                    _ => joined = Some((cloud, Some(MatchKind::SourceAnchor))),
                }
            }
        } else {
            let smtp = self.by_smtp.as_ref().map(|cloud| (cloud, MatchKind::PrimarySmtp));
            for (cloud, kind) in smtp.into_iter().chain(by_upn.map(|cloud| (cloud, MatchKind::Upn))) {
                let verdict = match kind {
                    MatchKind::Upn => rules::soft_match_on_upn(&facts_of(cloud), &flags),
                    _ => rules::soft_match(&facts_of(cloud), &flags),
                };
                match (verdict, joined) {
                    (Verdict::Refused(reason), _) => conflict(cloud, reason),
                    (Verdict::NoMatch, _) | (_, Some(_)) => {}
                    (_, None) => joined = Some((cloud, Some(kind))),
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

    pub(super) fn cloud_users_mut(&mut self) -> impl Iterator<Item = &mut CloudUser> {
        let single = self.by_anchor.iter_mut().chain(self.by_smtp.iter_mut());
        let as_address = self.by_upn_as_address.iter_mut().map(|(_, cloud)| cloud);
        single.chain(self.by_upn.iter_mut()).chain(self.by_address.iter_mut()).chain(as_address)
    }
}

/// The facts about a cloud user whose roles are those that it names. The tenant's users port does not tell
/// `onPremisesObjectIdentifier`.
fn facts_of(cloud: &CloudUser) -> Facts {
    Facts {
        is_same_kind: true,
        has_other_anchor: Some(cloud.is_synchronized || cloud.anchor.is_some()),
        has_role: Some(!cloud.roles.is_empty()),
        is_mapped_to_another: Some(false),
    }
}
