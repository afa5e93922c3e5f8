//! The store of new secrets: a secret is stored before the tenant gets it.

mod callback;

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use onramp_core::{Error, ErrorKind, Password, Result};

pub use callback::{CallbackSecretStore, SecretStep};

use crate::blocking::run_blocking;

/// A store of secrets.
///
/// A new secret is stored here, durably, before the tenant gets it, and becomes the current one only after the tenant
/// accepted it. No secret that was current, or that the tenant may have, is ever lost.
///
/// The name is the UPN of the account; names ignore case.
///
/// Run `onramp::conformance::secret_store` (feature `conformance`) on your store.
#[async_trait]
pub trait SecretStore: Debug + Send + Sync {
    /// Stores a new secret under a name, beside the current one, and returns its location for people.
    ///
    /// # Errors
    /// Errors of the store; the tenant's password is then left as it is.
    async fn store(&self, name: &str, secret: &Password) -> Result<String>;

    /// Makes a stored secret the current one, because the tenant accepted it, and returns its new location for people. The
    /// former one is kept. Compare secrets with [`Password::is_same`].
    ///
    /// A secret that is the current one already stays so, which is no error: a run promotes again what it may have promoted
    /// before.
    ///
    /// # Errors
    /// Errors of the store; `NotFound` if it was not stored.
    async fn promote(&self, name: &str, secret: &Password) -> Result<String>;

    /// Removes a stored secret that the tenant certainly refused. Never removes a current one. One that is not stored is no
    /// error. Compare secrets with [`Password::is_same`].
    ///
    /// # Errors
    /// Errors of the store.
    async fn discard(&self, name: &str, secret: &Password) -> Result<()>;

    /// Returns the current secret of a name, if there is one and it can be read.
    ///
    /// # Errors
    /// Errors of the store.
    async fn load(&self, name: &str) -> Result<Option<Password>>;

    /// Returns the secrets that were stored under a name and neither promoted nor discarded, the newest first: after a
    /// crash one of them may be the tenant's.
    ///
    /// # Errors
    /// Errors of the store.
    async fn pending(&self, name: &str) -> Result<Vec<Password>>;
}

/// A store in a folder: one file for each secret, readable by its owner only.
///
/// `NAME.password` is the current one, `NAME.next-N.password` a stored one that is not promoted yet, and
/// `NAME.previous-N.password` a former one. Names ignore case, as UPNs do; characters that not every file system accepts
/// are written as `%` and their code, so that two names never share a file.
#[derive(Debug, Clone)]
pub struct FileSecretStore {
    folder: PathBuf,
}

impl FileSecretStore {
    /// Creates a store in a folder, which is created with the first secret.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn current(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.password", plain(name)))
    }

    /// Returns the files of a kind, `next` or `previous`, with their numbers, the newest last.
    fn numbered(&self, name: &str, kind: &str) -> std::io::Result<Vec<(u32, PathBuf)>> {
        let start = format!("{}.{kind}-", plain(name));
        let mut found = Vec::new();
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let number = path.file_name().and_then(|name| {
                name.to_str()?.strip_prefix(&start)?.strip_suffix(".password")?.parse().ok()
            });
            found.extend(number.map(|number: u32| (number, path)));
        }
        found.sort_unstable();
        Ok(found)
    }

    fn fresh(&self, name: &str, kind: &str) -> std::io::Result<PathBuf> {
        let last = self.numbered(name, kind)?.last().map_or(0, |(number, _)| *number);
        Ok(self.folder.join(format!("{}.{kind}-{}.password", plain(name), last.saturating_add(1))))
    }

    /// Returns the file of a stored secret that is neither promoted nor discarded.
    fn find_pending(&self, name: &str, secret: &Password) -> Result<Option<PathBuf>> {
        for (_, path) in
            self.numbered(name, "next").map_err(|e| not_read(name, &self.folder, &e))?.iter().rev()
        {
            if read(name, path)?.is_some_and(|stored| stored.is_same(secret)) {
                return Ok(Some(path.clone()));
            }
        }
        Ok(None)
    }
}

