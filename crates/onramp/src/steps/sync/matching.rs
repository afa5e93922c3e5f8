//! The matches of AD users with cloud users that synchronization will make, and the conflicts that it will report.
//!
//! Sources: "Microsoft Entra Connect: When you have an existing tenant" and "Troubleshoot errors during
//! synchronization" (order of the match, InvalidSoftMatch, Existing Admin Role Conflict, hard-match hardening of 2026),
//! `Set-MsolDirSyncFeature` (primary SMTP address before UPN), KB 3190357 (`mail` where there is no `proxyAddresses`).

use std::collections::{HashMap, HashSet};
use std::fmt;

use onramp_core::forest::ForestUser;
use onramp_core::tenant::{RoleAssignment, TenantUser};
use onramp_core::{ImmutableId, ObjectId, Upn, comparison_key, visible};
use serde::{Deserialize, Serialize};

use crate::steps::users::UserRef;

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
    fn of(user: &TenantUser) -> Self {
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

    fn cloud_users_mut(&mut self) -> impl Iterator<Item = &mut CloudUser> {
        let single = self.by_anchor.iter_mut().chain(self.by_smtp.iter_mut());
        let as_address = self.by_upn_as_address.iter_mut().map(|(_, cloud)| cloud);
        single.chain(self.by_upn.iter_mut()).chain(self.by_address.iter_mut()).chain(as_address)
    }
}

/// Adds the directory roles of the cloud users.
pub(crate) fn note_roles(matches: &mut [PossibleMatch], assignments: &[RoleAssignment]) {
    let mut roles: HashMap<ObjectId, Vec<String>> = HashMap::new();
    for assignment in assignments {
        roles.entry(assignment.principal).or_default().push(assignment.role.to_string());
    }
    for cloud in matches.iter_mut().flat_map(PossibleMatch::cloud_users_mut) {
        cloud.roles = roles.get(&cloud.id).cloned().unwrap_or_default();
    }
}

/// The users of the tenant, indexed by the attributes that synchronization matches.
#[derive(Debug, Default)]
pub(crate) struct CloudIndex {
    users: Vec<CloudUser>,
    by_anchor: HashMap<String, usize>,
    by_upn: HashMap<String, usize>,
    by_smtp: HashMap<String, usize>,
    by_address: HashMap<String, usize>,
}

impl CloudIndex {
    pub(crate) fn add(&mut self, user: &TenantUser) {
        let place = self.users.len();
        self.users.push(CloudUser::of(user));
        if let Some(anchor) = &user.immutable_id {
            self.by_anchor.insert(anchor.as_str().to_owned(), place);
        }
        self.by_upn.insert(comparison_key(user.upn.as_str()), place);
        if let Some(smtp) = user.primary_smtp() {
            self.by_smtp.insert(comparison_key(smtp), place);
        }
        for address in user.proxy_addresses.iter().filter_map(|address| smtp_address(address)) {
            self.by_address.insert(comparison_key(address), place);
        }
    }

    /// Returns the cloud users with a name, address or the anchor of an AD user, if there are any. `wanted` is the UPN
    /// that the user is to get.
    pub(crate) fn find_matches(&self, user: &ForestUser, wanted: Option<&Upn>) -> Option<PossibleMatch> {
        if self.users.is_empty() {
            return None;
        }
        let at = |index: &HashMap<String, usize>, text: &str| index.get(&comparison_key(text)).copied();
        let anchor = user.source_anchor();
        let by_anchor = self.by_anchor.get(anchor.as_str()).copied();
        let is_itself = |place: usize| {
            by_anchor == Some(place) && self.users.get(place).is_some_and(|cloud| cloud.is_synchronized)
        };
        let mut by_upn: Vec<usize> = Vec::new();
        let mut by_upn_as_address: Vec<(String, usize)> = Vec::new();
        for upn in user.upn.as_deref().into_iter().chain(wanted.map(Upn::as_str)) {
            by_upn.extend(at(&self.by_upn, upn.trim()).filter(|place| !is_itself(*place)));
            let place = at(&self.by_address, upn).filter(|place| !is_itself(*place));
            by_upn_as_address.extend(place.map(|place| (upn.to_owned(), place)));
        }
        by_upn.dedup();
        let by_smtp =
            user.primary_smtp().and_then(|smtp| at(&self.by_smtp, smtp)).filter(|place| !is_itself(*place));
        let addresses = user.proxy_addresses.iter().filter_map(|address| smtp_address(address));
        let mut seen: HashSet<usize> = by_smtp.into_iter().chain(by_anchor).collect();
        let by_address: Vec<usize> = addresses
            .chain(user.mail.as_deref().map(str::trim))
            .flat_map(|address| [at(&self.by_address, address), at(&self.by_upn, address)])
            .flatten()
            .filter(|place| seen.insert(*place))
            .collect();
        let hard = by_anchor.filter(|place| !is_itself(*place));
        let has_none = by_upn.is_empty() && by_smtp.is_none() && by_address.is_empty();
        if hard.is_none() && has_none && by_upn_as_address.is_empty() {
            return None;
        }
        let get = |place: usize| self.users.get(place).cloned();
        Some(PossibleMatch {
            user: UserRef::of(user),
            display_name: user.display_name.clone(),
            is_enabled: user.is_enabled(),
            anchor,
            present_upn: user.upn.clone(),
            by_anchor: by_anchor.and_then(get),
            by_smtp: by_smtp.and_then(get),
            by_upn: by_upn.into_iter().filter_map(get).collect(),
            by_address: by_address.into_iter().filter_map(get).collect(),
            by_upn_as_address: (by_upn_as_address.into_iter())
                .filter_map(|(upn, place)| Some((upn, get(place)?)))
                .collect(),
        })
    }
}

