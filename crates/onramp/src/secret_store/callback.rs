//! A store that hands every secret to a function of the program.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use onramp_core::{Password, Result};

use super::{MemorySecretStore, SecretStore};

/// The step of a secret on its way to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretStep {
    /// The secret is to be kept: the tenant may learn it next.
    Stored,
    /// The tenant accepted it: it is the current one.
    Promoted,
    /// The tenant refused it: it is worth nothing.
    Discarded,
}

type Callback = dyn Fn(SecretStep, &str, &Password) -> Result<String> + Send + Sync;

/// A store that hands every secret to a function of the program, such as one that shows it or writes it elsewhere.
///
/// The function gets the step, the name and the secret, and returns the location for people. An error in the step
/// [`SecretStep::Stored`] leaves the tenant's password as it is.
///
/// Besides, the store keeps the secrets in memory, so that a run can test them. It does not know them after a restart: a run that was
/// interrupted then sets a new password.
///
/// ```
/// use onramp::{CallbackSecretStore, SecretStep};
///
/// let store = CallbackSecretStore::new(|step, name, _secret| {
///     if step == SecretStep::Stored {
///         println!("a new password for {name}");
///     }
///     Ok("the program's own vault".to_owned())
/// });
/// ```
pub struct CallbackSecretStore {
    callback: Box<Callback>,
    known: MemorySecretStore,
}

impl CallbackSecretStore {
    /// Creates a store that calls a function. The function must not keep the thread waiting for long.
    pub fn new(
        callback: impl Fn(SecretStep, &str, &Password) -> Result<String> + Send + Sync + 'static,
    ) -> Self {
        Self { callback: Box::new(callback), known: MemorySecretStore::default() }
    }
}

impl Debug for CallbackSecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackSecretStore(***)")
    }
}

#[async_trait]
impl SecretStore for CallbackSecretStore {
    async fn store(&self, name: &str, secret: &Password) -> Result<String> {
        let place = (self.callback)(SecretStep::Stored, name, secret)?;
        self.known.store(name, secret).await?;
        Ok(place)
    }

    async fn promote(&self, name: &str, secret: &Password) -> Result<String> {
        self.known.promote(name, secret).await?;
        (self.callback)(SecretStep::Promoted, name, secret)
    }

    async fn discard(&self, name: &str, secret: &Password) -> Result<()> {
        let pending = self.known.pending(name).await?;
        if pending.iter().any(|stored| stored.is_same(secret)) {
            (self.callback)(SecretStep::Discarded, name, secret)?;
        }
        self.known.discard(name, secret).await
    }

    async fn load(&self, name: &str) -> Result<Option<Password>> {
        self.known.load(name).await
    }

    async fn pending(&self, name: &str) -> Result<Vec<Password>> {
        self.known.pending(name).await
    }
}
