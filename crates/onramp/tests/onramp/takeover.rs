//! The forecast of what synchronization will do with cloud users, through a whole survey.

use futures_util::StreamExt;
use onramp::{CloudMatch, ConflictReason, Consequence, MatchKind, Plan};
use onramp_core::ImmutableId;
use onramp_core::tenant::RoleTemplateId;

use crate::small::{add, build, cloud, id, ids, plan_users, set, verified, with_cloud};
use crate::world::{World, spec};

const WITH_SYNC: &str = "domain = \"contoso.com\"\n[users]\n[sync]\nenable = true\n";

fn matches(plan: &Plan) -> Vec<CloudMatch> {
    let found = plan.consequences().iter().find_map(|consequence| match consequence {
        Consequence::CloudUsersOverwritten { matches } => Some(matches.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn taken(plan: &Plan) -> Vec<(String, MatchKind)> {
    matches(plan).iter().map(|m| (m.cloud.upn.to_string(), m.kind)).collect()
}

fn conflicts(plan: &Plan) -> Vec<(String, ConflictReason)> {
    let found = plan.consequences().iter().find_map(|consequence| match consequence {
        Consequence::SyncConflictsExpected { conflicts } => Some(conflicts.clone()),
        _ => None,
    });
    found.unwrap_or_default().iter().map(|c| (c.cloud.upn.to_string(), c.reason)).collect()
}

async fn forecast(world: &World) -> Plan {
    world.plan(&spec(WITH_SYNC)).await
}

#[tokio::test]
async fn plain_mail_is_what_is_matched_without_proxy_addresses() {
    let world =
        with_cloud([cloud("ceo@contoso.onmicrosoft.com").with_proxy_addresses(["SMTP:boss@contoso.com"])]);
    let erin = add(&world, "erin", Some("erin@corp.local"));
    set(&world, &erin, "mail", &["boss@contoso.com"]);
    let plan = forecast(&world).await;
    assert_eq!(taken(&plan), [("ceo@contoso.onmicrosoft.com".to_owned(), MatchKind::PrimarySmtp)]);
    id(&plan, "cloud-users-overwritten:1:");
    set(&world, &erin, "proxyAddresses", &["SMTP:erin@contoso.com"]);
    set(&world, &erin, "mail", &["erin@contoso.com"]);
    assert!(taken(&forecast(&world).await).is_empty());
}

#[tokio::test]
async fn the_mailbox_goes_before_the_name_and_the_other_is_in_the_way() {
    let world = with_cloud([
        cloud("anna@contoso.com"),
        cloud("a.reed@contoso.onmicrosoft.com").with_proxy_addresses(["SMTP:anna.reed@contoso.com"]),
    ]);
    let anna = add(&world, "anna", Some("anna@corp.local"));
    set(&world, &anna, "proxyAddresses", &["SMTP:anna.reed@contoso.com"]);
    let plan = forecast(&world).await;
    assert_eq!(taken(&plan), [("a.reed@contoso.onmicrosoft.com".to_owned(), MatchKind::PrimarySmtp)]);
    assert_eq!(conflicts(&plan), [("anna@contoso.com".to_owned(), ConflictReason::UpnConflict)]);
}

#[tokio::test]
async fn an_administrator_is_not_taken_over() {
    let admin = RoleTemplateId::by_name("Global Administrator").unwrap();
    let world = with_cloud([cloud("it.lead@contoso.com").with_role(admin)]);
    add(&world, "it.lead", Some("it.lead@corp.local"));
    let plan = forecast(&world).await;
    assert!(taken(&plan).is_empty());
    assert_eq!(conflicts(&plan), [("it.lead@contoso.com".to_owned(), ConflictReason::AdministratorRole)]);
    let members =
        plan.consequences().iter().find(|c| c.id().starts_with("sync-conflicts")).unwrap().members();
    assert!(
        members[0].contains("Global Administrator") && members[0].contains("take the role away"),
        "{members:?}"
    );
}

#[tokio::test]
async fn twins_with_another_anchor_are_conflicts() {
    let odd = ["AAAAAAAAAAAAAAAAAAAAAA==", "anna@contoso.com", &"ab".repeat(32)];
    for anchor in odd {
        for synchronized in [false, true] {
            let mut twin = cloud("anna@contoso.com").with_anchor(anchor);
            if synchronized {
                twin = twin.synchronized();
            }
            let world = with_cloud([twin]);
            add(&world, "anna", Some("anna@corp.local"));
            let plan = forecast(&world).await;
            assert!(taken(&plan).is_empty(), "{anchor}");
            assert_eq!(
                conflicts(&plan),
                [("anna@contoso.com".to_owned(), ConflictReason::OtherAnchor)],
                "{anchor}"
            );
        }
    }
}

#[tokio::test]
async fn the_same_anchor_is_a_hard_match_and_its_own_object_no_match() {
    for synchronized in [false, true] {
        let probe = with_cloud([]);
        let guid = add(&probe, "anna", Some("anna@corp.local"));
        let mut twin = cloud("other.name@contoso.com").with_immutable_id(ImmutableId::from_guid(&guid));
        if synchronized {
            twin = twin.synchronized();
        }
        // The lab makes the same user again.
        let world = with_cloud([twin]);
        assert_eq!(add(&world, "anna", Some("anna@corp.local")), guid);
        let plan = forecast(&world).await;
        match synchronized {
            false => {
                assert_eq!(taken(&plan), [("other.name@contoso.com".to_owned(), MatchKind::SourceAnchor)])
            }
            true => assert!(taken(&plan).is_empty() && conflicts(&plan).is_empty()),
        }
    }
}

#[tokio::test]
async fn who_is_blocked_is_matched_by_the_name_that_stays() {
    let world = with_cloud([cloud("anna@fabrikam.com"), cloud("anna@contoso.com")]);
    let blocked = add(&world, "anna1", Some("anna@fabrikam.com"));
    let holder = add(&world, "anna2", Some("anna@contoso.com"));
    let plan = forecast(&world).await;
    assert_eq!(plan.blockers().len(), 1, "{:?}", plan.blockers());
    let mut parties: Vec<_> = matches(&plan).iter().map(|m| (m.user.guid, m.cloud.upn.to_string())).collect();
    parties.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(parties, [(holder, "anna@contoso.com".to_owned()), (blocked, "anna@fabrikam.com".to_owned())]);
}

#[tokio::test]
async fn a_name_that_the_plan_takes_away_is_not_matched() {
    let world = with_cloud([cloud("anna@fabrikam.com")]);
    add(&world, "anna", Some("anna@fabrikam.com"));
    assert!(taken(&forecast(&world).await).is_empty());
    let partial =
        "domain = \"contoso.com\"\n[users]\nous = ['CN=Users,DC=corp,DC=local']\n[sync]\nenable = true\n";
    assert!(taken(&world.plan(&spec(partial)).await).is_empty());
}

#[tokio::test]
async fn those_outside_of_the_selection_are_matched_by_what_they_have() {
    let world = with_cloud([cloud("anna@contoso.com"), cloud("bob@contoso.com")]);
    add(&world, "anna", Some("anna@contoso.com"));
    add(&world, "bob", Some("bob@corp.local"));
    for lines in ["only = ['bob']", "filter = '(sAMAccountName=bob)'", "exclude = ['anna']"] {
        let text = format!("domain = \"contoso.com\"\n[users]\n{lines}\n[sync]\nenable = true\n");
        let plan = world.plan(&spec(&text)).await;
        let mut both: Vec<String> = taken(&plan).into_iter().map(|(upn, _)| upn).collect();
        both.sort();
        assert_eq!(both, ["anna@contoso.com", "bob@contoso.com"], "{lines}");
    }
    let sync_only = world.plan(&spec("domain = \"contoso.com\"\n[sync]\nenable = true\n")).await;
    assert_eq!(taken(&sync_only), [("anna@contoso.com".to_owned(), MatchKind::Upn)]);
    assert!(taken(&plan_users(&world, "").await).is_empty(), "nothing is synchronized");
}

#[tokio::test]
async fn where_synchronization_is_on_those_are_matched_who_get_a_new_name() {
    let users = [cloud("anna@contoso.com"), cloud("bob@contoso.com")];
    let world = build(|forest| forest, |tenant| verified(tenant).sync_enabled(Some(true)).seed_users(users));
    add(&world, "anna", Some("anna@corp.local"));
    add(&world, "bob", Some("bob@corp.local"));
    let plan = plan_users(&world, "only = ['bob']").await;
    assert_eq!(taken(&plan), [("bob@contoso.com".to_owned(), MatchKind::Upn)]);
    assert!(!ids(&plan).contains(&"sync-switched-on".to_owned()));
}

#[tokio::test]
async fn guests_and_disabled_twins_are_shown_as_what_they_are() {
    let world = with_cloud([
        cloud("anna_fabrikam.com#EXT#@contoso.onmicrosoft.com")
            .guest()
            .with_proxy_addresses(["SMTP:anna@fabrikam.com"]),
        cloud("amarsh@contoso.com").with_display_name("Alfreda Marsh").disabled(),
    ]);
    let anna = add(&world, "anna", Some("anna@corp.local"));
    set(&world, &anna, "mail", &["anna@fabrikam.com"]);
    let marsh = add(&world, "amarsh", Some("amarsh@corp.local"));
    set(&world, &marsh, "displayName", &["Anthony Marsh"]);
    set(&world, &marsh, "userAccountControl", &["514"]);
    let plan = forecast(&world).await;
    let text = plan.consequences().iter().flat_map(Consequence::members).collect::<Vec<_>>().join("\n");
    assert!(text.contains("guest"), "{text}");
    for word in ["Alfreda Marsh", "Anthony Marsh", "disabled in AD", "; disabled"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    // Left out of the renaming, the disabled user is synchronized all the same, by the name that it keeps.
    set(&world, &marsh, "userPrincipalName", &["amarsh@contoso.com"]);
    let text = "domain = \"contoso.com\"\n[users]\nskip_disabled = true\n[sync]\nenable = true\n";
    let plan = world.plan(&spec(text)).await;
    assert!(taken(&plan).contains(&("amarsh@contoso.com".to_owned(), MatchKind::Upn)));
}

#[tokio::test]
async fn names_and_addresses_conflict_across_kinds() {
    // The AD user's new UPN is a cloud user's address, and the AD user's address a cloud user's UPN.
    let world = with_cloud([
        cloud("x@contoso.com").with_proxy_addresses(["SMTP:x@contoso.com", "smtp:anna@contoso.com"]),
        cloud("reed@contoso.com"),
    ]);
    let anna = add(&world, "anna", Some("anna@corp.local"));
    set(&world, &anna, "proxyAddresses", &["SMTP:anna.reed@contoso.com", "smtp:reed@contoso.com"]);
    let mut found = conflicts(&forecast(&world).await);
    found.sort();
    assert_eq!(
        found,
        [
            ("reed@contoso.com".to_owned(), ConflictReason::AddressConflict),
            ("x@contoso.com".to_owned(), ConflictReason::AddressConflict)
        ]
    );
    // An address in the way of a name that the user does not get is none.
    let plan = world
        .plan(&spec("domain = \"contoso.com\"\n[users]\nexclude = ['anna']\n[sync]\nenable = true\n"))
        .await;
    assert_eq!(conflicts(&plan), [("reed@contoso.com".to_owned(), ConflictReason::AddressConflict)]);
}

#[tokio::test]
async fn a_new_verified_domain_in_a_tenant_that_synchronizes_is_a_consequence() {
    for on in [true, false] {
        let world = build(
            |forest| forest,
            |tenant| {
                tenant.sync_enabled(Some(on)).seed_user(cloud("x@contoso.onmicrosoft.com").synchronized())
            },
        );
        let plan = world.plan(&spec("domain = 'sub.contoso.com'\n")).await;
        let said = ids(&plan).contains(&"domain-verified-while-synchronizing:sub.contoso.com".to_owned());
        assert_eq!(said, on, "{:?}", ids(&plan));
    }
}

#[tokio::test]
async fn names_from_either_side_are_shown_without_control_characters() {
    let world = with_cloud([cloud("anna@contoso.com").with_display_name("x\u{1b}[2K\u{202e}y")]);
    let anna = add(&world, "anna", Some("anna@corp.local"));
    set(&world, &anna, "displayName", &["a\u{1b}[1Ab"]);
    set(&world, &anna, "sAMAccountName", &["an\u{7}na"]);
    let plan = forecast(&world).await;
    let mut told: Vec<String> = plan.consequences().iter().flat_map(Consequence::members).collect();
    told.extend(plan.consequences().iter().map(ToString::to_string));
    told.extend(plan.changes().iter().map(|planned| planned.change.to_string()));
    let text = told.concat();
    assert!(text.contains("\\u{1b}[2K") && text.contains("\\u{202e}"), "{text:?}");
    assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
}

#[tokio::test]
async fn the_next_name_of_a_chain_is_compared_with_the_cloud() {
    let world = with_cloud([cloud("c@contoso.com")]);
    add(&world, "one", Some("a@contoso.com"));
    add(&world, "two", Some("b@contoso.com"));
    let map = "[users.map]\n'a@contoso.com' = 'b@contoso.com'\n'b@contoso.com' = 'c@contoso.com'\n";
    let plan = world.plan(&spec(&format!("{WITH_SYNC}{map}"))).await;
    assert_eq!(taken(&plan), [("c@contoso.com".to_owned(), MatchKind::Upn)]);
}

#[tokio::test]
async fn the_users_of_the_tenant_are_counted() {
    let world = with_cloud([cloud("c@contoso.com"), cloud("d@contoso.com")]);
    add(&world, "anna", Some("anna@corp.local"));
    let all = world.tenant.tenant().users.list().count().await as u64;
    let survey = world.onramp().survey(&spec(WITH_SYNC)).await.unwrap();
    assert!(all >= 2);
    assert_eq!(survey.counts.tenant_users, all);
}
