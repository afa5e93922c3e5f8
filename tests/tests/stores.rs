//! The stores of the crate `onramp` pass their suites.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use onramp::{
    CallbackSecretStore, FileJournal, FileSecretStore, FolderPlanStore, Journal, MemoryJournal,
    MemoryPlanStore, MemorySecretStore, Onramp, Plan, PlanApproval, PlanStore, Spec, conformance, plan,
};
use onramp_core::ManualClock;
use onramp_lab::forest::LabForest;
use onramp_lab::tenant::LabTenant;

/// Plans of the same lab for two domains.
async fn plans() -> [Plan; 2] {
    let clock = Arc::new(ManualClock::default());
    let forest = LabForest::builder().users(30).clock(clock.clone()).build().unwrap();
    let tenant = LabTenant::builder().clock(clock.clone()).build().unwrap();
    let onramp = Onramp::new(tenant.tenant(), forest.forest()).with_clock(clock);
    let mut plans = Vec::new();
    for domain in ["contoso.com", "fabrikam.com"] {
        let spec = Spec::from_toml(&format!("domain = '{domain}'\n[users]\n")).unwrap();
        plans.push(plan(&spec, &onramp.survey(&spec).await.unwrap()));
    }
    assert!(plans[0].users_changed() > 10);
    plans.try_into().unwrap()
}

#[tokio::test]
async fn journals() {
    let memory = MemoryJournal::default();
    conformance::journal(async || Ok(Box::new(memory.clone()) as Box<dyn Journal>)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    conformance::journal(async || Ok(Box::new(FileJournal::create(&path)?) as Box<dyn Journal>)).await;
}

#[tokio::test]
async fn plan_stores() {
    let plans = plans().await;
    conformance::plan_store(&MemoryPlanStore::default(), plans.each_ref()).await;
    let folder = tempfile::tempdir().unwrap();
    conformance::plan_store(&FolderPlanStore::new(folder.path().join("plans")), plans.each_ref()).await;
    let shared = folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    conformance::plan_store(&FolderPlanStore::shared(&shared), plans.each_ref()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_in_a_shared_folder_is_as_accessible_as_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let [plan, ..] = plans().await;
    let folder = tempfile::tempdir().unwrap();
    let store = FolderPlanStore::shared(folder.path().join("plans"));
    let now = onramp_core::time::OffsetDateTime::UNIX_EPOCH;
    assert!(store.save(&plan, "anna", now).await.is_err(), "whoever shares it makes it");
    for (mode, of_files) in [(0o770, 0o660), (0o775, 0o664), (0o700, 0o600)] {
        let _ = std::fs::remove_dir_all(folder.path().join("plans"));
        std::fs::create_dir(folder.path().join("plans")).unwrap();
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path().join("plans"), permissions).unwrap();
        store.save(&plan, "anna", now).await.unwrap();
        store.approve(&plan.digest(), &PlanApproval::new("ben", now, ["x"])).await.unwrap();
        let stored = folder.path().join("plans").join(plan.digest());
        let mode_of = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode_of(&stored), mode);
        let files: Vec<_> = std::fs::read_dir(&stored).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 3, "{files:?}");
        assert!(files.iter().all(|file| mode_of(file) == of_files), "{files:?}");
    }
}

#[tokio::test]
async fn secret_stores() {
    conformance::secret_store(&MemorySecretStore::default()).await;
    conformance::secret_store(&CallbackSecretStore::new(|_, _, _| Ok("elsewhere".to_owned()))).await;
    let folder = tempfile::tempdir().unwrap();
    conformance::secret_store(&FileSecretStore::new(folder.path().join("secrets"))).await;
}
