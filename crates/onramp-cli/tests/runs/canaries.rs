//! Canaries: which earlier run counts as one, and how one is continued.

use super::*;

fn with_canary() -> World {
    World { policy: PolicyRules::default().with_canary(4, 0), ..World::new() }
}

/// Stops a run while it waits for the replication of the users.
async fn stopped(world: &World) -> PathBuf {
    let job = world.job();
    let (token, folder) = (job.cancellation.clone(), job.folder.clone());
    let ended = Box::pin(job.run(accept, move |event| {
        if let Event::ChangeStarted { title, .. } = event
            && title == "wait for the new UPNs to replicate to all domain controllers"
        {
            token.cancel();
        }
    }))
    .await;
    assert!(ended.unwrap_err().is_cancelled());
    folder
}

#[tokio::test]
async fn a_canary_of_another_tenant_forest_or_spec_does_not_count() {
    let mut world = with_canary();
    assert_eq!(world.ended().await, Ended::CanaryDone);
    world.tenant = LabTenant::builder()
        .name("rehearsal")
        .seed(77)
        .auto_publish_dns(true)
        .clock(world.clock.clone())
        .build()
        .unwrap();
    assert_eq!(world.ended().await, Ended::CanaryDone, "another tenant");
    world.forest =
        LabForest::builder().domain("other.local").users(20).clock(world.clock.clone()).build().unwrap();
    assert_eq!(world.ended().await, Ended::CanaryDone, "another forest");
    world.spec = Spec::from_toml("domain = 'contoso.com'\n[users]\nexclude = ['administrator']\n").unwrap();
    assert_eq!(world.ended().await, Ended::CanaryDone, "another selection");
    assert_eq!(world.ended().await, Ended::Green, "the same again");
}

#[tokio::test]
async fn a_canary_that_was_stopped_is_finished_with_the_same_users_before_any_other_is_changed() {
    let world = with_canary();
    stopped(&world).await;
    let canary = world.changed().await;
    assert_eq!(canary.len(), 4);
    assert_eq!(world.ended().await, Ended::CanaryDone);
    assert_eq!(world.changed().await, canary);
    assert_eq!(world.ended().await, Ended::Green);
    assert!(world.changed().await.len() > 10);
}

#[tokio::test]
async fn a_canary_of_all_but_a_few_users_is_finished_first_too() {
    let mut world = with_canary();
    world.policy = PolicyRules::default().with_canary(10, 30);
    stopped(&world).await;
    let canary = world.changed().await;
    assert_eq!(world.ended().await, Ended::CanaryDone);
    assert_eq!(world.changed().await, canary);
    assert_eq!(world.ended().await, Ended::NotApproved, "fewer than a canary, and observed all the same");
    assert_eq!(world.changed().await, canary);
}

#[tokio::test]
async fn a_canary_whose_users_somebody_changed_stops_until_it_is_undone() {
    let world = with_canary();
    let forest = world.forest.clone();
    let first = stopped(&world).await;
    let guid = plan_in(&first).changes().iter().find_map(|planned| match &planned.change {
        onramp::Change::ChangeUpn { upn } => Some(upn.guid),
        _ => None,
    });
    let host = forest.controllers()[0].clone();
    forest.set_on(&host, &guid.unwrap(), "userPrincipalName", &["somebody@corp.local"]).unwrap();
    let (before, job) = (world.changed().await, world.job());
    let folder = job.folder.clone();
    assert_eq!(Box::pin(job.run(accept, |_| ())).await.unwrap(), Ended::NotApproved);
    assert!(!folder.join(JOURNAL).exists());
    assert_eq!(world.changed().await, before);
    assert_eq!(world.undo(&first).await, Ended::Green);
    assert_eq!(world.ended().await, Ended::CanaryDone);
    assert_eq!(world.changed().await.len(), 4);
}

#[tokio::test]
async fn a_verified_canary_whose_users_somebody_changed_back_does_not_lead_to_the_rest() {
    let world = with_canary();
    let (folder, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::CanaryDone);
    let guid = plan_in(&folder).changes().iter().find_map(|planned| match &planned.change {
        onramp::Change::ChangeUpn { upn } => Some(upn.guid),
        _ => None,
    });
    let host = world.forest.controllers()[0].clone();
    world.forest.set_on(&host, &guid.unwrap(), "userPrincipalName", &["back@corp.local"]).unwrap();
    assert_eq!(world.ended().await, Ended::NotApproved);
    assert_eq!(world.changed().await.len(), 3);
}

#[tokio::test]
async fn a_canary_that_was_reviewed_first_is_verified_as_one_and_counts() {
    let world = with_canary();
    let job = world.job();
    let folder = job.folder.clone();
    let planned = Box::pin(job.run(|_, _| Ok(Answer::PlanOnly), |_| ())).await.unwrap();
    assert_eq!(planned, Ended::Planned);
    let (_, ended) = world.apply_saved(&folder).await;
    assert_eq!(ended, Ended::CanaryDone);
    assert_eq!(world.changed().await.len(), 4);
    assert_eq!(world.ended().await, Ended::Green);
}

#[tokio::test]
async fn every_view_of_a_canary_says_that_it_is_one() {
    let world = with_canary();
    let (folder, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::CanaryDone);
    let plan = plan_in(&folder);
    let skipped = &plan.header().users_skipped;
    assert!(skipped.contains_key("left for after the canary"), "{skipped:?}");
    assert!(!skipped.contains_key("not listed in `only`"), "{skipped:?}");
    let all = plan.header().canary.as_ref().unwrap().of;
    assert!((5..=4 + skipped["left for after the canary"]).contains(&all));
    let said = format!("Canary of 4 of {all} users");
    let report = std::fs::read_to_string(folder.join(REPORT)).unwrap();
    assert!(!report.contains("Everything that was asked for is so"), "{report}");
    assert!(report.contains(&format!("{said}, verified; the rest waits for approval")), "{report}");
    let name = folder.file_name().unwrap().to_str().unwrap();
    for view in [world.list(), world.onramp(&["show", name]), world.onramp(&["audit", name])] {
        assert!(view.to_lowercase().contains("canary"), "{view}");
    }
    assert!(world.list().contains(&said.to_lowercase()), "{}", world.list());
}
