//! The store: one secret of the vault for the current password of an account, and one for those that the tenant may learn.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RequestContent, RetryOptions, Transport};
use azure_security_keyvault_secrets::models::{
    Secret, SecretAttributes, SecretClientGetSecretOptions, SecretClientUpdateSecretPropertiesOptions,
    SetSecretParameters, UpdateSecretPropertiesParameters,
};
use azure_security_keyvault_secrets::{ResourceExt, SecretClient, SecretClientOptions};
use futures_util::TryStreamExt;
use onramp::SecretStore;
use onramp_core::{Error, ErrorKind, Password, Result};
use sha2::{Digest, Sha256};

use crate::errors::failed;
use crate::transport::OneOrigin;

/// The tag with the state of a stored secret.
const STATE: &str = "onramp-state";
/// The tag with the place of a stored secret in the order of storing.
const ORDER: &str = "onramp-order";
const PENDING: &str = "pending";
/// The maximum number of repetitions of a request; Azure's client waits for some seconds in all.
const MAX_RETRIES: u32 = 4;
/// The maximum length of the readable part of a name.
const READABLE: usize = 80;

/// A store of secrets in Azure Key Vault.
#[derive(Clone)]
pub struct KeyVaultSecretStore {
    client: Arc<SecretClient>,
    vault: String,
}

impl fmt::Debug for KeyVaultSecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyVaultSecretStore").field("vault", &self.vault).finish_non_exhaustive()
    }
}

/// A stored secret that is neither promoted nor discarded.
struct Pending {
    order: u64,
    version: String,
}

impl KeyVaultSecretStore {
    /// Creates a store in the vault at a URL such as `https://contoso.vault.azure.net`. Nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid` if the URL is not one of HTTPS.
    pub fn connect(url: &str, credential: Arc<dyn TokenCredential>, http: reqwest::Client) -> Result<Self> {
        let options = SecretClientOptions::default();
        Self::with_options(url, credential, http, options)
    }

    /// The same for a vault that is no Azure vault by its name, such as a stand-in in a lab: its challenge names the resource of
    /// another host.
    ///
    /// # Errors
    /// `Invalid` if the URL is not one of HTTPS.
    pub fn connect_to_stand_in(
        url: &str,
        credential: Arc<dyn TokenCredential>,
        http: reqwest::Client,
    ) -> Result<Self> {
        let options =
            SecretClientOptions { verify_challenge_resource: Some(false), ..SecretClientOptions::default() };
        Self::with_options(url, credential, http, options)
    }

    fn with_options(
        url: &str,
        credential: Arc<dyn TokenCredential>,
        http: reqwest::Client,
        mut options: SecretClientOptions,
    ) -> Result<Self> {
        let invalid = |detail: String| {
            Error::new(ErrorKind::Invalid, "use the key vault").with_object(url).with_detail(detail)
        };
        let vault: reqwest::Url = url.parse().map_err(|error| invalid(format!("{error}")))?;
        if vault.scheme() != "https" {
            return Err(invalid("the URL does not begin with https://".to_owned()));
        }
        let transport = Transport::new(Arc::new(OneOrigin { http, vault: vault.clone() }));
        let retry =
            ExponentialRetryOptions { max_retries: MAX_RETRIES, ..ExponentialRetryOptions::default() };
        options.client_options = ClientOptions {
            transport: Some(transport),
            retry: RetryOptions::exponential(retry),
            ..ClientOptions::default()
        };
        let client = SecretClient::new(vault.as_str(), credential, Some(options));
        let client = client.map_err(|error| invalid(error.to_string()))?;
        Ok(Self { client: Arc::new(client), vault: vault.as_str().trim_end_matches('/').to_owned() })
    }

    /// Returns the name that the current secret of an account has in the vault. Names of accounts ignore case.
    ///
    /// ```
    /// use onramp_store_keyvault::KeyVaultSecretStore;
    ///
    /// let name = KeyVaultSecretStore::name_of("onramp-sync@contoso.com");
    /// assert!(name.starts_with("onramp-sync-contoso-com-") && name.len() <= 127);
    /// assert_eq!(name, KeyVaultSecretStore::name_of("Onramp-Sync@CONTOSO.com"));
    /// assert_ne!(name, KeyVaultSecretStore::name_of("onramp.sync@contoso.com"));
    /// ```
    pub fn name_of(account: &str) -> String {
        let account = account.to_lowercase();
        let readable = account.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
        let readable: String = readable.take(READABLE).collect();
        // Without it, names that differ in other characters alone would share a secret.
        let digest: String =
            Sha256::digest(&account).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{readable}-{digest}")
    }

    fn place(&self, name: &str) -> String {
        format!("{}/secrets/{name}", self.vault)
    }

    async fn set(
        &self,
        account: &str,
        name: &str,
        secret: &Password,
        tags: HashMap<String, String>,
    ) -> Result<()> {
        let parameters = SetSecretParameters {
            value: Some(secret.expose().to_owned()),
            tags: Some(tags),
            ..SetSecretParameters::default()
        };
        let failed = |error| failed("store a secret in the key vault for", account, &error);
        let content: RequestContent<SetSecretParameters> = parameters.try_into().map_err(failed)?;
        self.client.set_secret(name, content, None).await.map_err(failed)?;
        Ok(())
    }

