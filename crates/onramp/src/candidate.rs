//! What a spec wants of one user: a new UPN, or nothing and why.

use std::fmt;

use onramp_core::forest::{AccountKind, ForestUser};
use onramp_core::{DistinguishedName, ObjectGuid, Upn};
use serde::{Deserialize, Serialize};

use crate::plan::Problem;
use crate::spec::{NewUpn, Spec, UserSelection, UsersSpec};

/// A user whom the spec selects, and the UPN it is to get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// Who.
    pub user: UserRef,
    /// The UPN there is, as the directory holds it.
    pub before: Option<String>,
    /// The UPN it is to get, or why none can be made.
    pub after: Result<Upn, Problem>,
    /// How the new UPN was made.
    pub reason: String,
}

/// A user, by the identity that survives renames and by a name for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserRef {
    /// `objectGUID`.
    pub guid: ObjectGuid,
    /// Distinguished name.
    pub dn: DistinguishedName,
    /// `sAMAccountName`.
    pub sam_account_name: String,
}

impl UserRef {
    pub(crate) fn of(user: &ForestUser) -> Self {
        Self { guid: user.guid, dn: user.dn.clone(), sam_account_name: user.sam_account_name.clone() }
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.sam_account_name, self.dn)
    }
}

/// Why a user is left as it is although it was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
#[non_exhaustive]
pub enum SkipReason {
    /// It has the UPN already.
    AlreadySo,
    /// A built-in account: its relative identifier is below 1000.
    BuiltIn,
    /// `isCriticalSystemObject` is set.
    Critical,
    /// The account of a system: mail system, synchronisation client, web server.
    System,
    /// Not a person's account.
    Kind {
        /// What it is.
        kind: AccountKind,
    },
    /// The spec excludes it.
    Excluded,
    /// The spec names other users only.
    NotNamed,
    /// Its suffix is not among those that the spec moves.
    OtherSuffix,
    /// It is disabled, and the spec leaves out those.
    Disabled,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadySo => "has the wanted UPN already",
            Self::BuiltIn => "built-in account",
            Self::Critical => "critical system object",
            Self::System => "system account",
            Self::Kind { kind: AccountKind::Computer } => "computer account",
            Self::Kind { kind: AccountKind::ManagedServiceAccount } => "managed service account",
            Self::Kind { kind: AccountKind::Trust } => "trust account",
            Self::Kind { .. } => "not a person's account",
            Self::Excluded => "excluded by the spec",
            Self::NotNamed => "not named in the spec",
            Self::OtherSuffix => "has a suffix that is not to be moved",
            Self::Disabled => "disabled account",
        })
    }
}

/// A user that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Skipped {
    /// Who.
    pub user: UserRef,
    /// Why.
    #[serde(flatten)]
    pub reason: SkipReason,
}

/// The parts of a users spec that are looked up for every user, indexed once.
pub(crate) struct Chooser<'a> {
    spec: &'a Spec,
    users: &'a UsersSpec,
    only: UserSelection,
    exclude: UserSelection,
    mapped: std::collections::HashMap<String, &'a Upn>,
    mapped_names: UserSelection,
}

impl<'a> Chooser<'a> {
    pub(crate) fn new(spec: &'a Spec, users: &'a UsersSpec) -> Self {
        Self {
            spec,
            users,
            only: UserSelection::new(&users.only),
            exclude: UserSelection::new(&users.exclude),
            mapped: users.map.iter().map(|(name, upn)| (crate::spec::normal(name), upn)).collect(),
            mapped_names: UserSelection::new(users.map.keys()),
        }
    }

