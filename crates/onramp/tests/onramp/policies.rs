//! Change policies: what they refuse before the first change, when they wait, and when they stop a run.

use std::sync::Arc;
use std::time::Duration;

use onramp::{
    ApplyOutcome, ApplyStatus, ApprovedPlan, ChangePolicy, ChangeWindow, Consequence, ErrorKind, Event,
    History, JournalEntry, Limits, MemoryJournal, Onramp, PlanApproval, PolicyDecision, PolicyRequest,
    PolicyRules, PolicyViolation, RecordedRun, RunProgress, StoredPlan, UndoSelection, WaitReason,
    async_trait, plan,
};
use onramp_core::{Clock, Result};
use onramp_lab::forest::{Fault, Operation};
use time::{Time, UtcOffset};

use crate::world::{SPEC, World, approve_all, made, spec, upn_changes};

const USERS: &str = "domain = 'contoso.com'\n[users]\n";

fn under(world: &World, rules: &PolicyRules) -> Onramp {
    world.tenant.auto_publish_dns(true);
    world.onramp().with_policy(Arc::new(rules.clone())).with_operator("CORP\\nina")
}

async fn violations(onramp: &Onramp, approved: &ApprovedPlan) -> Vec<String> {
    let found = onramp.review(approved.plan()).await.unwrap();
    found.into_iter().map(|violation| violation.rule).collect()
}

/// Applies a plan that the policy does not allow, and returns the error: nothing is changed and nothing recorded.
async fn refused(world: &mut World, onramp: &Onramp, approved: &ApprovedPlan) -> String {
    let records = world.journal.records().len();
    let error = world.apply(onramp, approved).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert!(error.to_string().ends_with("Nothing was changed."), "{error}");
    assert_eq!(world.journal.records().len(), records);
    error.to_string()
}

#[tokio::test]
async fn a_plan_with_too_many_changes_is_refused_and_one_with_as_many_is_not() {
    let mut world = World::new(6);
    let approved = world.approved(&spec(USERS)).await;
    let writes = RecordedRun::new(approved.plan().clone()).changes_planned();
    let onramp = under(&world, &PolicyRules::default().with_max_changes(writes - 1));
    assert_eq!(violations(&onramp, &approved).await, ["max_changes"]);
    let error = refused(&mut world, &onramp, &approved).await;
    assert!(error.contains(&format!("{writes} changes, and {} are allowed", writes - 1)), "{error}");
    let onramp = under(&world, &PolicyRules::default().with_max_changes(writes));
    assert!(violations(&onramp, &approved).await.is_empty());
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
    // A complete job has nothing left to refuse, and its undo is held to the same rule.
    let run = RecordedRun::read(approved.plan().clone(), &world.journal).await.unwrap();
    let undo = approve_all(world.onramp().undo(&run, &UndoSelection::default()).await.unwrap());
    let onramp = under(&world, &PolicyRules::default().with_max_changes(1));
    assert_eq!(violations(&onramp, &undo).await, ["max_changes"]);
}

#[tokio::test]
async fn a_plan_is_not_older_than_the_policy_allows_and_not_from_the_future() {
    let mut world = World::new(3);
    let approved = world.approved(&spec(USERS)).await;
    let onramp = under(&world, &PolicyRules::default().with_max_plan_age_minutes(60));
    world.clock.advance(Duration::from_secs(3600));
    assert!(violations(&onramp, &approved).await.is_empty());
    world.clock.advance(Duration::from_secs(1));
    let error = refused(&mut world, &onramp, &approved).await;
    assert!(error.contains("surveyed 60 minutes ago, and 60 are allowed"), "{error}");
    // A file says when its plan was surveyed, and the digest does not cover it: the store's own time counts, too.
    let mut text = Vec::new();
    approved.plan().write(&mut text).unwrap();
    let year = world.clock.now().year();
    let text = String::from_utf8(text).unwrap();
    let later =
        onramp::Plan::read(text.replacen(&format!("{year}-"), &format!("{}-", year + 1), 1).as_bytes());
    let later = later.unwrap();
    assert!(later.header().surveyed_at > world.clock.now());
    let error = refused(&mut world, &onramp, &approve_all(later.clone())).await;
    assert!(error.contains("in the future"), "{error}");
    let stored = StoredPlan::new(later, "ben", world.clock.now() - Duration::from_secs(3601));
    let approved = approved_by(stored, "nina", &world).approved_by_others().unwrap();
    let error = refused(&mut world, &onramp, &approved).await;
    assert!(error.contains("surveyed 60 minutes ago"), "{error}");
}

