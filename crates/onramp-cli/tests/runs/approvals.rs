//! Approvals by another person: whose, for how long, and for how many runs.

use super::*;
use std::time::Duration;

fn with_approver() -> World {
    World { policy: PolicyRules::default().with_separate_approver(), ..World::new() }
}

/// Approves the plans that wait.
async fn approve(world: &World, approver: &str) {
    let store = world.plans();
    for digest in store.digests().await.unwrap() {
        let plan = store.load(&digest).await.unwrap().plan;
        let accepted: Vec<String> = plan.consequences().iter().map(|one| one.id()).collect();
        store.approve(&digest, &PlanApproval::new(approver, world.clock.now(), accepted)).await.unwrap();
    }
}

#[tokio::test]
async fn an_approval_ends_when_its_plan_was_applied() {
    let world = with_approver();
    assert_eq!(world.ended().await, Ended::NotApproved);
    approve(&world, "anna@laptop").await;
    let (run, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);
    assert_eq!(world.undo(&run).await, Ended::NotApproved, "an undo needs an approval, too");
    world.clock.advance(Duration::from_secs(1));
    approve(&world, "anna@laptop").await;
    // That approved the plan of the run once more: it is withdrawn.
    let digest = plan_in(&run).digest();
    world.onramp(&["approve", &digest[..12], "--revoke"]);
    assert_eq!(world.undo(&run).await, Ended::Green);
    let (again, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::NotApproved);
    assert_eq!(plan_in(&again).digest(), digest, "the same plan as before");
    approve(&world, "anna@laptop").await;
    assert_eq!(world.ended().await, Ended::Green);
}

#[tokio::test]
async fn an_approval_whose_end_was_not_recorded_is_known_from_the_journal() {
    let world = with_approver();
    assert_eq!(world.ended().await, Ended::NotApproved);
    approve(&world, "anna@laptop").await;
    let shared = world.folder.path().join("shared");
    let copy: Vec<(PathBuf, Vec<u8>)> = walk(&shared);
    let (run, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);
    // As after a crash between the end of the run and that of the approval.
    for (path, bytes) in copy {
        std::fs::write(path, bytes).unwrap();
    }
    world.forest_as_before(&run).await;
    assert_eq!(world.apply_saved(&run).await.1, Ended::NotApproved);
}

fn walk(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(walk(&path)),
            false => all.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    all
}

