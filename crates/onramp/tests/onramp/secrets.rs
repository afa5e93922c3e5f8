//! Passwords of the service account: none that the tenant may have is ever lost.

use onramp::{ApplyStatus, FileSecretStore, MemorySecretStore, SecretStore};
use onramp_core::tenant::{NewUser, SignInProbe};
use onramp_core::{Password, Upn};
use onramp_lab::tenant::{Fault, FaultAction};

use crate::odd::{Forgetful, Lapse};
use crate::world::{World, spec};

const OLD: &str = "old.sync@contoso.onmicrosoft.com";
const TAKE_OVER: &str =
    "domain = \"contoso.com\"\n[service_account]\nupn = \"old.sync@contoso.onmicrosoft.com\"\n";

fn secret(text: &str) -> Password {
    Password::new(text.into())
}

/// An account whose password, which expires, is the current one in a store.
async fn with_current(secrets: &dyn SecretStore) -> World {
    let world = World::new(2);
    let first = secret("The-first-one-of-all-1");
    let user = NewUser::new(OLD.parse().unwrap(), "Old sync account", first.clone());
    world.tenant.tenant().users.create(&user).await.unwrap();
    secrets.store(OLD, &first).await.unwrap();
    secrets.promote(OLD, &first).await.unwrap();
    world
}

#[tokio::test]
async fn two_refused_attempts_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = FileSecretStore::new(folder.path());
    let mut world = with_current(&secrets).await;
    let approved = world.approved(&spec(TAKE_OVER)).await;
    let first = secrets.load(OLD).await.unwrap().unwrap();
    let refused = FaultAction::error(403, "Authorization_RequestDenied", "Insufficient privileges.");
    world.tenant.add_fault(Fault::on("PATCH", "/v1.0/users/*", refused).times(2));
    for _ in 0..2 {
        let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
        assert!(
            matches!(&outcome.status, ApplyStatus::Stopped { title, .. } if title.contains("strong password"))
        );
        assert_eq!(secrets.load(OLD).await.unwrap().unwrap().expose(), first.expose());
        assert!(secrets.pending(OLD).await.unwrap().is_empty(), "refused for certain");
        let probe = world.tenant.tenant().sign_in.probe(&OLD.parse().unwrap(), &first).await.unwrap();
        assert_eq!(probe, SignInProbe::Accepted);
    }
    let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
    outcome.require_complete().unwrap();
    let files: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(files.contains(&first.expose().to_owned()), "the one before is kept");
    let now = secrets.load(OLD).await.unwrap().unwrap();
    assert_eq!(
        world.tenant.tenant().sign_in.probe(&OLD.parse().unwrap(), &now).await.unwrap(),
        SignInProbe::Accepted
    );
}

#[tokio::test]
async fn attempts_of_unknown_outcome_use_one_password_and_end_well() {
    let secrets = MemorySecretStore::default();
    let mut world = with_current(&secrets).await;
    let approved = world.approved(&spec(TAKE_OVER)).await;
    for action in [FaultAction::cut_before(), FaultAction::cut_after(), FaultAction::status(503)] {
        world.tenant.add_fault(Fault::on("PATCH", "/v1.0/users/*", action));
        let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
        assert!(!outcome.is_complete());
        assert_eq!(secrets.pending(OLD).await.unwrap().len(), 1, "the tenant may have it");
    }
    let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
    outcome.require_complete().unwrap();
    assert!(secrets.pending(OLD).await.unwrap().is_empty());
    assert!(
        world.onramp().verify(&spec(TAKE_OVER), Some(&approved), Some(&secrets)).await.unwrap().is_green()
    );
}