/// Returns the address in a proxy address of type SMTP, primary or not.
pub(crate) fn smtp_address(proxy: &str) -> Option<&str> {
    let (kind, address) = proxy.split_once(':')?;
    kind.eq_ignore_ascii_case("smtp").then_some(address.trim())
}

#[cfg(test)]
mod tests {
    use super::ConflictReason::*;
    use super::*;
    use onramp_core::{DistinguishedName, ObjectGuid};

    /// A case: cloud users, and what is forecast for Anna, who has `anna@contoso.com`, `SMTP:anna.reed@contoso.com` and
    /// the secondary address `reed@contoso.com`.
    struct Case {
        what: &'static str,
        cloud: Vec<TenantUser>,
        admins: &'static [u8],
        blocked: MatchesBlocked,
        taken: Option<(u8, MatchKind)>,
        conflicts: &'static [(u8, ConflictReason)],
    }

    fn cloud(number: u8, upn: &str) -> TenantUser {
        TenantUser::new(id(number), Upn::parse(upn).unwrap())
    }

    fn id(number: u8) -> ObjectId {
        ObjectId::from_u128(u128::from(number))
    }

    fn with(mut user: TenantUser, change: impl FnOnce(&mut TenantUser)) -> TenantUser {
        change(&mut user);
        user
    }

    fn addresses(user: TenantUser, all: &[&str]) -> TenantUser {
        with(user, |user| user.proxy_addresses = all.iter().map(|a| (*a).to_owned()).collect())
    }

    fn anna() -> ForestUser {
        let dn = DistinguishedName::parse("CN=Anna,OU=Staff,DC=corp,DC=local").unwrap();
        let mut user = ForestUser::new(ObjectGuid::from_bytes([9; 16]), dn, "anna");
        user.upn = Some("anna@corp.local".into());
        user.mail = Some("anna.reed@contoso.com".into());
        user.proxy_addresses = vec!["smtp:reed@contoso.com".into(), "SMTP:anna.reed@contoso.com".into()];
        user
    }

