//! Domain controllers that do not answer, or are none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use onramp::replication::{ReplicationExt, WaitOptions};
use onramp::{ApplyStatus, CheckStatus};
use onramp_core::forest::ReplicatedValue;
use onramp_core::mock::{MockReplication, MockReplicationMetadata};
use onramp_core::{Error, ErrorKind};
use onramp_lab::forest::LabDomain;

use crate::odd::{noting, with_replication};
use crate::world::{World, spec, upn_changes};

const USERS: &str = "domain = \"contoso.com\"\n[users]\n[waits]\nreplication_minutes = 1\n";

#[tokio::test]
async fn one_that_never_answers_is_left_out_by_name_and_the_job_can_be_finished() {
    let mut world = World::of(20, |forest| forest.controllers(3), |tenant| tenant);
    let down = world.forest.controllers()[2].clone();
    world.forest.stop_controller(&down).unwrap();
    let spec = spec(USERS);
    let plan = world.plan(&spec).await;
    let id = format!("controller-left-out:{down}");
    assert!(plan.consequences().iter().any(|consequence| consequence.id() == id));
    let others: Vec<String> =
        plan.consequences().iter().map(|c| c.id()).filter(|other| *other != id).collect();
    assert!(plan.approve(others).is_err(), "by name only");

    let approved = world.done(&spec).await;
    let waits: Vec<_> = world.events.lock().unwrap().iter().map(ToString::to_string).collect();
    assert!(waits.iter().any(|text| text.contains(&format!("left out: {down}"))), "{waits:#?}");
    let verification = world.onramp().verify(&spec, Some(&approved), None).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
    let check = verification.checks.iter().find(|c| c.name.contains("suffix")).unwrap();
    assert_eq!(check.status, CheckStatus::TrueButForBlocked);
    assert!(check.detail.contains(&format!("left out: {down}")), "{check:?}");
    // Who left it out by no plan does not get green.
    assert!(!world.onramp().verify(&spec, None, None).await.unwrap().is_green());
}

#[tokio::test]
async fn one_that_goes_down_after_the_job_is_not_green_also_for_a_domain_of_the_forest() {
    for domain in ["contoso.com", "corp.contoso.com"] {
        let of = if domain == "contoso.com" { "corp.local" } else { domain };
        let mut world = World::of(8, |forest| forest.domain(of), |tenant| tenant);
        let text = format!("domain = \"{domain}\"\n[users]\n");
        let spec = spec(&text);
        let approved = world.done(&spec).await;
        assert!(world.verified(&spec, &approved).await.is_green());
        let down = world.forest.controllers()[1].clone();
        world.forest.stop_controller(&down).unwrap();
        let verification = world.verified(&spec, &approved).await;
        assert!(!verification.is_green(), "{domain}: {verification:#?}");
        assert!(verification.checks.iter().any(|c| c.detail.contains(&format!("no answer from {down}"))));
    }
}

#[tokio::test]
async fn one_that_tells_the_suffix_but_nothing_about_users_is_not_green() {
    let mut world = World::new(8);
    let spec = spec(USERS);
    let approved = world.done(&spec).await;
    let deaf = &world.forest.controllers()[1..];
    let onramp = world.onramp_over(with_replication(world.forest.forest(), &[], deaf));
    for plan in [Some(&approved), None] {
        let verification = onramp.verify(&spec, plan, None).await.unwrap();
        assert!(!verification.is_green(), "{verification:#?}");
    }
    let verification = onramp.verify(&spec, Some(&approved), None).await.unwrap();
    let check = verification.checks.iter().find(|c| c.name.contains("new UPN")).unwrap();
    assert_eq!(check.status, CheckStatus::Unknown, "{check:?}");
    assert!(check.detail.contains(&format!("no answer about them from {}", deaf[0])), "{check:?}");
}

#[tokio::test]
async fn no_controller_at_all_proves_nothing() {
    let mut world = World::new(8);
    let spec = spec(USERS);
    let approved = world.approved(&spec).await;
    let all = world.forest.controllers();
    let none = || with_replication(world.forest.forest(), &all, &[]);
    // Gone between review and run.
    let onramp = world.onramp_over(none());
    let outcome = onramp.apply_to_end(&approved, &mut world.journal, &world.secrets).await.unwrap();
    let ApplyStatus::Stopped { title, problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(title.contains("UPN suffix") && problem.contains("no domain controller answered"), "{problem}");
    assert!(
        upn_changes(approved.plan()).iter().all(|(number, _)| outcome.steps.last().unwrap().number < *number)
    );

    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let none = with_replication(world.forest.forest(), &all, &[]);
    let verification = world.onramp_over(none).verify(&spec, Some(&approved), None).await.unwrap();
    assert!(!verification.is_green(), "{verification:#?}");
    let check = verification.checks.iter().find(|c| c.name.contains("suffix")).unwrap();
    assert_eq!(
        (check.status, check.detail.as_str()),
        (CheckStatus::Unknown, "no domain controller is known")
    );
}

#[tokio::test]
async fn the_controllers_of_one_domain_prove_nothing_for_another() {
    let child = LabDomain::new("emea.corp.local").users(6).controllers(1);
    let mut world = World::of(6, |forest| forest.add_domain(child), |tenant| tenant);
    let spec = spec(USERS);
    let approved = world.approved(&spec).await;
    assert!(upn_changes(approved.plan()).iter().any(|(_, upn)| upn.dn.as_str().contains("DC=emea")));
    let of_child: Vec<String> =
        world.forest.controllers().into_iter().filter(|host| host.contains("emea")).collect();
    let onramp = world.onramp_over(with_replication(world.forest.forest(), &of_child, &[]));
    let outcome = onramp.apply_to_end(&approved, &mut world.journal, &world.secrets).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("DC=emea") && problem.contains("no domain controller answered"), "{problem}");
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
}

