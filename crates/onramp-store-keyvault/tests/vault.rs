//! The store over the lab's vault.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use onramp::lab::tls::LabCa;
use onramp::{SecretStore, conformance};
use onramp_core::{ErrorKind, ManualClock, Password};
use onramp_lab::vault::{LabVault, LabVaultServer};
use onramp_store_keyvault::KeyVaultSecretStore;

const NAME: &str = "onramp-sync@contoso.com";

#[derive(Debug)]
struct Credential(Password);

#[async_trait]
impl TokenCredential for Credential {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        assert_eq!(scopes, ["https://vault.azure.net/.default"]);
        let expires = time::OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap();
        Ok(AccessToken::new(self.0.expose().to_owned(), expires))
    }
}

struct World {
    vault: LabVault,
    server: LabVaultServer,
    ca: LabCa,
}

impl World {
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (vault, ca) = (LabVault::new(Arc::new(ManualClock::default())), LabCa::new().unwrap());
        let server = vault.serve(&ca, ([127, 0, 0, 1], 0).into()).await.unwrap();
        Self { vault, server, ca }
    }

    fn store_with(&self, token: Password) -> KeyVaultSecretStore {
        let root = reqwest::Certificate::from_pem(self.ca.certificate_pem().as_bytes()).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
        KeyVaultSecretStore::connect_to_stand_in(self.server.url(), Arc::new(Credential(token)), http)
            .unwrap()
    }

    fn store(&self) -> KeyVaultSecretStore {
        self.store_with(self.vault.token())
    }
}

fn secret(text: &str) -> Password {
    Password::new(text.to_owned())
}

#[tokio::test]
async fn the_contract_of_secret_stores_holds() {
    let world = World::new().await;
    conformance::secret_store(&world.store()).await;
}

#[tokio::test]
async fn a_reader_of_the_vault_never_gets_a_secret_that_the_tenant_did_not_accept() {
    let world = World::new().await;
    let store = world.store();
    for number in 0..30 {
        let new = secret(&format!("secret number {number}"));
        let place = store.store(NAME, &new).await.unwrap();
        assert!(place.starts_with(world.server.url()) && !place.contains("secret number"));
        let name = KeyVaultSecretStore::name_of(NAME);
        assert!(world.vault.secrets().iter().all(|one| one.name != name || !one.value.is_same(&new)));
        store.promote(NAME, &new).await.unwrap();
    }
    // More versions than fit on a page, all but one of them former ones; nothing is lost.
    let all = world.vault.secrets();
    let name = KeyVaultSecretStore::name_of(NAME);
    assert_eq!(all.iter().filter(|one| one.name == name && one.is_enabled).count(), 30);
    assert_eq!(all.iter().filter(|one| one.name != name && one.is_enabled).count(), 0);
    assert!(store.pending(NAME).await.unwrap().is_empty());
    for number in 0..27 {
        store.store(NAME, &secret(&format!("pending {number}"))).await.unwrap();
    }
    let pending = store.pending(NAME).await.unwrap();
    assert_eq!((pending.len(), pending[0].expose()), (27, "pending 26"));
}

#[tokio::test]
async fn a_promotion_that_is_interrupted_is_completed_by_the_next() {
    let world = World::new().await;
    let (store, new) = (world.store(), secret("the new one"));
    store.store(NAME, &new).await.unwrap();
    // The value is current, and the vault refuses to disable the stored one.
    world.vault.fail(4, 403, 1);
    let error = store.promote(NAME, &new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    world.vault.clear_faults();
    assert_eq!(store.load(NAME).await.unwrap().unwrap().expose(), "the new one");
    assert_eq!(store.pending(NAME).await.unwrap().len(), 1);
    store.promote(NAME, &new).await.unwrap();
    assert!(store.pending(NAME).await.unwrap().is_empty());
    let current = KeyVaultSecretStore::name_of(NAME);
    assert_eq!(world.vault.secrets().iter().filter(|one| one.name == current).count(), 1, "once");
}

#[tokio::test]
async fn each_refusal_is_told_as_what_it_is_and_holds_no_secret() {
    let world = World::new().await;
    let stranger = world.store_with(secret("another token"));
    let error = stranger.store(NAME, &secret("hidden value")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(!format!("{error} {error:?} {stranger:?}").contains("another token"));

    let store = world.store();
    store.load(NAME).await.unwrap();
    for (status, kind) in [(403, ErrorKind::Forbidden), (409, ErrorKind::InUse), (400, ErrorKind::Invalid)] {
        world.vault.fail(1, status, 1);
        let error = store.store(NAME, &secret("hidden value")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error} {error:?}").contains("hidden value"), "{error:?}");
        assert!(error.hint().is_some() && error.object() == Some(NAME), "{error}");
        world.vault.clear_faults();
    }
    assert!(world.vault.secrets().is_empty(), "nothing was stored");
    // A busy vault is asked again.
    world.vault.fail(0, 503, 1);
    store.store(NAME, &secret("hidden value")).await.unwrap();

    let World { server, .. } = world;
    drop(server);
    let error = store.load(NAME).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[test]
fn only_vaults_with_tls_are_used() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for url in ["http://contoso.vault.azure.net", "contoso.vault.azure.net", "ftp://x", ""] {
        let credential = Arc::new(Credential(secret("token")));
        let error = KeyVaultSecretStore::connect(url, credential, reqwest::Client::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
    }
}
