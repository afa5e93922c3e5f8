//! The search for cloud users that match AD users.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::ForestUser;
use onramp_core::tenant::{RoleAssignment, TenantUser};
use onramp_core::{ObjectId, Upn, comparison_key};

use crate::cloud_match::{CloudUser, PossibleMatch};

use crate::user_ref::UserRef;

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
    use super::*;
    use crate::cloud_match::ConflictReason::*;
    use crate::cloud_match::{ConflictReason, MatchKind, MatchesBlocked};
    use onramp_core::{DistinguishedName, ImmutableId, ObjectGuid};

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