fn approved_by(mut stored: StoredPlan, approver: &str, world: &World) -> StoredPlan {
    let accepted: Vec<String> = stored.plan.consequences().iter().map(|one| one.id()).collect();
    stored.approvals.push(PlanApproval::new(approver, world.clock.now(), accepted));
    stored
}

#[tokio::test]
async fn a_plan_needs_an_approver_that_is_not_its_author_and_the_journal_names_both() {
    let mut world = World::new(3);
    let approved = world.approved(&spec(USERS)).await;
    let onramp = under(&world, &PolicyRules::default().with_separate_approver());
    refused(&mut world, &onramp, &approved).await;
    let stored = StoredPlan::new(approved.plan().clone(), "ben", world.clock.now());
    let alone = approved_by(stored.clone(), "Ben", &world).approved_by_others().unwrap_err();
    assert_eq!(alone.kind(), ErrorKind::Forbidden);
    let approved = approved_by(stored, "anna", &world).approved_by_others().unwrap();
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
    let started = world.journal.records().into_iter().next().unwrap().entry;
    let JournalEntry::RunStarted { operator, author, approvers, .. } = started else { panic!("{started:?}") };
    assert_eq!((operator.as_deref(), author.as_deref()), (Some("CORP\\nina"), Some("ben")));
    assert_eq!(approvers, ["anna"]);
}

#[tokio::test]
async fn protected_users_are_named_as_operators_write_them_and_never_changed() {
    let world = World::new(6);
    let approved = world.approved(&spec(USERS)).await;
    let (_, first) = upn_changes(approved.plan()).swap_remove(0);
    let user = world.forest.forest().users.get(&first.guid).await.unwrap();
    let sam = user.sam_account_name.clone();
    let names = [
        sam.clone(),
        format!("CORP\\{sam}"),
        format!("corp.local\\{}", sam.to_uppercase()),
        user.upn.clone().unwrap().to_uppercase(),
        format!("{sam}@corp.local"),
        user.dn.to_string(),
        format!("{{{}}}", user.guid),
        user.sid.as_ref().unwrap().to_string(),
    ];
    for name in names {
        let onramp = under(&world, &PolicyRules::default().with_protected_account(&name));
        let found = onramp.review(approved.plan()).await.unwrap();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].detail.contains(user.dn.as_str()), "{name}: {found:?}");
        // Without that user, the plan is allowed.
        let others = world.approved(&spec(&format!("{USERS}exclude = ['{}']", user.guid))).await;
        assert!(onramp.review(others.plan()).await.unwrap().is_empty(), "{name}");
    }
}

async fn unknown(world: &World, rules: &PolicyRules) -> Vec<String> {
    let (tenant, forest) = (world.tenant.tenant(), world.forest.forest());
    rules.unknown_accounts(&tenant, &forest, &History::default()).await.unwrap()
}

