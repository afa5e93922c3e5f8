//! Accounts to sign in with.

use super::{Forest, ForestError, Login, Scope, attribute_line};

/// The `schemaIDGUID` of `userPrincipalName`, which access rights refer to.
const USER_PRINCIPAL_NAME: &str = "28630ebb-41d5-11d1-a9c1-0000f80367c1";

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

impl Forest {
    /// Adds an account that can sign in and has no more than `rights`, on the first controller.
    pub fn add_login(&self, name: &str, rights: Rights) -> Result<Login, ForestError> {
        add(self, name, rights)
    }
}

fn add(forest: &Forest, name: &str, rights: Rights) -> Result<Login, ForestError> {
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
