//! An account of the forest with its password.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{ForestError, Secret};

/// An account of the forest and its password.
#[derive(Debug, Clone)]
pub struct Login {
    dn: String,
    upn: String,
    password: Secret,
    password_file: PathBuf,
}

impl Login {
    /// Generates a password for the account and saves it in a file in `folder` that only its owner, root, can read.
    pub(super) fn new(dn: String, upn: String, folder: &Path) -> Result<Self, ForestError> {
        let password = Secret::random()?;
        let name = upn.split('@').next().unwrap_or(&upn);
        let password_file = folder.join(format!("{name}.password"));
        fs::File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&password_file)
            .and_then(|mut file| file.write_all(password.expose().as_bytes()))
            .map_err(ForestError::io(format!("writing {}", password_file.display())))?;
        Ok(Self { dn, upn, password, password_file })
    }

    /// Returns the distinguished name.
    #[must_use]
    pub fn dn(&self) -> &str {
        &self.dn
    }

    /// Returns the `userPrincipalName`; for the administrator, who has none, the implicit one.
    #[must_use]
    pub fn upn(&self) -> &str {
        &self.upn
    }

    /// Returns the password.
    #[must_use]
    pub fn password(&self) -> &Secret {
        &self.password
    }

    /// Returns the path of a file with the password and nothing else, which only root can read.
    #[must_use]
    pub fn password_file(&self) -> &Path {
        &self.password_file
    }

    /// Returns the LDIF line that sets the password: in double quotes, as UTF-16 in little-endian order (MS-ADTS
    /// 3.1.1.3.1.5.1).
    pub(super) fn password_line(&self) -> Secret {
        let quoted = Zeroizing::new(format!("\"{}\"", self.password.expose()));
        let utf16: Zeroizing<Vec<u8>> =
            Zeroizing::new(quoted.encode_utf16().flat_map(u16::to_le_bytes).collect());
        Secret::from(format!("unicodePwd:: {}", STANDARD.encode(&*utf16)))
    }
}