#[tokio::test]
async fn a_protected_name_or_ou_that_fits_nothing_protects_nothing_and_is_told() {
    let mut world = World::new(3);
    let approved = world.approved(&spec(SPEC)).await;
    let rules = PolicyRules::default()
        .with_protected_account("breakgals")
        .with_protected_account("S-1-5-21-1-2-3-99999")
        .with_protected_account("00000000-0000-0000-0000-000000000001")
        .with_protected_account("CN=Nobody,DC=corp,DC=local")
        .with_protected_account("nobody@corp.local")
        .with_protected_ou("OU=Executives,DC=corp,DC=local".parse().unwrap());
    let onramp = under(&world, &rules);
    assert_eq!(violations(&onramp, &approved).await.len(), 5, "a UPN may be that of a later account");
    assert_eq!(unknown(&world, &rules).await.len(), 5);
    let error = refused(&mut world, &onramp, &approved).await;
    assert!(error.contains("\"breakgals\" matches no user"), "{error}");
    assert!(error.contains("OU=Executives,DC=corp,DC=local does not exist"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_not_taken_for_what_does_not_exist() {
    let world = World::new(3);
    let approved = world.approved(&spec(USERS)).await;
    let onramp =
        under(&world, &PolicyRules::default().with_protected_ou("DC=corp,DC=local".parse().unwrap()));
    world.forest.inject(Operation::Search, Fault::Unavailable, u64::MAX);
    let error = onramp.review(approved.plan()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn users_below_a_protected_ou_and_the_protected_service_account_are_not_changed() {
    let mut world = World::new(12);
    let approved = world.approved(&spec(SPEC)).await;
    let (_, first) = upn_changes(approved.plan()).swap_remove(0);
    let ou = first.dn.parent().unwrap();
    let below = upn_changes(approved.plan()).iter().filter(|(_, upn)| upn.dn.is_within(&ou)).count();
    let onramp = under(&world, &PolicyRules::default().with_protected_ou(ou.clone()));
    let error = refused(&mut world, &onramp, &approved).await;
    let more = below.saturating_sub(5);
    assert!(error.contains(first.dn.as_str()) && (more == 0 || error.contains(&format!("and {more} more"))));
    let onramp = under(&world, &PolicyRules::default().with_protected_account("Onramp-Sync@contoso.com"));
    let error = refused(&mut world, &onramp, &approved).await;
    assert!(error.contains("the account Onramp-Sync@contoso.com is protected"), "{error}");
}

/// A window of an hour that opens so much later than now.
pub(crate) fn window_in(world: &World, later: Duration) -> ChangeWindow {
    let opens = (world.clock.now() + later).to_offset(UtcOffset::UTC).time();
    let opens = Time::from_hms(opens.hour(), opens.minute(), 0).unwrap();
    ChangeWindow::new(opens, opens + Duration::from_secs(3600))
}

#[tokio::test]
async fn a_run_waits_for_its_change_window_and_changes_nothing_before() {
    let world = World::new(6);
    let window = window_in(&world, Duration::from_secs(5 * 3600));
    let opens = window.next_opening(world.clock.now()).unwrap();
    let approved = world.approved(&spec(USERS)).await;
    let onramp = under(&world, &PolicyRules::default().with_window(window));
    let mut journal = MemoryJournal::default();
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let outcome = run.apply(&Limits::default()).await.unwrap();
    let ApplyStatus::Waiting { reason: WaitReason::Policy { until, .. }, retry_after } = outcome.status
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(until, opens);
    assert_eq!((outcome.done, made(&world.forest, approved.plan()).len()), (0, 0));
    let told = world.events.lock().unwrap().iter().any(|event| matches!(event, Event::Waiting { .. }));
    assert!(told);
    world.clock.advance(retry_after - Duration::from_secs(1));
    let early = run.apply(&Limits::default()).await.unwrap();
    assert!(matches!(early.status, ApplyStatus::Waiting { .. }) && early.done == 0, "{early:?}");
    drop(run);
    world.clock.advance(Duration::from_secs(1));
    let outcome = onramp.apply_to_end(&approved, &mut journal, &world.secrets).await.unwrap();
    outcome.require_complete().unwrap();
}

#[tokio::test]
async fn users_are_not_changed_after_the_window_has_closed_and_the_rest_the_next_day() {
    let world = World::new(40);
    let prepared = world.approved(&spec("domain = 'contoso.com'")).await;
    let mut journal = MemoryJournal::default();
    under(&world, &PolicyRules::default())
        .apply_to_end(&prepared, &mut journal, &world.secrets)
        .await
        .unwrap()
        .require_complete()
        .unwrap();
    let approved = world.approved(&spec(USERS)).await;
    let total = upn_changes(approved.plan()).len() as u64;
    let onramp = under(&world, &PolicyRules::default().with_window(window_in(&world, Duration::ZERO)));
    let mut journal = MemoryJournal::default();
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let outcome = run.apply(&Limits::default().with_max_changes(5)).await.unwrap();
    assert_eq!((&outcome.status, outcome.done), (&ApplyStatus::More, 5));
    world.clock.advance(Duration::from_secs(3600));
    let outcome = run.apply(&Limits::default()).await.unwrap();
    assert!(
        matches!(&outcome.status, ApplyStatus::Waiting { reason: WaitReason::Policy { .. }, .. }),
        "{outcome:?}"
    );
    assert_eq!((outcome.done, made(&world.forest, approved.plan()).len()), (5, 5));
    drop(run);
    let outcome = onramp.apply_to_end(&approved, &mut journal, &world.secrets).await.unwrap();
    outcome.require_complete().unwrap();
    assert_eq!(made(&world.forest, approved.plan()).len() as u64, total);
}

#[tokio::test]
async fn a_plan_that_became_too_old_while_it_waited_for_its_window_changes_nothing() {
    let mut world = World::new(6);
    let window = window_in(&world, Duration::from_secs(5 * 3600));
    let approved = world.approved(&spec(USERS)).await;
    let rules = PolicyRules::default().with_window(window).with_max_plan_age_minutes(60);
    let onramp = under(&world, &rules);
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    let ApplyStatus::Stopped { number: 1, problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(
        problem.starts_with("the policy does not allow the plan any more: the plan was surveyed"),
        "{problem}"
    );
    let rules: Vec<&str> = outcome.violations.iter().map(|violation| violation.rule.as_str()).collect();
    assert_eq!((rules, outcome.not_tried()), (vec!["max_plan_age_minutes"], outcome.total));
    let error = outcome.require_complete().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("Make and review a new plan"), "{error}");
    let domain = approved.plan().header().domain.clone();
    assert!(world.tenant.tenant().domains.get(&domain).await.is_err());
    // The journal has a start and an end, and no change.
    let records = world.journal.records();
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[1].entry, JournalEntry::RunEnded { status: outcome.status });
    assert!(matches!(records[0].entry, JournalEntry::RunStarted { .. }));
}

#[tokio::test]
async fn a_plan_that_becomes_too_old_between_two_windows_stops_before_the_next_user() {
    let mut world = World::new(40);
    let prepared = world.approved(&spec("domain = 'contoso.com'")).await;
    let onramp = under(&world, &PolicyRules::default());
    world.apply(&onramp, &prepared).await.unwrap().require_complete().unwrap();
    let approved = world.approved(&spec(USERS)).await;
    let window = window_in(&world, Duration::ZERO);
    let rules = PolicyRules::default().with_window(window).with_max_plan_age_minutes(120);
    let onramp = under(&world, &rules);
    let mut journal = MemoryJournal::default();
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    for slice in 1..=2 {
        let outcome = run.apply(&Limits::default().with_max_changes(5)).await.unwrap();
        assert_eq!((&outcome.status, outcome.done), (&ApplyStatus::More, 5 * slice));
    }
    world.clock.advance(Duration::from_secs(24 * 3600));
    let outcome = run.apply(&Limits::default()).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("(max_plan_age_minutes)"), "{problem}");
    assert_eq!((outcome.done, made(&world.forest, approved.plan()).len()), (10, 10));
    drop(run);
    let started =
        |record: &&onramp::JournalRecord| matches!(record.entry, JournalEntry::ChangeStarted { .. });
    assert_eq!(journal.records().iter().filter(started).count(), 10);
    // Between two single changes, too.
    let approved = world.approved(&spec("domain = 'fabrikam.com'\n[sync]\nenable = true\n")).await;
    let onramp = under(&world, &PolicyRules::default().with_max_plan_age_minutes(120));
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let outcome = run.apply(&Limits::default().with_max_changes(1)).await.unwrap();
    assert_eq!((&outcome.status, outcome.done), (&ApplyStatus::More, 1));
    world.clock.advance(Duration::from_secs(2 * 3600 + 1));
    let outcome = loop {
        let outcome = run.apply(&Limits::default()).await.unwrap();
        match outcome.status {
            ApplyStatus::Waiting { retry_after, .. } => world.clock.advance(retry_after),
            _ => break outcome,
        }
    };
    assert_eq!((outcome.violations.len(), outcome.done), (1, 1), "{outcome:?}");
}

#[tokio::test]
async fn a_wait_for_a_window_can_be_cancelled() {
    let world = World::new(3);
    let approved = world.approved(&spec(USERS)).await;
    let window = window_in(&world, Duration::from_secs(7200));
    let onramp = under(&world, &PolicyRules::default().with_window(window));
    let (mut journal, limits) = (MemoryJournal::default(), Limits::default());
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    run.apply(&limits).await.unwrap();
    limits.stop.cancel();
    let outcome = run.apply(&limits).await.unwrap();
    assert_eq!(outcome.status, ApplyStatus::Cancelled { next: 1 });
}

async fn stopped_after(failures: u64) -> (ApplyOutcome, u64) {
    let mut world = World::of(400, |forest| forest.controllers(1), |tenant| tenant);
    let prepared = world.approved(&spec("domain = 'contoso.com'")).await;
    let onramp = under(&world, &PolicyRules::default().with_max_failures(failures));
    world.apply(&onramp, &prepared).await.unwrap().require_complete().unwrap();
    let approved = world.approved(&spec(USERS)).await;
    world.forest.inject(
        Operation::Modify,
        Fault::Refused { code: 50, message: "00002098: SecErr: DSID-031514A0" },
        u64::MAX,
    );
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    (outcome, upn_changes(approved.plan()).len() as u64)
}

#[tokio::test]
async fn a_run_stops_after_so_many_failures_and_says_which_rule_stopped_it() {
    let (outcome, total) = Box::pin(stopped_after(7)).await;
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.starts_with("the policy stops a run after 7 failed changes (max_failures)"), "{problem}");
    assert!(problem.contains("CN="), "{problem}");
    assert!((7..total).contains(&outcome.failed), "{outcome:?}");
    assert!(outcome.not_tried() > 0);
}

#[tokio::test]
async fn a_canary_is_changed_verified_and_observed_before_the_rest() {
    let mut world = World::new(60);
    let (wanted, rules) = (spec(SPEC), PolicyRules::default().with_canary(10, 120));
    let onramp = under(&world, &rules);
    let whole = world.approved(&wanted).await;
    let error = refused(&mut world, &onramp, &whole).await;
    assert!(error.contains("no canary of 10 users was changed and verified"), "{error}");
    assert!(rules.needs_canary(whole.plan(), &History::default()));

    let canary_spec = wanted.canary(whole.plan(), 10);
    let canary = world.approved(&canary_spec).await;
    assert_eq!(canary.plan().users_changed(), 10);
    let scope = canary.plan().header().scope;
    assert!(!scope.sync && !scope.service_account && scope.users);
    assert!(!rules.needs_canary(canary.plan(), &History::default()));
    world.apply(&onramp, &canary).await.unwrap().require_complete().unwrap();
    let verification = world.verified(&canary_spec, &canary).await;
    assert!(verification.is_green(), "{verification:?}");

    // The run alone proves nothing.
    let rest = world.approved(&wanted).await;
    let history = |world: &World| {
        let mut history = History::default();
        history.add(&world.journal.records());
        history
    };
    assert!(rules.needs_canary(rest.plan(), &history(&world)));
    onramp.record_verification(&verification, &mut world.journal).await.unwrap();
    assert!(!rules.needs_canary(rest.plan(), &history(&world)));

    let onramp = onramp.with_history(history(&world));
    let error = refused(&mut world, &onramp, &rest).await;
    assert!(error.contains("is observed until"), "{error}");
    world.clock.advance(Duration::from_secs(7200));
    world.apply(&onramp, &rest).await.unwrap().require_complete().unwrap();
    assert!(world.verified(&wanted, &rest).await.is_green());
}

#[tokio::test]
async fn a_spec_that_calls_everybody_a_canary_is_refused() {
    let mut world = World::new(60);
    let wanted = spec(SPEC);
    let onramp = under(&world, &PolicyRules::default().with_canary(10, 0));
    let whole = world.plan(&wanted).await;
    let large = world.approved(&wanted.canary(&whole, 11)).await;
    let error = refused(&mut world, &onramp, &large).await;
    assert!(error.contains("the canary changes 11 users, and 10 are allowed"), "{error}");
    let mut with_sync = wanted.canary(&whole, 10);
    with_sync.sync.enable = true;
    let with_sync = world.approved(&with_sync).await;
    let error = refused(&mut world, &onramp, &with_sync).await;
    assert!(error.contains("neither synchronization"), "{error}");
}

#[tokio::test]
async fn a_canary_that_was_undone_or_not_green_or_too_small_is_none() {
    let mut world = World::new(60);
    let (wanted, rules) = (spec(USERS), PolicyRules::default().with_canary(10, 0));
    let onramp = under(&world, &rules);
    let whole = world.approved(&wanted).await;
    let small = wanted.canary(whole.plan(), 9);
    let history = |world: &World| {
        let mut history = History::default();
        history.add(&world.journal.records());
        history
    };
    let approved = world.approved(&small).await;
    world.apply(&onramp, &approved).await.unwrap();
    let green = world.verified(&small, &approved).await;
    onramp.record_verification(&green, &mut world.journal).await.unwrap();
    let rest = world.approved(&wanted).await;
    assert!(rules.needs_canary(rest.plan(), &history(&world)), "too small");

    let spec = wanted.canary(rest.plan(), 10);
    let canary = world.approved(&spec).await;
    world.journal = MemoryJournal::default();
    world.apply(&onramp, &canary).await.unwrap();
    let red = world.onramp().verify(&wanted, None, None).await.unwrap();
    assert!(!red.is_green());
    onramp.record_verification(&red, &mut world.journal).await.unwrap();
    let rest = world.approved(&wanted).await;
    assert!(rules.needs_canary(rest.plan(), &history(&world)), "not green");
    let green = world.verified(&spec, &canary).await;
    onramp.record_verification(&green, &mut world.journal).await.unwrap();
    assert!(!rules.needs_canary(rest.plan(), &history(&world)));

    world.clock.advance(Duration::from_secs(60));
    let run = RecordedRun::read(canary.plan().clone(), &world.journal).await.unwrap();
    let undo = approve_all(world.onramp().undo(&run, &UndoSelection::default()).await.unwrap());
    world.apply(&onramp, &undo).await.unwrap().require_complete().unwrap();
    let green = world.onramp().verify_undo(&undo).await.unwrap();
    onramp.record_verification(&green, &mut world.journal).await.unwrap();
    let whole = world.approved(&wanted).await;
    assert!(rules.needs_canary(whole.plan(), &history(&world)), "undone");
}

#[tokio::test]
async fn the_users_of_a_canary_are_spread_over_the_plan_and_keep_their_mapped_upns() {
    let world = World::new(50);
    let survey = world.onramp().survey(&spec(USERS)).await.unwrap();
    let whole = plan(&spec(USERS), &survey);
    let changes = upn_changes(&whole);
    let (_, last) = changes.last().unwrap().clone();
    let mapped = spec(&format!("{USERS}[users.map]\n'{}' = 'boss@contoso.com'\n", last.guid));
    let whole = world.plan(&mapped).await;
    let canary = mapped.canary(&whole, 5);
    let chosen = canary.users.as_ref().unwrap().canary.clone().unwrap();
    let changes = upn_changes(&whole);
    assert_eq!(chosen.of, changes.len() as u64);
    let mut places: Vec<usize> = (chosen.users.iter())
        .map(|guid| changes.iter().position(|(_, upn)| upn.guid == *guid).unwrap())
        .collect();
    places.sort_unstable();
    let expected: Vec<usize> = (0..5).map(|n| n * changes.len() / 5).collect();
    assert_eq!(places, expected);
    let plan = world.plan(&canary).await;
    let without_effect = |one: &Consequence| matches!(one, Consequence::MapWithoutEffect { .. });
    assert!(!plan.consequences().iter().any(without_effect), "names outside of the canary are not mapped");
    for (_, change) in upn_changes(&plan) {
        let (_, before) = changes.iter().find(|(_, upn)| upn.guid == change.guid).unwrap();
        assert_eq!(before, &change);
    }
    // As many as there are, and none, are no problem.
    let all = mapped.canary(&whole, u64::MAX).users.unwrap().canary.unwrap();
    assert_eq!((all.users.len(), all.rest()), (changes.len(), 0));
}

/// Allows so many changes and then none for an hour; refuses to review on request.
#[derive(Debug)]
struct Own {
    fails: bool,
}

#[async_trait]
impl ChangePolicy for Own {
    async fn review(&self, request: &PolicyRequest<'_>) -> Result<Vec<PolicyViolation>> {
        assert!(request.review.is_none());
        match self.fails {
            true => Err(onramp::Error::new(ErrorKind::Unavailable, "ask the policy server")),
            false => Ok(Vec::new()),
        }
    }

    fn decide(&self, progress: &RunProgress<'_>) -> PolicyDecision {
        match progress.outcome.done {
            0..2 => PolicyDecision::Continue,
            2 => PolicyDecision::WaitUntil { until: progress.now, reason: "the change manager".into() },
            _ => PolicyDecision::Stop { reason: "enough".into() },
        }
    }
}

#[tokio::test]
async fn a_policy_of_ones_own_is_asked_before_each_change_and_never_in_a_busy_loop() {
    let world = World::new(5);
    world.tenant.auto_publish_dns(true);
    let approved = world.approved(&spec(USERS)).await;
    let onramp = world.onramp().with_policy(Arc::new(Own { fails: false }));
    let mut journal = MemoryJournal::default();
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let outcome = loop {
        let outcome = run.apply(&Limits::default()).await.unwrap();
        match outcome.status {
            ApplyStatus::Waiting { reason: WaitReason::Policy { .. }, retry_after } => {
                assert_eq!(retry_after, Duration::from_secs(1));
                break outcome;
            }
            ApplyStatus::Waiting { retry_after, .. } => world.clock.advance(retry_after),
            _ => panic!("{outcome:?}"),
        }
    };
    assert_eq!(outcome.done, 2);
    drop(run);
    let onramp = world.onramp().with_policy(Arc::new(Own { fails: true }));
    let error = onramp.apply_to_end(&approved, &mut journal, &world.secrets).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn the_rules_of_the_documentation_allow_a_plan_and_its_canary_and_the_later_plans() {
    const DOCS: &str = include_str!("../../../../docs/policy.md");
    let (_, example) = DOCS.split_once("[policy]\n").unwrap();
    let (example, _) = example.split_once("[output]").unwrap();
    let rules = PolicyRules::from_toml(example).unwrap();
    assert!(rules.protected_accounts.iter().any(|name| name == "onramp-sync@contoso.com"));
    // Without another person, and at any time.
    let mut rules = rules;
    rules.separate_approver = false;
    rules.windows.clear();
    let mut world = World::new(90);
    let ou = &rules.protected_ous[0];
    world.forest.create_user(&ou.parent().unwrap(), "breakglass", None).unwrap();
    let leaves_out = format!("[users]\nexclude_ous = ['{ou}']\nexclude = ['CORP\\breakglass']");
    let mut wanted = spec(&SPEC.replace("[users]", &leaves_out));
    let whole = world.plan(&wanted).await;
    let canary_spec = rules.next_canary(&wanted, &whole, &History::default()).unwrap();
    let onramp = under(&world, &rules);
    let canary = world.approved(&canary_spec).await;
    world.apply(&onramp, &canary).await.unwrap().require_complete().unwrap();
    let verification = world.verified(&canary_spec, &canary).await;
    onramp.record_verification(&verification, &mut world.journal).await.unwrap();
    let mut history = History::default();
    history.add(&world.journal.records());
    world.clock.advance(Duration::from_secs(7200));
    let onramp = onramp.with_history(history);
    let rest = world.approved(&wanted).await;
    assert_eq!(violations(&onramp, &rest).await, ["protected_accounts"], "it creates a protected account");
    wanted.service_account = None;
    let rest = world.approved(&wanted).await;
    world.apply(&onramp, &rest).await.unwrap().require_complete().unwrap();
    assert_eq!(unknown(&world, &rules).await, ["onramp-sync@contoso.com"]);
}

#[tokio::test]
async fn an_approver_does_not_apply_the_plan_if_the_rules_say_so() {
    let mut world = World::new(3);
    let rules = PolicyRules::default().with_separate_approver().with_separate_operator();
    let onramp = under(&world, &rules);
    let plan = world.approved(&spec(USERS)).await.plan().clone();
    let stored = StoredPlan::new(plan, "ben", world.clock.now());
    let approved = approved_by(stored.clone(), "nina@laptop", &world).approved_by_others().unwrap();
    assert_eq!(violations_of(&onramp, &approved).await, ["separate_operator"]);
    let approved = approved_by(stored, "anna", &world).approved_by_others().unwrap();
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
}

async fn violations_of(onramp: &Onramp, approved: &ApprovedPlan) -> Vec<String> {
    let found = onramp.review_approved(approved).await.unwrap();
    found.into_iter().map(|violation| violation.rule).collect()
}

#[test]
fn values_that_would_refuse_every_plan_or_have_no_effect_are_refused_with_their_line() {
    for (wrong, line, said) in [
        ("\nmax_changes = 0", 2, "0 would refuse every plan"),
        ("max_failures = 0", 1, "0 would refuse"),
        ("max_plan_age_minutes = 0", 1, "0 would refuse"),
        ("\n\ncanary_users = 0", 3, "0 would refuse"),
        ("canary_observation_minutes = 5", 1, "no effect without `canary_users`"),
        ("windows = []", 1, "an empty list has no effect"),
        ("protected_ous = []", 1, "an empty list has no effect"),
        ("protected_accounts = []", 1, "an empty list has no effect"),
        ("windows = [{ days = [], from = '22:00', to = '04:00' }]", 1, "an empty list has no effect"),
        ("separate_operator = true", 1, "no effect without `separate_approver`"),
    ] {
        let error = PolicyRules::from_toml(wrong).unwrap_err();
        assert_eq!(error.line(), line, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    let rules = PolicyRules::from_toml("canary_users = 5\ncanary_observation_minutes = 4294967295").unwrap();
    let written = toml::to_string(&rules).unwrap();
    assert_eq!(PolicyRules::from_toml(&written).unwrap(), rules);
}

#[test]
fn rules_are_read_from_toml_with_positions_and_suggestions() {
    let error = PolicyRules::from_toml("max_chanegs = 5").unwrap_err();
    assert_eq!((error.line(), error.suggestion()), (1, Some("max_changes")));
    for wrong in ["max_changes = -1", "windows = [{ from = \"22:00\" }]", "protected_ous = [\"Executives\"]"]
    {
        assert!(PolicyRules::from_toml(wrong).is_err(), "{wrong}");
    }
    let rules = PolicyRules::from_toml("").unwrap();
    assert_eq!(rules, PolicyRules::default());
}
