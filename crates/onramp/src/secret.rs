//! The store of new secrets, which have them before the tenant learns them.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use onramp_core::{Error, ErrorKind, Password, Result};

/// A store of secrets.
///
/// A new secret is stored here, durably, before the tenant learns it, and becomes the current one only after the tenant
/// took it. No secret that was current, or that the tenant may have, is ever lost.
pub trait SecretSink: Debug + Send + Sync {
    /// Stores a new secret under a name, beside the current one; says where, in words.
    ///
    /// # Errors
    /// Those of the store; the tenant's password is then left as it is.
    fn store(&self, name: &str, secret: &Password) -> Result<String>;

    /// Makes one of the secrets that were stored under a name the current one, because the tenant took it; says where it
    /// is now, in words. The one before is kept.
    ///
    /// # Errors
    /// Those of the store; `NotFound` if it was not stored.
    fn promote(&self, name: &str, secret: &Password) -> Result<String>;

    /// Removes a stored secret that the tenant refused for certain. Never removes a current one.
    ///
    /// # Errors
    /// Those of the store.
    fn discard(&self, name: &str, secret: &Password) -> Result<()>;

    /// Returns the current secret of a name, if there is one and it may be read back.
    ///
    /// # Errors
    /// Those of the store.
    fn load(&self, name: &str) -> Result<Option<Password>>;

    /// Returns the secrets that were stored under a name and neither promoted nor discarded, the newest first: after a
    /// crash one of them may be the tenant's.
    ///
    /// # Errors
    /// Those of the store.
    fn pending(&self, name: &str) -> Result<Vec<Password>>;
}

/// Secrets in a folder, one file each, readable by their owner only.
///
/// `NAME.password` is the current one, `NAME.next-N.password` one that was stored and not promoted yet, and
/// `NAME.previous-N.password` one that was current before. UPNs compare without case, and so do the names; characters
/// that not every file system takes are written as `%` and their code, so that two names never share a file.
#[derive(Debug, Clone)]
pub struct FileSecretSink {
    folder: PathBuf,
}

impl FileSecretSink {
    /// Keeps secrets in that folder, which is made when the first one comes.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn current(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.password", plain(name)))
    }

    /// The files of a kind, `next` or `previous`, with their numbers, the newest last.
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

    /// The file of a stored secret that is neither promoted nor discarded.
    fn find_pending(&self, name: &str, secret: &Password) -> Result<Option<PathBuf>> {
        for (_, path) in
            self.numbered(name, "next").map_err(|e| not_read(name, &self.folder, &e))?.iter().rev()
        {
            if read(name, path)?.is_some_and(|stored| stored.expose() == secret.expose()) {
                return Ok(Some(path.clone()));
            }
        }
        Ok(None)
    }
}

impl SecretSink for FileSecretSink {
    fn store(&self, name: &str, secret: &Password) -> Result<String> {
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

    fn promote(&self, name: &str, secret: &Password) -> Result<String> {
        let path = self.current(name);
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "make the new password the current one of")
                .with_object(name)
                .with_detail(format!("{}: {error}", path.display()))
                .with_hint("The tenant has the new password; it is in the same folder as the newest file with “next” in its name.")
        };
        let Some(stored) = self.find_pending(name, secret)? else {
            return match self.load(name)? {
                Some(current) if current.expose() == secret.expose() => Ok(path.display().to_string()),
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

    fn discard(&self, name: &str, secret: &Password) -> Result<()> {
        match self.find_pending(name, secret)? {
            Some(path) => std::fs::remove_file(&path).map_err(|error| not_read(name, &path, &error)),
            None => Ok(()),
        }
    }

    fn load(&self, name: &str) -> Result<Option<Password>> {
        read(name, &self.current(name))
    }

    fn pending(&self, name: &str) -> Result<Vec<Password>> {
        let files = self.numbered(name, "next").map_err(|error| not_read(name, &self.folder, &error))?;
        files.iter().rev().filter_map(|(_, path)| read(name, path).transpose()).collect()
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

/// A name as part of a file name, another one for each name that differs in more than case. It holds neither of the
/// infixes that tell the files of one name apart.
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

/// Secrets in memory, for tests and for programs that hand them on themselves.
#[derive(Default)]
pub struct MemorySecretSink(Mutex<HashMap<String, Kept>>);

#[derive(Default)]
struct Kept {
    current: Option<Password>,
    pending: Vec<Password>,
    previous: Vec<Password>,
}

impl MemorySecretSink {
    fn kept(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for MemorySecretSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemorySecretSink(***)")
    }
}

impl SecretSink for MemorySecretSink {
    fn store(&self, name: &str, secret: &Password) -> Result<String> {
        self.kept().entry(name.to_lowercase()).or_default().pending.push(secret.clone());
        Ok("memory".into())
    }

    fn promote(&self, name: &str, secret: &Password) -> Result<String> {
        let mut all = self.kept();
        let kept = all.entry(name.to_lowercase()).or_default();
        if let Some(at) = kept.pending.iter().position(|stored| stored.expose() == secret.expose()) {
            let stored = kept.pending.remove(at);
            kept.previous.extend(kept.current.replace(stored));
        } else if kept.current.as_ref().is_none_or(|current| current.expose() != secret.expose()) {
            return Err(Error::new(ErrorKind::NotFound, "find the stored password of").with_object(name));
        }
        Ok("memory".into())
    }

    fn discard(&self, name: &str, secret: &Password) -> Result<()> {
        if let Some(kept) = self.kept().get_mut(&name.to_lowercase()) {
            kept.pending.retain(|stored| stored.expose() != secret.expose());
        }
        Ok(())
    }

    fn load(&self, name: &str) -> Result<Option<Password>> {
        Ok(self.kept().get(&name.to_lowercase()).and_then(|kept| kept.current.clone()))
    }

    fn pending(&self, name: &str) -> Result<Vec<Password>> {
        let all = self.kept();
        let pending = all.get(&name.to_lowercase()).map(|kept| kept.pending.iter().rev().cloned().collect());
        Ok(pending.unwrap_or_default())
    }
}