#[tokio::test]
async fn waiting_ends_with_the_time_that_the_spec_gives() {
    let world = World::new(4);
    let down = world.forest.controllers()[1].clone();
    world.forest.stop_controller(&down).unwrap();
    let suffix = onramp_core::UpnSuffix::from(&onramp_core::DomainName::parse("contoso.com").unwrap());
    let options = WaitOptions::default().with_timeout(std::time::Duration::from_secs(60));
    let forest = world.forest.forest();
    let report = forest
        .wait_for_value(ReplicatedValue::Suffix { suffix })
        .with_options(options)
        .with_clock(&*world.clock)
        .await
        .unwrap();
    assert_eq!(report.require_complete().unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(report.waited_ms / 1000, 60);
}

#[tokio::test]
async fn how_strong_the_proof_of_replication_was_is_said() {
    for sampled in [false, true] {
        let mut world = World::new(60);
        let approved = world.approved(&spec(USERS)).await;
        let all = upn_changes(approved.plan()).len();
        // Without the abilities of the directory, values are looked at one by one.
        let forest = match sampled {
            true => with_replication(world.forest.forest(), &[], &[]),
            false => world.forest.forest(),
        };
        let outcome = world.apply(&world.onramp_over(forest), &approved).await.unwrap();
        outcome.require_complete().unwrap();
        let detail = &outcome.steps.last().unwrap().detail;
        let expected = match sampled {
            true => format!("a sample of 13 of {all} values: seen on all 2 domain controllers"),
            false => format!("all {all} values: seen on all 2 domain controllers"),
        };
        assert_eq!(*detail, expected);
    }
}

#[tokio::test]
async fn only_what_changed_since_the_run_began_is_read_to_prove_it() {
    let mut world = World::new(60);
    let approved = world.approved(&spec(USERS)).await;
    let (forest, from) = noting(world.forest.forest());
    world.apply(&world.onramp_over(forest), &approved).await.unwrap().require_complete().unwrap();
    let from = from.lock().unwrap();
    assert!(!from.is_empty() && from.iter().all(|usn| *usn > 1), "{from:?}");
}

#[tokio::test]
async fn each_domain_is_proven_with_its_own_users() {
    let child = LabDomain::new("emea.corp.local").users(12).controllers(1);
    let mut world = World::of(6, |forest| forest.add_domain(child), |tenant| tenant);
    let approved = world.approved(&spec(USERS)).await;
    let (of_child, of_root): (Vec<_>, Vec<_>) =
        upn_changes(approved.plan()).into_iter().partition(|(_, upn)| upn.dn.as_str().contains("DC=emea"));
    assert!(!of_root.is_empty() && of_root.len() != of_child.len());
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    outcome.require_complete().unwrap();
    let expected = format!("all {} values, all {} values: seen on all", of_root.len(), of_child.len());
    let detail = &outcome.steps.last().unwrap().detail;
    assert!(detail.starts_with(&expected), "{detail}");
}

#[tokio::test]
async fn an_error_of_the_proof_is_no_reason_for_a_weaker_one() {
    let mut world = World::new(30);
    let approved = world.approved(&spec(USERS)).await;
    let forest = world.forest.forest();
    let (writer, all) = (forest.replication_metadata.clone().unwrap(), forest.replication.clone());
    let value = all.clone();
    let asked_for_writer = Arc::new(AtomicBool::new(false));
    let asked = asked_for_writer.clone();
    let mut metadata = MockReplicationMetadata::new();
    metadata.expect_writer().returning(move |context| {
        asked_for_writer.store(true, Ordering::Relaxed);
        writer.writer(context).now_or_never().unwrap()
    });
    let mut replication = MockReplication::new();
    replication.expect_controllers().returning(move || match asked.swap(false, Ordering::Relaxed) {
        true => Err(Error::new(ErrorKind::Unavailable, "list the domain controllers")),
        false => all.controllers().now_or_never().unwrap(),
    });
    replication
        .expect_holds()
        .returning(move |controller, wanted| value.holds(controller, wanted).now_or_never().unwrap());
    let forest = forest.with_replication(Arc::new(replication)).with_replication_metadata(Arc::new(metadata));
    let outcome = world.apply(&world.onramp_over(forest), &approved).await.unwrap();
    let ApplyStatus::Stopped { title, problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(
        title.contains("new UPNs") && problem.contains("list the domain controllers"),
        "{title}: {problem}"
    );
}

#[tokio::test]
async fn one_that_lost_the_suffix_is_not_green_and_named() {
    let mut world = World::new(4);
    let spec = spec("domain = \"contoso.com\"\n");
    let approved = world.done(&spec).await;
    let [first, second] = &world.forest.controllers()[..] else { panic!("two domain controllers") };
    let partitions = "CN=Partitions,CN=Configuration,DC=corp,DC=local".parse().unwrap();
    let partitions = world.forest.find(&partitions).unwrap();
    world.forest.hold_replication(first).unwrap();
    world.forest.set_on(second, &partitions, "uPNSuffixes", &["fabrikam.com"]).unwrap();
    let verification = world.verified(&spec, &approved).await;
    let check = verification.checks.iter().find(|check| check.name.contains("suffix")).unwrap();
    assert_eq!(check.status, CheckStatus::False, "{check:?}");
    assert_eq!(check.detail, format!("on {first}; not on {second}"));
}
