//! The forecast for users of a forest, with the UPN that each is to get.

use onramp_core::forest::ForestUser;
use onramp_core::tenant::{RoleAssignment, RoleTemplateId, TenantUser};
use onramp_core::{DistinguishedName, ImmutableId, ObjectGuid, ObjectId, Upn};
use onramp_readiness::forecast::ConflictReason::*;
use onramp_readiness::forecast::{
    CloudIndex, ConflictReason, MatchKind, MatchesBlocked, PossibleMatch, note_roles,
};

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

fn blocked(soft: bool, hard: bool) -> MatchesBlocked {
    let mut blocked = MatchesBlocked::default();
    (blocked.soft, blocked.hard) = (soft, hard);
    blocked
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
    let mut without_upn = MatchesBlocked::default();
    without_upn.upn = true;
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
            blocked: blocked(true, false),
            ..case("soft match is blocked", vec![cloud(1, "anna@contoso.com")], None, &[(1, MatchBlocked)])
        },
        Case {
            blocked: blocked(true, false),
            ..case(
                "a hard match is not soft",
                vec![anchored(1, "x@contoso.com")],
                Some((1, MatchKind::SourceAnchor)),
                &[],
            )
        },
        Case {
            blocked: blocked(false, true),
            ..case("hard match is blocked", vec![anchored(1, "x@contoso.com")], None, &[(1, MatchBlocked)])
        },
        Case {
            blocked: without_upn,
            ..case("UPNs are not matched", vec![cloud(1, "anna@contoso.com")], None, &[(1, UpnConflict)])
        },
        Case {
            blocked: without_upn,
            ..case(
                "addresses are matched without UPNs",
                vec![addresses(cloud(1, "x@contoso.com"), &["SMTP:anna.reed@contoso.com"])],
                Some((1, MatchKind::PrimarySmtp)),
                &[],
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
            .map(|n| RoleAssignment::tenant_wide("1", RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR, id(*n)))
            .collect();
        note_roles(&mut met, &assignments);
        let (taken, conflicts) =
            met.first().map(|met| met.forecast(Some(upn.as_str()), case.blocked)).unwrap_or_default();
        assert_eq!(taken.map(|t| (t.cloud.id, t.kind)), case.taken.map(|(n, k)| (id(n), k)), "{}", case.what);
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
