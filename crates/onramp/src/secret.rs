//! Where a new secret goes, before the tenant learns it.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use onramp_core::{Error, ErrorKind, Password, Result};

/// Where new secrets go. A secret is stored here, durably, before the tenant learns it, so that none is ever lost.
pub trait SecretSink: Debug + Send + Sync {
    /// Stores a secret under a name, keeping the one that was there before within reach; says where, in words.
    ///
    /// # Errors
    /// Those of the store; the tenant's password is then left as it is.
    fn store(&self, name: &str, secret: &Password) -> Result<String>;

    /// The secret stored under a name, if there is one and it may be read back.
    ///
    /// # Errors
    /// Those of the store.
    fn load(&self, name: &str) -> Result<Option<Password>>;
}

/// Secrets in a folder, one file each, readable by their owner only. The file before is kept as `….previous`.
#[derive(Debug, Clone)]
pub struct FileSecretSink {
    folder: PathBuf,
}

impl FileSecretSink {
    /// Keeps secrets in that folder, which is made when the first one comes.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, name: &str) -> PathBuf {
        let plain: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "@.-_".contains(c) { c } else { '_' })
            .collect();
        self.folder.join(format!("{plain}.password"))
    }
}

impl SecretSink for FileSecretSink {
    fn store(&self, name: &str, secret: &Password) -> Result<String> {
        let path = self.path(name);
        let shown = path.display().to_string();
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "store the new password of")
                .object(name)
                .detail(format!("{shown}: {error}"))
                .hint("The tenant's password was not changed.")
        };
        make_private_folder(&self.folder).map_err(failed)?;
        let part = path.with_extension("part");
        let mut file = create_private(&part).map_err(failed)?;
        file.write_all(secret.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        if path.exists() {
            std::fs::rename(&path, path.with_extension("password.previous")).map_err(failed)?;
        }
        std::fs::rename(&part, &path).map_err(failed)?;
        std::fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(shown)
    }

    fn load(&self, name: &str) -> Result<Option<Password>> {
        let path = self.path(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Password::new(text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::new(ErrorKind::Unavailable, "read the stored password of")
                .object(name)
                .detail(format!("{}: {error}", path.display()))),
        }
    }
}

#[cfg(unix)]
fn create_private(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    // A leftover of a crash may have other permissions; the mode counts only for a file that is made.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(unix)]
fn make_private_folder(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_private(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    std::fs::File::create(path)
}

#[cfg(not(unix))]
fn make_private_folder(path: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Secrets in memory, for tests and for programs that hand them on themselves.
#[derive(Default)]
pub struct MemorySecretSink(Mutex<HashMap<String, Password>>);

impl Debug for MemorySecretSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemorySecretSink(***)")
    }
}

impl SecretSink for MemorySecretSink {
    fn store(&self, name: &str, secret: &Password) -> Result<String> {
        let mut map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        map.insert(name.to_owned(), secret.clone());
        Ok("memory".into())
    }

    fn load(&self, name: &str) -> Result<Option<Password>> {
        Ok(self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(name).cloned())
    }
}