    /// What the spec wants of that user.
    pub(crate) fn choose(&self, user: &ForestUser) -> Result<Candidate, SkipReason> {
        let named = self.only.find(user).is_some();
        if self.exclude.find(user).is_some() || self.users.exclude_ous.iter().any(|ou| user.dn.is_within(ou))
        {
            return Err(SkipReason::Excluded);
        }
        if !self.only.is_empty() && !named {
            return Err(SkipReason::NotNamed);
        }
        if !named && let Some(reason) = protected(user) {
            return Err(reason);
        }
        if self.users.skip_disabled && !user.is_enabled() {
            return Err(SkipReason::Disabled);
        }
        let (after, reason) = match self.mapped_names.find(user).and_then(|name| self.mapped.get(&name)) {
            Some(upn) => (Ok((*upn).clone()), "named in the spec".to_owned()),
            None => {
                self.check_suffix(user)?;
                self.new_upn(user)
            }
        };
        if let (Ok(after), Some(before)) = (&after, &user.upn)
            && after.as_str() == before
        {
            return Err(SkipReason::AlreadySo);
        }
        let after = after.and_then(|upn| match upn.entra_violations() {
            violations if violations.is_empty() => Ok(upn),
            violations => Err(Problem::BreaksEntraRules { upn, violations }),
        });
        Ok(Candidate { user: UserRef::of(user), before: user.upn.clone(), after, reason })
    }

    fn check_suffix(&self, user: &ForestUser) -> Result<(), SkipReason> {
        if self.users.from_suffixes.is_empty() {
            return Ok(());
        }
        let suffix = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok()).map(|upn| upn.suffix());
        match suffix {
            Some(suffix) if self.users.from_suffixes.iter().any(|from| suffix == from.into()) => Ok(()),
            _ => Err(SkipReason::OtherSuffix),
        }
    }

    fn new_upn(&self, user: &ForestUser) -> (Result<Upn, Problem>, String) {
        match self.users.new_upn {
            NewUpn::ReplaceSuffix => match &user.upn {
                Some(before) => match Upn::parse(before) {
                    Ok(upn) => (
                        Ok(upn.with_suffix(&self.spec.domain)),
                        format!("suffix {} replaced", upn.suffix_str()),
                    ),
                    Err(error) => {
                        let problem =
                            Problem::NotAUpn { value: before.clone(), why: error.reason().to_owned() };
                        (Err(problem), "suffix replaced".into())
                    }
                },
                None => {
                    let made = Upn::new(&user.sam_account_name, &self.spec.domain);
                    let why = "had no UPN; AD accepts its sAMAccountName as prefix now".to_owned();
                    (made.map_err(|e| Problem::NotAUpn { value: String::new(), why: e.reason().into() }), why)
                }
            },
            NewUpn::FromMail => {
                let made = match user.mail.as_deref().map(|mail| (mail, Upn::parse(mail))) {
                    None => Err(Problem::NoMail),
                    Some((mail, Err(error))) => {
                        Err(Problem::NotAUpn { value: mail.into(), why: error.reason().into() })
                    }
                    Some((_, Ok(upn))) if upn.domain().is_ok_and(|d| d == self.spec.domain) => Ok(upn),
                    Some((mail, Ok(_))) => Err(Problem::MailElsewhere { mail: mail.into() }),
                };
                (made, "taken from mail".into())
            }
        }
    }
}

/// Accounts that must not change because somebody selected a whole domain.
fn protected(user: &ForestUser) -> Option<SkipReason> {
    if user.kind != AccountKind::User {
        return Some(SkipReason::Kind { kind: user.kind });
    }
    // Relative identifiers below 1000 are reserved for built-in accounts ([MS-ADTS] 7.1.1.6, [MS-SAMR] 3.1.1.9.2.1).
    if user.sid.as_ref().and_then(onramp_core::Sid::rid).is_some_and(|rid| rid < 1000) {
        return Some(SkipReason::BuiltIn);
    }
    if user.is_critical {
        return Some(SkipReason::Critical);
    }
    let system = [
        "msol_",
        "aad_",
        "systemmailbox",
        "healthmailbox",
        "discoverysearchmailbox",
        "federatedemail.",
        "iusr_",
        "iwam_",
        "support_",
        "krbtgt_",
        "adtoaadsyncserviceaccount",
    ];
    let lower = user.sam_account_name.to_lowercase();
    let by_name = |name: &str| system.iter().any(|start| name.starts_with(start));
    let cn = user.dn.rdns().into_iter().next().map(|rdn| rdn.value.to_lowercase()).unwrap_or_default();
    (by_name(&lower) || by_name(&cn) || lower.ends_with('$')).then_some(SkipReason::System)
}