#[tokio::test]
async fn a_take_over_that_the_store_or_the_tenant_stopped_anywhere_is_gone_on_with() {
    for lapse in [Lapse::BeforeStore, Lapse::AfterStore, Lapse::BeforePromote, Lapse::AfterPromote] {
        for fresh_plan in [false, true] {
            let mut world = with_current(&MemorySecretStore::default()).await;
            let mut approved = world.approved(&spec(TAKE_OVER)).await;
            let secrets = Forgetful::at(lapse);
            let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
            let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
            assert!(problem.contains("it fails"), "{problem}");
            let set = matches!(lapse, Lapse::BeforePromote | Lapse::AfterPromote);
            let first = secret("The-first-one-of-all-1");
            let probe = world.tenant.tenant().sign_in.probe(&OLD.parse().unwrap(), &first).await.unwrap();
            assert_eq!(probe == SignInProbe::WrongPassword, set, "{lapse:?}");
            if fresh_plan {
                approved = world.approved(&spec(TAKE_OVER)).await;
            }
            let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
            outcome.require_complete().unwrap();
            let verification = world.onramp().verify(&spec(TAKE_OVER), Some(&approved), Some(&secrets)).await;
            assert!(verification.unwrap().is_green(), "{lapse:?}");
        }
    }
}

#[tokio::test]
async fn a_password_that_is_set_but_may_expire_is_told_and_set_again() {
    let secrets = MemorySecretStore::default();
    let mut world = with_current(&secrets).await;
    let approved = world.approved(&spec(TAKE_OVER)).await;
    world.tenant.add_fault(Fault::on("PATCH", "/v1.0/users/*", FaultAction::status(500)).from_nth(2));
    let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("the new password is set and stored in memory"), "{problem}");
    let current = secrets.load(OLD).await.unwrap().unwrap();
    let upn: Upn = OLD.parse().unwrap();
    assert_eq!(world.tenant.tenant().sign_in.probe(&upn, &current).await.unwrap(), SignInProbe::Accepted);
    let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
    outcome.require_complete().unwrap();
    assert!(
        world.onramp().verify(&spec(TAKE_OVER), Some(&approved), Some(&secrets)).await.unwrap().is_green()
    );
}

#[tokio::test]
async fn verification_recognizes_the_password_that_an_interrupted_run_set() {
    let mut world = World::new(2);
    let spec = spec(TAKE_OVER);
    world.tenant.tenant();
    let user = NewUser::new(OLD.parse().unwrap(), "Old sync account", secret("Somebody-elses-99"));
    world.tenant.tenant().users.create(&user).await.unwrap();
    let approved = world.done(&spec).await;
    let right = world.secrets.load(OLD).await.unwrap().unwrap();
    let interrupted = MemorySecretStore::default();
    interrupted.store(OLD, &secret("The-one-before-it-33")).await.unwrap();
    interrupted.promote(OLD, &secret("The-one-before-it-33")).await.unwrap();
    interrupted.store(OLD, &right).await.unwrap();
    let verification = world.onramp().verify(&spec, Some(&approved), Some(&interrupted)).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
    assert_eq!(interrupted.load(OLD).await.unwrap().unwrap().expose(), right.expose(), "proven, so current");
}