impl FileSecretStore {
    fn store_file(&self, name: &str, secret: &Password) -> Result<String> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "store the new password of")
                .with_object(name)
                .with_detail(format!("{}: {error}", self.folder.display()))
                .with_hint("The tenant's password was not changed.")
        };
        onramp_files::make_private_folder(&self.folder).map_err(failed)?;
        let path = self.fresh(name, "next").map_err(failed)?;
        onramp_files::write_private(&path, secret.expose().as_bytes()).map_err(failed)?;
        Ok(path.display().to_string())
    }

    fn promote_file(&self, name: &str, secret: &Password) -> Result<String> {
        let path = self.current(name);
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "make the new password the current one of")
                .with_object(name)
                .with_detail(format!("{}: {error}", path.display()))
                .with_hint("The tenant has the new password; it is in the same folder as the newest file with “next” in its name.")
        };
        let Some(stored) = self.find_pending(name, secret)? else {
            return match self.load_file(name)? {
                Some(current) if current.is_same(secret) => Ok(path.display().to_string()),
                _ => Err(Error::new(ErrorKind::NotFound, "find the stored password of").with_object(name)),
            };
        };
        if path.exists() {
            let previous = self.fresh(name, "previous").map_err(failed)?;
            onramp_files::replace_with(&path, previous).map_err(failed)?;
        }
        onramp_files::replace_with(stored, &path).map_err(failed)?;
        Ok(path.display().to_string())
    }

    fn discard_file(&self, name: &str, secret: &Password) -> Result<()> {
        match self.find_pending(name, secret)? {
            Some(path) => std::fs::remove_file(&path).map_err(|error| not_read(name, &path, &error)),
            None => Ok(()),
        }
    }

    fn load_file(&self, name: &str) -> Result<Option<Password>> {
        read(name, &self.current(name))
    }

    fn pending_files(&self, name: &str) -> Result<Vec<Password>> {
        let files = self.numbered(name, "next").map_err(|error| not_read(name, &self.folder, &error))?;
        files.iter().rev().filter_map(|(_, path)| read(name, path).transpose()).collect()
    }
}

#[async_trait]
impl SecretStore for FileSecretStore {
    async fn store(&self, name: &str, secret: &Password) -> Result<String> {
        let (this, name, secret) = (self.clone(), name.to_owned(), secret.clone());
        run_blocking("store a secret", move || this.store_file(&name, &secret)).await
    }

    async fn promote(&self, name: &str, secret: &Password) -> Result<String> {
        let (this, name, secret) = (self.clone(), name.to_owned(), secret.clone());
        run_blocking("promote a secret", move || this.promote_file(&name, &secret)).await
    }

    async fn discard(&self, name: &str, secret: &Password) -> Result<()> {
        let (this, name, secret) = (self.clone(), name.to_owned(), secret.clone());
        run_blocking("discard a secret", move || this.discard_file(&name, &secret)).await
    }

    async fn load(&self, name: &str) -> Result<Option<Password>> {
        let (this, name) = (self.clone(), name.to_owned());
        run_blocking("load a secret", move || this.load_file(&name)).await
    }

    async fn pending(&self, name: &str) -> Result<Vec<Password>> {
        let (this, name) = (self.clone(), name.to_owned());
        run_blocking("read the stored secrets", move || this.pending_files(&name)).await
    }
}

fn read(name: &str, path: &Path) -> Result<Option<Password>> {
    match onramp_files::read_secret(path) {
        Ok(text) => Ok(Some(Password::new(text.as_str().to_owned()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(not_read(name, path, &error)),
    }
}

fn not_read(name: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "read the stored password of")
        .with_object(name)
        .with_detail(format!("{}: {error}", path.display()))
}

/// Returns a name as a part of a file name, different for names that differ in more than case. It contains neither of the
/// infixes of numbered files.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() || "@._-".contains(c) {
            plain.push(c);
        } else {
            plain.extend(c.to_string().bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    plain.replace(".next-", "%2Enext-").replace(".previous-", "%2Eprevious-")
}

/// A store in memory, for tests and for programs that forward secrets themselves.
#[derive(Default)]
pub struct MemorySecretStore(Mutex<HashMap<String, Kept>>);

#[derive(Default)]
struct Kept {
    current: Option<Password>,
    pending: Vec<Password>,
    previous: Vec<Password>,
}

impl MemorySecretStore {
    fn kept(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for MemorySecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemorySecretStore(***)")
    }
}

#[async_trait]
impl SecretStore for MemorySecretStore {
    async fn store(&self, name: &str, secret: &Password) -> Result<String> {
        self.kept().entry(name.to_lowercase()).or_default().pending.push(secret.clone());
        Ok("memory".into())
    }

    async fn promote(&self, name: &str, secret: &Password) -> Result<String> {
        let mut all = self.kept();
        let kept = all.entry(name.to_lowercase()).or_default();
        if let Some(at) = kept.pending.iter().position(|stored| stored.is_same(secret)) {
            let stored = kept.pending.remove(at);
            kept.previous.extend(kept.current.replace(stored));
        } else if kept.current.as_ref().is_none_or(|current| !current.is_same(secret)) {
            return Err(Error::new(ErrorKind::NotFound, "find the stored password of").with_object(name));
        }
        Ok("memory".into())
    }

    async fn discard(&self, name: &str, secret: &Password) -> Result<()> {
        if let Some(kept) = self.kept().get_mut(&name.to_lowercase()) {
            kept.pending.retain(|stored| !stored.is_same(secret));
        }
        Ok(())
    }

    async fn load(&self, name: &str) -> Result<Option<Password>> {
        Ok(self.kept().get(&name.to_lowercase()).and_then(|kept| kept.current.clone()))
    }

    async fn pending(&self, name: &str) -> Result<Vec<Password>> {
        let all = self.kept();
        let pending = all.get(&name.to_lowercase()).map(|kept| kept.pending.iter().rev().cloned().collect());
        Ok(pending.unwrap_or_default())
    }
}