    fn cases() -> Vec<Case> {
        let case = |what, cloud, taken, conflicts| Case {
            what,
            cloud,
            admins: &[],
            blocked: MatchesBlocked::default(),
            taken,
            conflicts,
        };
        let anchored =
            |number, upn: &str| with(cloud(number, upn), |u| u.immutable_id = Some(anna().source_anchor()));
        let foreign = |number, upn: &str| {
            with(cloud(number, upn), |u| {
                u.immutable_id = Some(ImmutableId::from_guid(&ObjectGuid::from_bytes([1; 16])))
            })
        };
        vec![
            case("nobody is met", vec![cloud(1, "bob@contoso.com")], None, &[]),
            case("by UPN", vec![cloud(1, "ANNA@contoso.com")], Some((1, MatchKind::Upn)), &[]),
            case(
                "by primary SMTP address",
                vec![addresses(cloud(1, "x@contoso.onmicrosoft.com"), &["SMTP:Anna.Reed@contoso.com"])],
                Some((1, MatchKind::PrimarySmtp)),
                &[],
            ),
            case(
                "SMTP goes before UPN, and who has the UPN is in the way",
                vec![
                    cloud(1, "anna@contoso.com"),
                    addresses(cloud(2, "a.reed@contoso.onmicrosoft.com"), &["SMTP:anna.reed@contoso.com"]),
                ],
                Some((2, MatchKind::PrimarySmtp)),
                &[(1, UpnConflict)],
            ),
            case(
                "the anchor goes before all",
                vec![
                    anchored(1, "x@contoso.com"),
                    cloud(2, "anna@contoso.com"),
                    addresses(cloud(3, "y@contoso.com"), &["SMTP:anna.reed@contoso.com"]),
                ],
                Some((1, MatchKind::SourceAnchor)),
                &[(2, UpnConflict), (3, AddressConflict)],
            ),
            case(
                "who is synchronized already is not taken over",
                vec![with(anchored(1, "anna@contoso.com"), |u| u.synchronized = true)],
                None,
                &[],
            ),
            case("another anchor", vec![foreign(1, "anna@contoso.com")], None, &[(1, OtherAnchor)]),
            case(
                "another anchor, synchronized",
                vec![with(foreign(1, "anna@contoso.com"), |u| u.synchronized = true)],
                None,
                &[(1, OtherAnchor)],
            ),
            case(
                "another anchor by SMTP, and a free twin by UPN",
                vec![
                    addresses(foreign(1, "x@contoso.com"), &["SMTP:anna.reed@contoso.com"]),
                    cloud(2, "anna@contoso.com"),
                ],
                Some((2, MatchKind::Upn)),
                &[(1, OtherAnchor)],
            ),
            case(
                "a secondary address is a conflict and no match",
                vec![addresses(cloud(1, "x@contoso.com"), &["SMTP:x@contoso.com", "smtp:reed@contoso.com"])],
                None,
                &[(1, AddressConflict)],
            ),
            case("the old UPN does not count", vec![cloud(1, "anna@corp.local")], None, &[]),
            Case {
                admins: &[1],
                ..case(
                    "an administrator by UPN",
                    vec![cloud(1, "anna@contoso.com")],
                    None,
                    &[(1, AdministratorRole)],
                )
            },
            Case {
                admins: &[1],
                ..case(
                    "an administrator by anchor",
                    vec![anchored(1, "x@contoso.com")],
                    None,
                    &[(1, AdministratorRole)],
                )
            },
            Case {
                blocked: MatchesBlocked { soft: true, hard: false },
                ..case(
                    "soft match is blocked",
                    vec![cloud(1, "anna@contoso.com")],
                    None,
                    &[(1, MatchBlocked)],
                )
            },
            Case {
                blocked: MatchesBlocked { soft: true, hard: false },
                ..case(
                    "a hard match is not soft",
                    vec![anchored(1, "x@contoso.com")],
                    Some((1, MatchKind::SourceAnchor)),
                    &[],
                )
            },
            Case {
                blocked: MatchesBlocked { soft: false, hard: true },
                ..case(
                    "hard match is blocked",
                    vec![anchored(1, "x@contoso.com")],
                    None,
                    &[(1, MatchBlocked)],
                )
            },
        ]
    }

    #[test]
    fn each_case_is_forecast_as_the_documents_say() {
        let upn = Upn::parse("anna@contoso.com").unwrap();
        for case in cases() {
            let mut index = CloudIndex::default();
            case.cloud.iter().for_each(|user| index.add(user));
            let mut met: Vec<PossibleMatch> = index.find_matches(&anna(), Some(&upn)).into_iter().collect();
            let assignments: Vec<RoleAssignment> = case
                .admins
                .iter()
                .map(|n| {
                    RoleAssignment::tenant_wide(
                        "1",
                        onramp_core::tenant::RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR,
                        id(*n),
                    )
                })
                .collect();
            note_roles(&mut met, &assignments);
            let (taken, conflicts) =
                met.first().map(|met| met.forecast(Some(upn.as_str()), case.blocked)).unwrap_or_default();
            assert_eq!(
                taken.map(|t| (t.cloud.id, t.kind)),
                case.taken.map(|(n, k)| (id(n), k)),
                "{}",
                case.what
            );
            let found: Vec<_> = conflicts.iter().map(|c| (c.cloud.id, c.reason)).collect();
            let wanted: Vec<_> = case.conflicts.iter().map(|(n, reason)| (id(*n), *reason)).collect();
            assert_eq!(found, wanted, "{}", case.what);
        }
    }

    #[test]
    fn mail_stands_in_where_there_are_no_proxy_addresses() {
        let mut user = anna();
        user.proxy_addresses.clear();
        let mut index = CloudIndex::default();
        index.add(&addresses(cloud(1, "x@contoso.com"), &["SMTP:anna.reed@contoso.com"]));
        let met = index.find_matches(&user, None).unwrap();
        let (taken, _) = met.forecast(user.upn.as_deref(), MatchesBlocked::default());
        assert_eq!(taken.unwrap().kind, MatchKind::PrimarySmtp);
    }

    #[test]
    fn a_match_names_both_and_their_states() {
        let mut user = anna();
        user.display_name = Some("Anthony Marsh".into());
        user.user_account_control |= 2;
        let mut index = CloudIndex::default();
        index.add(&with(cloud(1, "anna@contoso.com"), |u| {
            u.display_name = Some("Alfreda Marsh".into());
            u.is_guest = true;
            u.account_enabled = false;
        }));
        let met = index.find_matches(&user, Some(&Upn::parse("anna@contoso.com").unwrap())).unwrap();
        let (taken, _) = met.forecast(Some("anna@contoso.com"), MatchesBlocked::default());
        assert_eq!(
            taken.unwrap().to_string(),
            "anna@contoso.com (“Alfreda Marsh”; guest; disabled) by anna (CN=Anna,OU=Staff,DC=corp,DC=local) \
             “Anthony Marsh”, disabled in AD: soft match on the UPN"
        );
    }
}