    /// Returns the value of a version, or of the latest one; `None` if there is none, or if it is disabled.
    async fn get(&self, account: &str, name: &str, version: Option<String>) -> Result<Option<Password>> {
        let failed = |error| failed("read a secret of the key vault for", account, &error);
        let options = SecretClientGetSecretOptions { secret_version: version, ..Default::default() };
        let secret: Secret = match self.client.get_secret(name, Some(options)).await {
            Ok(answer) => answer.into_model().map_err(failed)?,
            Err(error) => {
                let error = failed(error);
                return if error.is_not_found() { Ok(None) } else { Err(error) };
            }
        };
        Ok(secret.value.map(Password::new))
    }

    /// Returns the stored secrets that are neither promoted nor discarded, the newest first.
    async fn list_pending(&self, account: &str) -> Result<Vec<Pending>> {
        let failed = |error| failed("list the stored secrets in the key vault for", account, &error);
        let mut found = Vec::new();
        let next = next_name(account);
        let mut versions = self.client.list_secret_properties_versions(&next, None).map_err(failed)?;
        loop {
            let properties = match versions.try_next().await.map_err(failed) {
                Ok(Some(properties)) => properties,
                Ok(None) => break,
                // A secret that was never set.
                Err(error) if error.is_not_found() => break,
                Err(error) => return Err(error),
            };
            let tag =
                |name: &str| properties.tags.as_ref().and_then(|tags| tags.get(name)).map(String::as_str);
            let is_enabled =
                properties.attributes.as_ref().and_then(|attributes| attributes.enabled) != Some(false);
            let version = properties.resource_id().map_err(failed)?.version;
            if let (true, Some(PENDING), Some(version)) = (is_enabled, tag(STATE), version) {
                let order = tag(ORDER).and_then(|order| order.parse().ok()).unwrap_or_default();
                found.push(Pending { order, version });
            }
        }
        found.sort_by_key(|pending| std::cmp::Reverse(pending.order));
        Ok(found)
    }

    /// Returns the pending versions with a value.
    async fn pending_with(&self, account: &str, secret: &Password) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for Pending { version, .. } in self.list_pending(account).await? {
            let value = self.get(account, &next_name(account), Some(version.clone())).await?;
            if value.is_some_and(|value| value.is_same(secret)) {
                found.push(version);
            }
        }
        Ok(found)
    }

    /// Disables a stored secret. A vault cannot delete a single version.
    async fn disable(&self, account: &str, version: String, state: &str) -> Result<()> {
        let failed = |error| failed("disable a stored secret in the key vault for", account, &error);
        let attributes = SecretAttributes { enabled: Some(false), ..SecretAttributes::default() };
        let parameters = UpdateSecretPropertiesParameters {
            secret_attributes: Some(attributes),
            tags: Some(HashMap::from([(STATE.to_owned(), state.to_owned())])),
            ..UpdateSecretPropertiesParameters::default()
        };
        let content: RequestContent<UpdateSecretPropertiesParameters> =
            parameters.try_into().map_err(failed)?;
        let options = SecretClientUpdateSecretPropertiesOptions {
            secret_version: Some(version),
            ..SecretClientUpdateSecretPropertiesOptions::default()
        };
        let updated = self.client.update_secret_properties(&next_name(account), content, Some(options)).await;
        updated.map_err(failed).map(|_| ())
    }
}

/// Returns the name under which secrets are stored that the tenant may learn.
fn next_name(account: &str) -> String {
    format!("{}-next", KeyVaultSecretStore::name_of(account))
}

#[async_trait]
impl SecretStore for KeyVaultSecretStore {
    async fn store(&self, name: &str, secret: &Password) -> Result<String> {
        let newest = self.list_pending(name).await?.first().map_or(0, |pending| pending.order);
        let order = newest.saturating_add(1).to_string();
        let tags = HashMap::from([(STATE.to_owned(), PENDING.to_owned()), (ORDER.to_owned(), order)]);
        self.set(name, &next_name(name), secret, tags).await?;
        Ok(self.place(&next_name(name)))
    }

    async fn promote(&self, name: &str, secret: &Password) -> Result<String> {
        let (stored, current) = (self.pending_with(name, secret).await?, self.load(name).await?);
        let is_current = current.is_some_and(|current| current.is_same(secret));
        if stored.is_empty() && !is_current {
            return Err(Error::new(ErrorKind::NotFound, "find the stored password of").with_object(name));
        }
        // The current one first: if this is interrupted in between, both have the value.
        if !is_current {
            self.set(name, &Self::name_of(name), secret, HashMap::new()).await?;
        }
        for version in stored {
            self.disable(name, version, "promoted").await?;
        }
        Ok(self.place(&Self::name_of(name)))
    }

    async fn discard(&self, name: &str, secret: &Password) -> Result<()> {
        for version in self.pending_with(name, secret).await? {
            self.disable(name, version, "discarded").await?;
        }
        Ok(())
    }

    async fn load(&self, name: &str) -> Result<Option<Password>> {
        self.get(name, &Self::name_of(name), None).await
    }

    async fn pending(&self, name: &str) -> Result<Vec<Password>> {
        let mut found = Vec::new();
        for Pending { version, .. } in self.list_pending(name).await? {
            found.extend(self.get(name, &next_name(name), Some(version)).await?);
        }
        Ok(found)
    }
}
