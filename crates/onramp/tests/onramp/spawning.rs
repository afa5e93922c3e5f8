//! Every future can be spawned on a runtime with several threads.

use onramp::{
    FileJournal, FileSecretStore, Journal, MemoryJournal, MemorySecretStore, Onramp, SecretStore, Spec,
};
use onramp_core::Password;

use super::world::{SPEC, World, spec};

fn is_send<T: Send>(_: T) {}

#[tokio::test]
async fn every_public_future_is_send() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(1);
    let (onramp, spec): (Onramp, Spec) = (world.onramp(), spec(SPEC));
    let approved = world.approved(&spec).await;
    let (mut memory, mut file) =
        (MemoryJournal::default(), FileJournal::create(folder.path().join("journal.jsonl")).unwrap());
    is_send(onramp.survey(&spec));
    is_send(onramp.check_target(approved.plan()));
    is_send(onramp.apply_to_end(&approved, &mut memory, &world.secrets));
    is_send(onramp.verify(&spec, Some(&approved), Some(&world.secrets)));
    for journal in [&mut memory as &mut dyn Journal, &mut file] {
        is_send(journal.open());
        is_send(journal.append(1, &[]));
        is_send(journal.flush());
    }
    let files = FileSecretStore::new(folder.path());
    let password = Password::new("secret".to_owned());
    for store in [&files as &dyn SecretStore, &MemorySecretStore::default()] {
        is_send(store.store("a", &password));
        is_send(store.promote("a", &password));
        is_send(store.discard("a", &password));
        is_send(store.load("a"));
        is_send(store.pending("a"));
    }
    let task = tokio::spawn(async move {
        let (mut journal, secrets) = (MemoryJournal::default(), MemorySecretStore::default());
        onramp.apply_to_end(&approved, &mut journal, &secrets).await.unwrap().require_complete()
    });
    task.await.unwrap().unwrap();
}
