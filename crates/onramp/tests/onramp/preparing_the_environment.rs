//! The tutorial "preparing the environment": directory synchronization on, a UPN suffix, one user, several users.

use onramp::{Change, CheckStatus, Consequence, Report};
use onramp_core::forest::{SuffixOrigin, UserQuery};
use onramp_core::tenant::SyncState;
use onramp_core::{DomainName, UpnSuffix};

use crate::world::{World, approve_all, spec, upn_changes};

#[tokio::test]
async fn preparing_the_environment() {
    let mut world = World::new(120);
    let (tenant, forest) = (world.tenant.tenant(), world.forest.forest());
    let suffix = UpnSuffix::from(&DomainName::parse("contoso.com").unwrap());

    // The start: synchronization was never on and never ran, and the forest knows no suffix but its own.
    let status = tenant.sync.status().await.unwrap();
    assert_eq!((status.state, status.last_sync), (SyncState::NeverEnabled, None));
    assert!(!forest.suffixes.list().await.unwrap().iter().any(|offered| offered.suffix.is_same_as(&suffix)));

    // Directory synchronization on, which wants a confirmation that says how hard it is to take back.
    let sync = spec("domain = \"contoso.com\"\n[sync]\nenable = true\n");
    let plan = world.plan(&sync).await;
    let ids: Vec<String> = plan.consequences().iter().map(Consequence::id).collect();
    let confirmation = plan.consequences().iter().find(|c| **c == Consequence::SyncSwitchedOn).unwrap();
    assert!(confirmation.to_string().contains("72 hours"), "{confirmation}");
    let refusal = plan.clone().approve(ids.iter().filter(|id| *id != "sync-switched-on")).unwrap_err();
    assert_eq!(refusal.missing.len(), 1, "{refusal}");
    let approved = plan.approve(ids).unwrap();
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let status = tenant.sync.status().await.unwrap();
    assert_eq!((status.state, status.last_sync), (SyncState::Enabled, None), "on, and it never ran");

    // The domain is the tenant's, and every domain controller offers the suffix.
    assert!(tenant.domains.get(&DomainName::parse("contoso.com").unwrap()).await.unwrap().is_verified);
    let offered = forest.suffixes.list().await.unwrap();
    let offered = offered.iter().find(|offered| offered.suffix.is_same_as(&suffix)).unwrap();
    assert_ne!(offered.origin, SuffixOrigin::Domain);
    let base = world.forest.base();
    let partitions = onramp_core::DistinguishedName::parse(&format!("CN=Partitions,CN=Configuration,{base}"));
    let partitions = world.forest.find(&partitions.unwrap()).unwrap();
    for host in world.forest.controllers() {
        let suffixes = world.forest.values_on(&host, &partitions, "uPNSuffixes").unwrap();
        assert_eq!(suffixes, ["contoso.com"], "{host}");
    }
    assert!(world.verified(&sync, &approved).await.is_green());

    // One user, whom a colleague names as they write names.
    let all = world.plan(&spec("domain = \"contoso.com\"\n[users]\n")).await;
    let (_, one) = upn_changes(&all).remove(0);
    let before = one.before.clone().unwrap();
    let only = spec(&format!("domain = \"contoso.com\"\n[users]\nonly = [\"{before}\"]\n"));
    let plan = world.plan(&only).await;
    assert_eq!(
        upn_changes(&plan).into_iter().map(|(_, upn)| upn).collect::<Vec<_>>(),
        std::slice::from_ref(&one)
    );
    let approved = approve_all(plan);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    for host in world.forest.controllers() {
        let upn = world.forest.values_on(&host, &one.guid, "userPrincipalName").unwrap();
        assert_eq!(upn, [one.after.as_str()], "{host}");
    }
    let untouched = upn_changes(&all).remove(1).1;
    let user = forest.users.get(&untouched.guid).await.unwrap();
    assert_eq!(user.upn, untouched.before, "nobody else");

    // Several users: all that are left, and those that cannot be changed are named.
    let everybody = spec("domain = \"contoso.com\"\n[users]\n[sync]\nenable = true\n");
    let plan = world.plan(&everybody).await;
    assert_eq!(plan.users_changed(), all.users_changed() - 1);
    assert!(plan.changes().iter().all(|planned| {
        matches!(planned.change, Change::ChangeUpn { .. } | Change::AwaitReplication { .. })
    }));
    let approved = approve_all(plan);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    outcome.require_complete().unwrap();
    let users: Vec<_> =
        futures_util::TryStreamExt::try_collect::<Vec<_>>(forest.users.search(UserQuery::all()))
            .await
            .unwrap();
    for (_, upn) in upn_changes(approved.plan()) {
        let user = users.iter().find(|user| user.guid == upn.guid).unwrap();
        assert_eq!(user.upn.as_deref(), Some(upn.after.as_str()));
        for host in world.forest.controllers() {
            let there = world.forest.values_on(&host, &upn.guid, "userPrincipalName").unwrap();
            assert_eq!(there, [upn.after.as_str()], "{host}");
        }
    }
    let verification = world.verified(&everybody, &approved).await;
    assert!(verification.is_green(), "{verification:#?}");
    assert!(verification.checks.iter().any(|c| c.status == CheckStatus::TrueButForBlocked));
    let report = Report::new(approved.plan()).with_outcome(&outcome).with_verification(&verification);
    assert!(!report.to_html().unwrap().contains("Ready to synchronize"), "there is no service account yet");
    assert!(world.plan(&everybody).await.is_empty(), "and nothing is left to do");
}
