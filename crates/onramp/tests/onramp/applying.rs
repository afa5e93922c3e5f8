use std::sync::Arc;

use futures_util::TryStreamExt;
use onramp::{CheckStatus, FileJournal, FileSecretStore, JournalEntry, Outcome, Report, SecretStore};
use onramp_core::forest::{PasswordSettings, UserQuery};
use onramp_core::mock::{MockPasswordPolicies, MockSuffixes};
use onramp_core::tenant::{RoleTemplateId, SyncState};
use onramp_core::{Error, ErrorKind};

use crate::world::{SPEC, World, spec};

#[tokio::test]
async fn the_whole_job_ends_green_and_running_it_twice_changes_nothing() {
    let mut world = World::new(300);
    let spec = spec(SPEC);
    let survey = world.onramp().survey(&spec).await.unwrap();
    let already =
        survey.users.skipped_counts.get(&onramp::SkipReason::Unchanged).copied().unwrap_or_default();
    let approved = crate::world::approve_all(onramp::plan(&spec, &survey));
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    outcome.require_complete().unwrap();
    assert_eq!(outcome.done, outcome.total);

    let verification = world.onramp().verify(&spec, Some(&approved), Some(&world.secrets)).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
    assert!(verification.checks.iter().any(|c| c.status == CheckStatus::TrueButForBlocked));

    // From the other side, by other means than the job's own.
    let tenant = world.tenant.tenant();
    assert_eq!(tenant.sync.status().await.unwrap().state, SyncState::Enabled);
    let account = tenant.users.find(&"onramp-sync@contoso.com".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(account.other_mails, ["it@contoso.com"]);
    let roles = tenant.roles.assignments_of(&account.id).await.unwrap();
    assert_eq!(roles[0].role, RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR);
    let moved: Vec<_> = world
        .forest
        .forest()
        .users
        .search(UserQuery::all())
        .try_filter(|u| std::future::ready(u.upn.as_deref().is_some_and(|upn| upn.ends_with("@contoso.com"))))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(moved.len() as u64, approved.plan().users_changed() + already);

    let again = world.plan(&spec).await;
    assert!(again.is_empty(), "{:#?}", again.changes());
    let once_more = world.apply(&world.onramp(), &approved).await.unwrap();
    once_more.require_complete().unwrap();
    let waits_and_proof = once_more.done;
    assert_eq!(waits_and_proof + once_more.unchanged, once_more.total);
    assert_eq!(waits_and_proof, 3, "two waits and one proof change nothing and are done again");
}

#[tokio::test]
async fn a_user_changed_meanwhile_is_left_untouched_and_sync_stays_off() {
    let mut world = World::new(100);
    let spec = spec(SPEC);
    let approved = world.approved(&spec).await;
    let victim = approved.plan().changes().iter().find_map(|p| match &p.change {
        onramp::Change::ChangeUpn { upn } => Some(upn.clone()),
        _ => None,
    });
    let victim = victim.unwrap();
    let dc = world.forest.controllers()[0].clone();
    world.forest.set_on(&dc, &victim.guid, "userPrincipalName", &["renamed.meanwhile@corp.local"]).unwrap();

    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert_eq!((outcome.stale, outcome.failed), (1, 0));
    let hint = |stale, failed, unknown| {
        let mut outcome = outcome.clone();
        (outcome.stale, outcome.failed, outcome.unknown) = (stale, failed, unknown);
        outcome.require_complete().unwrap_err().to_string()
    };
    assert!(hint(1, 0, 0).contains("make and review a new plan"));
    for (stale, failed, unknown) in [(1, 1, 0), (1, 0, 1), (1, 1, 1), (0, 0, 0), (0, 1, 0)] {
        assert!(hint(stale, failed, unknown).contains("Fix the problem"), "{stale} {failed} {unknown}");
    }
    let error = outcome.require_complete().unwrap_err().to_string();
    assert!(
        error.contains("1 skipped because somebody else changed the value")
            && error.contains("renamed.meanwhile@corp.local"),
        "{error}"
    );
    let now = world.forest.forest().users.get(&victim.guid).await.unwrap().upn;
    assert_eq!(now.as_deref(), Some("renamed.meanwhile@corp.local"));
    assert_eq!(world.tenant.tenant().sync.status().await.unwrap().state, SyncState::NeverEnabled);
    let records = world.journal.records();
    let stale = records
        .iter()
        .filter(|r| matches!(&r.entry, JournalEntry::ChangeEnded { outcome: Outcome::Stale, .. }));
    assert_eq!(stale.count(), 1);

    // A new survey sees the new value, and the job can be finished.
    let approved = world.approved(&spec).await;
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    assert!(world.onramp().verify(&spec, Some(&approved), Some(&world.secrets)).await.unwrap().is_green());
}

#[tokio::test]
async fn a_plan_for_another_tenant_is_refused() {
    let world = World::new(10);
    let approved = world.approved(&spec(SPEC)).await;
    let clock: std::sync::Arc<dyn onramp_core::Clock> = world.clock.clone();
    let other = onramp_lab::tenant::LabTenant::builder()
        .name("fabrikam")
        .seed(8)
        .clock(clock.clone())
        .build()
        .unwrap();
    let onramp = onramp::Onramp::new(other.tenant(), world.forest.forest()).with_clock(clock);
    let mut journal = onramp::MemoryJournal::default();
    let error = onramp.apply_to_end(&approved, &mut journal, &world.secrets).await.unwrap_err();
    assert!(error.to_string().contains("Contoso") && error.to_string().contains("Fabrikam"), "{error}");
    assert!(journal.records().is_empty());
}

#[tokio::test]
async fn the_secret_satisfies_the_strictest_policy_of_the_forest() {
    let mut world = World::new(10);
    let mut rules = PasswordSettings::windows_default();
    rules.min_length = 40;
    world.forest.add_fine_grained_policy("Service accounts", 1, &rules, &[]).unwrap();
    let approved = world.approved(&spec(SPEC)).await;
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let secret = world.secrets.load("onramp-sync@contoso.com").await.unwrap().unwrap();
    assert_eq!(secret.expose().len(), 40);
}

#[tokio::test]
async fn policies_that_are_hidden_do_not_stop_the_job() {
    let mut world = World::new(10);
    let approved = world.approved(&spec(SPEC)).await;
    let mut policies = MockPasswordPolicies::new();
    policies.expect_domain_policies().returning(|| Ok(Vec::new()));
    policies
        .expect_fine_grained_policies()
        .times(1)
        .returning(|| Err(Error::new(ErrorKind::Forbidden, "read the fine-grained policies")));
    let mut forest = world.forest.forest();
    forest.password_policies = Arc::new(policies);
    let onramp = world.onramp_over(forest);
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
    assert_eq!(world.secrets.load("onramp-sync@contoso.com").await.unwrap().unwrap().expose().len(), 32);
}

#[tokio::test]
async fn the_secret_is_in_the_store_and_nowhere_else() {
    let world = World::new(40);
    let spec = spec(SPEC);
    let approved = world.approved(&spec).await;
    let folder = tempfile::tempdir().unwrap();
    let secrets = FileSecretStore::new(folder.path().join("secrets"));
    let mut journal = FileJournal::create(folder.path().join("journal.jsonl")).unwrap();
    let outcome = world.onramp().apply_to_end(&approved, &mut journal, &secrets).await.unwrap();
    let verification = world.onramp().verify(&spec, Some(&approved), Some(&secrets)).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
    let secret = secrets.load("onramp-sync@contoso.com").await.unwrap().unwrap();
    assert!(secret.expose().len() >= 16);

    let mut plan = Vec::new();
    approved.plan().write(&mut plan).unwrap();
    let report = Report::new(approved.plan()).with_outcome(&outcome).with_verification(&verification);
    let everything = [
        String::from_utf8(plan).unwrap(),
        std::fs::read_to_string(folder.path().join("journal.jsonl")).unwrap(),
        report.to_html().unwrap(),
        format!("{:?}{secrets:?}{journal:?}{outcome:?}", world.events.lock().unwrap()),
        serde_json::to_string(&*world.events.lock().unwrap()).unwrap(),
    ];
    for text in everything {
        assert!(!text.contains(secret.expose()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = folder.path().join("secrets/onramp-sync@contoso.com.password");
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            std::fs::metadata(folder.path().join("secrets")).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
    // Every change of the plan has its end in the journal, once.
    let records = FileJournal::read(folder.path().join("journal.jsonl")).unwrap();
    let mut ended: Vec<u64> = records
        .iter()
        .filter_map(|r| match r.entry {
            JournalEntry::ChangeEnded { number, outcome: Outcome::Done, .. } => Some(number),
            _ => None,
        })
        .collect();
    ended.sort_unstable();
    assert_eq!(ended, (1..=outcome.total).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_old_secret_is_kept_beside_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = FileSecretStore::new(folder.path());
    for secret in ["first", "second"].map(|secret| onramp_core::Password::new(secret.into())) {
        secrets.store("a@b.de", &secret).await.unwrap();
        secrets.promote("a@b.de", &secret).await.unwrap();
    }
    assert_eq!(secrets.load("a@b.de").await.unwrap().unwrap().expose(), "second");
    assert_eq!(std::fs::read_to_string(folder.path().join("a@b.de.previous-1.password")).unwrap(), "first");
    assert!(secrets.pending("a@b.de").await.unwrap().is_empty());
    assert!(secrets.load("nobody").await.unwrap().is_none());
}

#[test]
fn a_journal_cut_by_a_crash_is_read_up_to_the_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let line = r#"{"at":"2026-01-01T00:00:00Z","entry":"run-ended","ending":"completed"}"#;
    std::fs::write(&path, format!("{line}\n{}", &line[..30])).unwrap();
    assert_eq!(FileJournal::read(&path).unwrap().len(), 1);
    std::fs::write(&path, format!("{}\n{line}\n", &line[..30])).unwrap();
    assert!(FileJournal::read(&path).unwrap_err().to_string().contains("line 1"));
}

#[tokio::test]
async fn an_account_that_exists_is_taken_over_only_by_name() {
    let mut world = World::new(5);
    let upn: onramp_core::Upn = "old.sync@contoso.onmicrosoft.com".parse().unwrap();
    let tenant = world.tenant.tenant();
    let first = onramp_core::Password::new("Temporary-9-from-a-human".into());
    let user = onramp_core::tenant::NewUser::new(upn.clone(), "Old sync account", first.clone());
    let id = tenant.users.create(&user).await.unwrap().id;
    tenant.sign_in.set_mfa_state(&id, onramp_core::tenant::MfaState::Enforced).await.unwrap();
    let disabled = onramp_core::tenant::UserUpdate::default().with_account_enabled(false);
    tenant.users.update(&id, &disabled).await.unwrap();

    let spec = spec(
        "domain = \"contoso.com\"\n[service_account]\nupn = \"old.sync@contoso.onmicrosoft.com\"\n\
         alternate_email = \"it@contoso.com\"\n",
    );
    let plan = world.plan(&spec).await;
    let ids: Vec<String> = plan.consequences().iter().map(|c| c.id()).collect();
    let is_named = |id: &str| ids.iter().any(|named| named.starts_with(id));
    assert!(is_named("account-taken-over:old.sync@contoso.onmicrosoft.com:"), "{ids:?}");
    assert!(is_named("mfa-switched-off:old.sync@contoso.onmicrosoft.com"), "{ids:?}");
    assert!(plan.clone().approve(ids.iter().filter(|id| !id.starts_with("account"))).is_err());

    let approved = crate::world::approve_all(plan);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let verification = world.onramp().verify(&spec, Some(&approved), Some(&world.secrets)).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
    let probe = tenant.sign_in.probe(&upn, &first).await.unwrap();
    assert_eq!(probe, onramp_core::tenant::SignInProbe::WrongPassword, "the temporary password is gone");
    assert_eq!(tenant.users.get(&id).await.unwrap().other_mails, ["it@contoso.com"]);
    assert!(world.plan(&spec).await.is_empty());
}

#[tokio::test]
async fn a_suffix_that_may_not_be_added_is_not_taken_for_one_that_is_there() {
    let mut world = World::new(5);
    let approved = world.approved(&spec("domain = \"contoso.com\"\n[users]\n")).await;
    let mut suffixes = MockSuffixes::new();
    suffixes.expect_list().returning(|| Ok(Vec::new()));
    let forbidden = || Error::new(ErrorKind::Forbidden, "add the UPN suffix");
    suffixes.expect_add().times(1).returning(move |_| Err(forbidden()));
    let forest = world.forest.forest().with_suffixes(Arc::new(suffixes));
    let outcome = world.apply(&world.onramp_over(forest), &approved).await.unwrap();
    assert_eq!((outcome.failed, outcome.unchanged), (1, 0), "{outcome:?}");
    assert!(outcome.require_complete().unwrap_err().to_string().contains("could not add the UPN suffix"));
    assert!(
        world.journal.records().iter().any(|record| matches!(
            &record.entry,
            JournalEntry::ChangeEnded { outcome: Outcome::Failed, .. }
        ))
    );
}

#[tokio::test]
async fn an_outcome_that_lacks_a_change_is_not_complete_whatever_its_status() {
    let mut world = World::new(5);
    let approved = world.approved(&spec("domain = \"contoso.com\"\n[users]\n")).await;
    let complete = world.apply(&world.onramp(), &approved).await.unwrap();
    assert!(complete.is_complete() && complete.require_complete().is_ok());

    let mut lacking = complete.clone();
    lacking.done -= 1;
    assert!(!lacking.is_complete() && lacking.require_complete().is_err());
    let mut running = complete.clone();
    running.status = onramp::ApplyStatus::More;
    assert!(!running.is_complete() && running.require_complete().is_err());
}