impl World {
    /// Gives the users that a run changed their former UPNs, without a record of it.
    async fn forest_as_before(&self, run: &Path) {
        let host = self.forest.controllers()[0].clone();
        for planned in plan_in(run).changes() {
            if let onramp::Change::ChangeUpn { upn } = &planned.change {
                let before: Vec<&str> = upn.before.as_deref().into_iter().collect();
                self.forest.set_on(&host, &upn.guid, "userPrincipalName", &before).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn an_approved_run_that_was_interrupted_goes_on_without_a_new_approval() {
    let mut world = with_approver();
    let later = (world.clock.now() + Duration::from_secs(7200)).time();
    world.policy = world.policy.with_window(ChangeWindow::new(later, later + Duration::from_secs(3600)));
    assert_eq!(world.ended().await, Ended::NotApproved);
    approve(&world, "anna@laptop").await;
    let (run, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Waits);
    world.clock.advance(Duration::from_secs(7200));
    assert_eq!(world.apply_saved(&run).await.1, Ended::Green);
}

#[tokio::test]
async fn an_approval_that_was_withdrawn_or_is_too_old_is_none() {
    let mut world = with_approver();
    assert_eq!(world.ended().await, Ended::NotApproved);
    approve(&world, "anna@laptop").await;
    let digest = world.plans().digests().await.unwrap().swap_remove(0);
    let said = world.onramp(&["approve", &digest, "--revoke"]);
    assert!(said.contains("anna@laptop"), "{said}");
    assert_eq!(world.ended().await, Ended::NotApproved);
    world.policy = world.policy.with_max_plan_age_minutes(60);
    approve(&world, "anna@laptop").await;
    world.clock.advance(Duration::from_secs(3601));
    assert_eq!(world.ended().await, Ended::NotApproved);
    approve(&world, "anna@laptop").await;
    assert_eq!(world.ended().await, Ended::Green);
}

#[tokio::test]
async fn an_approval_of_the_same_account_on_another_host_is_the_authors() {
    let world = with_approver();
    assert_eq!(world.ended().await, Ended::NotApproved);
    for same in ["nina@laptop7", "NINA@workstation.corp.local", "CORP\\nina", "CORP\\Nina@laptop7", "nina"] {
        approve(&world, same).await;
        assert_eq!(world.ended().await, Ended::NotApproved, "{same}");
    }
    approve(&world, "ninab@workstation").await;
    assert_eq!(world.ended().await, Ended::Green);
}

#[tokio::test]
async fn a_stored_plan_that_is_damaged_is_told_and_replaced() {
    let digest_of = |world: &World| {
        let plans = world.plans();
        async move { plans.digests().await.unwrap().swap_remove(0) }
    };
    for (file, bytes) in [
        ("approvals.jsonl", Some("garbage\n")),
        ("author.json", None),
        ("plan.jsonl", Some("{\"line\":\"header\"}\n")),
    ] {
        let world = with_approver();
        assert_eq!(world.ended().await, Ended::NotApproved);
        let digest = digest_of(&world).await;
        approve(&world, "anna@laptop").await;
        let path = world.folder.path().join("shared").join(&digest).join(file);
        match bytes {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        assert_eq!(world.ended().await, Ended::NotApproved, "{file}");
        approve(&world, "anna@laptop").await;
        assert_eq!(world.ended().await, Ended::Green, "{file}");
    }
}

#[tokio::test]
async fn a_damaged_plan_does_not_keep_others_from_being_approved() {
    let world = with_approver();
    assert_eq!(world.ended().await, Ended::NotApproved);
    let digest = world.plans().digests().await.unwrap().swap_remove(0);
    let broken = world.folder.path().join("shared").join("0".repeat(64));
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("plan.jsonl"), "").unwrap();
    let said = world.onramp(&["approve", &digest[..12], "--yes"]);
    assert!(said.contains("Approved."), "{said}");
    assert_eq!(world.ended().await, Ended::Green);
}

#[tokio::test]
async fn a_plan_that_became_too_old_before_its_start_leaves_no_trace_of_a_run() {
    let mut world = World::new();
    world.policy = PolicyRules::default().with_max_plan_age_minutes(60);
    let (job, clock) = (world.job(), world.clock.clone());
    let folder = job.folder.clone();
    let late = move |plan: Plan, approved: Option<ApprovedPlan>| {
        clock.advance(Duration::from_secs(7200));
        accept(plan, approved)
    };
    assert_eq!(Box::pin(job.run(late, |_| ())).await.unwrap(), Ended::NotApproved);
    assert!(!folder.join(JOURNAL).exists());
    let report = std::fs::read_to_string(folder.join(REPORT)).unwrap();
    assert!(report.contains("Nothing was changed") && !report.contains("has begun"), "{report}");
    assert!(report.contains("max_plan_age_minutes"), "{report}");
    let (folder, ended) = world.apply_saved(&folder).await;
    assert_eq!(ended, Ended::NotApproved);
    assert!(!folder.join(JOURNAL).exists());
}

#[tokio::test]
async fn what_an_approver_accepted_is_accepted_once_nothing_is_left_to_change() {
    use onramp_cli::approval::{ApprovalArguments, Earlier, decide};

    let world = with_approver();
    assert_eq!(world.ended().await, Ended::NotApproved);
    approve(&world, "anna@laptop").await;
    assert_eq!(world.ended().await, Ended::Green);
    let onramp = Onramp::new(world.tenant.tenant(), world.forest.forest()).with_clock(world.clock.clone());
    let plan = onramp::plan(&world.spec, &onramp.survey(&world.spec).await.unwrap());
    assert!(plan.is_empty() && !plan.consequences().is_empty(), "{plan:?}");
    let arguments = ApprovalArguments { accept: Vec::new(), yes: false, plan_only: false, digest: None };
    let earlier = Earlier::read(&Output::view(&world.folder.path().join("out")));
    let answer = decide(plan.clone(), None, &arguments, &earlier, "CORP\\a", &Terminal::new()).unwrap();
    assert!(matches!(answer, Answer::Apply(_)), "{answer:?}");
    let answer = decide(plan, None, &arguments, &Earlier::default(), "CORP\\a", &Terminal::new()).unwrap();
    assert!(matches!(answer, Answer::Refused), "{answer:?}");
}

#[test]
fn plans_are_not_shared_in_the_output_folder() {
    let world = World::new();
    world.list();
    let file = world.folder.path().join("onboard.toml");
    let config = std::fs::read_to_string(&file).unwrap().replace("'shared'", "'./out'");
    std::fs::create_dir_all(world.folder.path().join("out")).unwrap();
    std::fs::write(&file, config).unwrap();
    let error = onramp_cli::config::Config::read(&file).unwrap_err().to_string();
    assert!(error.contains("`shared_plans` is the same folder as `folder`"), "{error}");
}