#[tokio::test]
async fn different_names_never_share_a_file_and_one_name_has_one_in_any_case() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = FileSecretStore::new(folder.path());
    let names = [
        "a'b@x.de",
        "a#b@x.de",
        "a_b@x.de",
        "a%27b@x.de",
        "a/b@x.de",
        "../a@x.de",
        "jürgen@x.de",
        "jurgen@x.de",
        "a@x.next-1",
        "a@x",
        "a@x.previous-1",
        "a@x.password",
        "con@x.de",
        "a b@x.de",
        "a\u{301}@x.de",
        "á@x.de",
    ];
    for name in names {
        let stored = secret(name);
        secrets.store(name, &stored).await.unwrap();
        assert_eq!(secrets.pending(name).await.unwrap().len(), 1, "{name}");
        secrets.promote(name, &stored).await.unwrap();
        secrets.store(name, &secret(&format!("next of {name}"))).await.unwrap();
        secrets.promote(name, &secret(&format!("next of {name}"))).await.unwrap();
    }
    for name in names {
        assert_eq!(secrets.load(name).await.unwrap().unwrap().expose(), format!("next of {name}"));
        assert_eq!(
            secrets.load(&name.to_uppercase()).await.unwrap().unwrap().expose(),
            format!("next of {name}")
        );
        assert!(secrets.pending(name).await.unwrap().is_empty(), "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2 * names.len());
}

#[tokio::test]
async fn a_store_keeps_whatever_was_current_and_discards_only_what_never_was() {
    let folder = tempfile::tempdir().unwrap();
    for secrets in [&FileSecretStore::new(folder.path()) as &dyn SecretStore, &MemorySecretStore::default()] {
        let [one, two, three] = ["one", "two", "three"].map(secret);
        assert!(
            secrets.load("a@b.de").await.unwrap().is_none()
                && secrets.pending("a@b.de").await.unwrap().is_empty()
        );
        assert!(secrets.promote("a@b.de", &one).await.is_err(), "never stored");
        secrets.store("a@b.de", &one).await.unwrap();
        assert!(secrets.load("a@b.de").await.unwrap().is_none(), "not current before the tenant took it");
        secrets.promote("a@b.de", &one).await.unwrap();
        secrets.promote("a@b.de", &one).await.unwrap();
        assert!(secrets.promote("a@b.de", &two).await.is_err(), "never stored");
        secrets.discard("a@b.de", &one).await.unwrap();
        secrets.store("a@b.de", &two).await.unwrap();
        secrets.store("a@b.de", &three).await.unwrap();
        let pending = secrets.pending("A@B.de").await.unwrap();
        assert_eq!(pending.iter().map(Password::expose).collect::<Vec<_>>(), ["three", "two"]);
        assert_eq!(secrets.load("a@b.de").await.unwrap().unwrap().expose(), "one");
        secrets.discard("a@b.de", &three).await.unwrap();
        secrets.discard("a@b.de", &three).await.unwrap();
        secrets.promote("A@b.de", &two).await.unwrap();
        assert_eq!(secrets.load("a@b.de").await.unwrap().unwrap().expose(), "two");
        assert!(secrets.pending("a@b.de").await.unwrap().is_empty());
    }
    let kept = std::fs::read_to_string(folder.path().join("a@b.de.previous-1.password")).unwrap();
    assert_eq!(kept, "one");
}

#[tokio::test]
async fn a_store_that_cannot_be_used_leaves_the_tenant_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in-the-way");
    std::fs::write(&file, "x").unwrap();
    let secrets = FileSecretStore::new(file.join("secrets"));
    assert!(secrets.pending(OLD).await.is_err(), "not readable is not empty");
    let mut world = with_current(&MemorySecretStore::default()).await;
    let approved = world.approved(&spec(TAKE_OVER)).await;
    let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("password"), "{problem}");
    let first = secret("The-first-one-of-all-1");
    let probe = world.tenant.tenant().sign_in.probe(&OLD.parse().unwrap(), &first).await.unwrap();
    assert_eq!(probe, SignInProbe::Accepted);
}

#[tokio::test]
async fn a_stored_password_that_this_program_did_not_generate_is_given_to_nobody() {
    let secrets = MemorySecretStore::default();
    let mut world = with_current(&secrets).await;
    let approved = world.approved(&spec(TAKE_OVER)).await;
    for odd in ["", "short"] {
        secrets.store(OLD, &secret(odd)).await.unwrap();
    }
    let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
    outcome.require_complete().unwrap();
    assert_eq!(secrets.load(OLD).await.unwrap().unwrap().expose().len(), 32);
}

#[tokio::test]
async fn a_password_file_that_windows_wrote_holds_the_password_and_no_mark() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = FileSecretStore::new(folder.path());
    let utf16: Vec<u8> = "\u{feff}Passw0rd!\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [b"\xef\xbb\xbfPassw0rd!\r\n".to_vec(), utf16, b"Passw0rd!".to_vec()] {
        std::fs::write(folder.path().join("a@b.de.password"), bytes).unwrap();
        assert_eq!(secrets.load("a@b.de").await.unwrap().unwrap().expose(), "Passw0rd!");
    }
    std::fs::write(folder.path().join("a@b.de.password"), b"caf\xe9").unwrap();
    let error = secrets.load("a@b.de").await.unwrap_err().to_string();
    assert!(error.contains("a@b.de.password") && !error.contains("caf"), "{error}");
}

#[tokio::test]
async fn a_store_shows_none_of_its_secrets() {
    let secrets = MemorySecretStore::default();
    secrets.store("a@b.de", &secret("hidden")).await.unwrap();
    assert_eq!(format!("{secrets:?}"), "MemorySecretStore(***)");
}
