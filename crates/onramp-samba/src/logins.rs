//! Accounts to sign in with.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Forest, ForestError, Scope, Secret, attribute_line};

/// The `schemaIDGUID` of `userPrincipalName`, which access rights refer to.
const USER_PRINCIPAL_NAME: &str = "28630ebb-41d5-11d1-a9c1-0000f80367c1";

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

/// The rights of an account made for a test, beyond those of every signed-in user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rights {
    /// No more rights: the account can read, but can change neither users nor suffixes.
    Ordinary,
    /// Writing `userPrincipalName` of every object below the domain, as delegated to a synchronization administrator.
    WriteUpn,
    /// Every right, by membership in Domain Admins and Enterprise Admins.
    Administrator,
}

/// Adds an account with a random password on the first controller.
pub(super) fn add(forest: &Forest, name: &str, rights: Rights) -> Result<Login, ForestError> {
    let upn = format!("{name}@{}", forest.domain());
    let login = Login::new(format!("CN={name},CN=Users,{}", forest.base_dn()), upn, forest.folder())?;
    forest.ldapmodify(
        0,
        &format!(
            "{}\nobjectClass: user\n{}\n{}\nuserAccountControl: 512\n{}\n",
            attribute_line("dn", login.dn()),
            attribute_line("sAMAccountName", name),
            attribute_line("userPrincipalName", login.upn()),
            login.password_line().expose(),
        ),
    )?;
    match rights {
        Rights::Ordinary => {}
        Rights::WriteUpn => delegate_upn(forest, &login)?,
        Rights::Administrator => {
            forest.samba_tool(0, &["group", "addmembers", "Domain Admins", name])?;
            forest.samba_tool(0, &["group", "addmembers", "Enterprise Admins", name])?;
        }
    }
    Ok(login)
}

fn delegate_upn(forest: &Forest, login: &Login) -> Result<(), ForestError> {
    let entries = forest.ldapsearch(0, login.dn(), Scope::Base, "(objectClass=*)", &["objectSid"])?;
    let sid =
        entries.first().and_then(|entry| entry.bytes("objectSid")).and_then(sid_text).unwrap_or_default();
    let object = format!("--objectdn={}", forest.base_dn());
    let grant = format!("--sddl=(OA;CI;WP;{USER_PRINCIPAL_NAME};;{sid})");
    forest.samba_tool(0, &["dsacl", "set", &object, &grant]).map(drop)
}

/// Returns a security identifier as text (MS-DTYP 2.4.2.1).
fn sid_text(bytes: &[u8]) -> Option<String> {
    let (&[revision, count], rest) = bytes.split_first_chunk::<2>()?;
    let (authority, rest) = rest.split_first_chunk::<6>()?;
    let authority = authority.iter().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
    let parts: Vec<String> =
        rest.as_chunks::<4>().0.iter().map(|part| format!("-{}", u32::from_le_bytes(*part))).collect();
    (parts.len() == usize::from(count)).then(|| format!("S-{revision}-{authority}{}", parts.concat()))
}
