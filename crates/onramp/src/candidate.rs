//! What a spec wants of one user: a new UPN, or nothing and why.

use std::collections::{HashMap, HashSet};
use std::fmt;

use onramp_core::forest::{AccountKind, ForestUser, UpnHolder};
use onramp_core::{DistinguishedName, ObjectGuid, Upn, comparison_key};
use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::plan::Problem;
use crate::spec::{Entry, Names, NetbiosNames, NewUpn, Spec, UsersSpec};

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
    /// Whether it is a built-in, critical or system account, which only `only` selects.
    pub is_built_in: bool,
}

/// A user, by the identity that survives renames and by a name for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    pub(crate) fn of_holder(holder: &UpnHolder) -> Self {
        Self { guid: holder.guid, dn: holder.dn.clone(), sam_account_name: holder.sam_account_name.clone() }
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sam_account_name.as_str() {
            "" => write!(f, "{}", self.dn),
            name => write!(f, "{name} ({})", self.dn),
        }
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
            Self::Excluded => "excluded by `exclude` or `exclude_ous`",
            Self::NotNamed => "not listed in `only`",
            Self::OtherSuffix => "its suffix is not in `from_suffixes`",
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

/// What a spec wants of one user.
#[derive(Debug)]
pub(crate) enum Choice {
    /// A new UPN, or none although one is wanted.
    Change(Candidate),
    /// Nothing: it has the wanted UPN.
    AlreadySo(Upn),
    /// Nothing, for another reason.
    Skip(SkipReason),
    /// Undecided until every user was seen: its UPN is a key and a target of `map`. With the target of its own key.
    Later(Candidate),
}

/// The parts of a users spec that are looked up for every user, indexed once.
pub(crate) struct Chooser<'a> {
    spec: &'a Spec,
    users: &'a UsersSpec,
    history: &'a History,
    netbios: NetbiosNames,
    pub(crate) only: Names,
    pub(crate) exclude: Names,
    pub(crate) map: Names,
    /// The targets of `map`, in the order of its names.
    targets: Vec<&'a Upn>,
    /// The same by their comparison keys, with the places of the names that have them.
    by_target: HashMap<String, Vec<usize>>,
    /// The places of names in `map` whose target some user has.
    reached: HashSet<usize>,
}

impl<'a> Chooser<'a> {
    pub(crate) fn new(
        spec: &'a Spec,
        users: &'a UsersSpec,
        history: &'a History,
        netbios: NetbiosNames,
    ) -> Self {
        let map = Names::new(users.map.keys(), history);
        let targets: Vec<&Upn> =
            map.entries().iter().filter_map(|entry| users.map.get(&entry.written)).collect();
        let mut by_target: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, upn) in targets.iter().enumerate() {
            by_target.entry(comparison_key(upn.as_str())).or_default().push(at);
        }
        let (only, exclude) = (Names::new(&users.only, history), Names::new(&users.exclude, history));
        Self {
            spec,
            users,
            history,
            netbios,
            only,
            exclude,
            map,
            targets,
            by_target,
            reached: HashSet::new(),
        }
    }

    /// Decides what the spec wants of that user.
    pub(crate) fn choose(&mut self, user: &ForestUser) -> Choice {
        let mapped = self.map.find(user, &self.netbios, self.history, None);
        let (after, reason) = self.wanted(user, &mapped);
        let is_so =
            matches!(&after, Ok(after) if user.upn.as_deref().is_some_and(|upn| same_upn(after, upn)));
        let target_of = user.upn.as_deref().and_then(|upn| self.by_target.get(&comparison_key(upn))).cloned();
        if let Some(places) = &target_of {
            self.reached.extend(places);
        }
        let moved = after.as_ref().ok().filter(|_| is_so).cloned();
        let excluded = !self.exclude.find(user, &self.netbios, self.history, None).is_empty();
        if excluded || self.users.exclude_ous.iter().any(|ou| user.dn.is_within(ou)) {
            return Choice::Skip(SkipReason::Excluded);
        }
        let mut named = !self.only.find(user, &self.netbios, self.history, moved.as_ref()).is_empty();
        for at in target_of.iter().flatten() {
            // Moved by a name of `map` that is in `only`, too.
            named |= self.map.entries().get(*at).is_some_and(|key| self.only.fit_alias(key, user));
        }
        if !self.only.is_empty() && !named {
            return Choice::Skip(SkipReason::NotNamed);
        }
        let built_in = protected(user);
        if !named && let Some(reason) = built_in {
            return Choice::Skip(reason);
        }
        if self.users.skip_disabled && !user.is_enabled() {
            return Choice::Skip(SkipReason::Disabled);
        }
        let candidate = |after, reason| Candidate {
            user: UserRef::of(user),
            before: user.upn.clone(),
            after,
            reason,
            is_built_in: built_in.is_some(),
        };
        if let (true, Ok(after)) = (is_so, &after) {
            // It is judged like those that get theirs now: nobody else looks at it again.
            let present =
                user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok()).unwrap_or_else(|| after.clone());
            return match present.entra_violations() {
                violations if violations.is_empty() => Choice::AlreadySo(present),
                violations => {
                    let problem = Problem::BreaksEntraRules { upn: present, violations };
                    Choice::Change(candidate(Err(problem), "has it already".to_owned()))
                }
            };
        }
        if mapped.is_empty() && target_of.is_some() {
            // Moved by a name of `map` that is its old UPN.
            return match user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok()) {
                Some(upn) => Choice::AlreadySo(upn),
                None => Choice::Skip(SkipReason::AlreadySo),
            };
        }
        if mapped.is_empty()
            && let Err(reason) = self.check_suffix(user)
        {
            return Choice::Skip(reason);
        }
        let after = after.and_then(|upn| match upn.entra_violations() {
            violations if violations.is_empty() => Ok(upn),
            violations => Err(Problem::BreaksEntraRules { upn, violations }),
        });
        let candidate = candidate(after, reason);
        if target_of.is_some() && !mapped.is_empty() {
            Choice::Later(candidate)
        } else {
            Choice::Change(candidate)
        }
    }

    /// Decides about a user whose UPN is both a key and a target of `map`, once every user was seen: if the name that
    /// leads to its UPN fits nobody any more, an earlier run moved it there, and it stays.
    pub(crate) fn decide(&self, candidate: &Candidate) -> bool {
        let Some(key) = candidate.before.as_deref().map(comparison_key) else { return true };
        let leading = self.by_target.get(&key).map_or(&[][..], Vec::as_slice);
        let fits_another = |at: &usize| {
            let fits = self.map.entries().get(*at).map_or(&[][..], |entry| entry.fits.as_slice());
            fits.iter().any(|fit| fit.guid != candidate.user.guid)
        };
        leading.iter().any(fits_another)
    }

    /// The names of `map` that fit nobody and lead to a UPN that nobody has.
    pub(crate) fn unknown_in_map(&self) -> impl Iterator<Item = &Entry> {
        let known = |at: usize| self.reached.contains(&at);
        self.map
            .entries()
            .iter()
            .enumerate()
            .filter(move |(at, entry)| entry.fits.is_empty() && !known(*at))
            .map(|(_, e)| e)
    }

    /// Whether some name of some list fits nobody yet.
    pub(crate) fn has_unknown(&self) -> bool {
        self.only.has_unknown() || self.exclude.has_unknown() || self.unknown_in_map().next().is_some()
    }

    /// Looks at a user that the spec does not select: a name may fit it, or nearly.
    pub(crate) fn meet(&mut self, user: &ForestUser) {
        self.only.find(user, &self.netbios, self.history, None);
        self.exclude.find(user, &self.netbios, self.history, None);
        self.map.find(user, &self.netbios, self.history, None);
        if let Some(places) = user.upn.as_deref().and_then(|upn| self.by_target.get(&comparison_key(upn))) {
            self.reached.extend(places);
        }
        for names in [&mut self.only, &mut self.exclude, &mut self.map] {
            names.compare(user);
        }
    }

    /// The UPN that a user is to get, and how it is made.
    fn wanted(&self, user: &ForestUser, mapped: &[usize]) -> (Result<Upn, Problem>, String) {
        let mut targets: Vec<&Upn> = mapped.iter().filter_map(|at| self.targets.get(*at).copied()).collect();
        targets.dedup();
        match targets.as_slice() {
            [] => self.new_upn(user),
            [upn] => (Ok((*upn).clone()), "named in `map`".to_owned()),
            [one, other, ..] => {
                let problem = Problem::MappedTwice { one: (*one).clone(), other: (*other).clone() };
                (Err(problem), "named in `map`".to_owned())
            }
        }
    }

    fn check_suffix(&self, user: &ForestUser) -> Result<(), SkipReason> {
        if self.users.from_suffixes.is_empty() {
            return Ok(());
        }
        // Blanks at the end do not count for a directory (RFC 4518 section 2.6.1), and come with imported lists.
        let suffix = user.upn.as_deref().and_then(|upn| Upn::parse(upn.trim()).ok()).map(|upn| upn.suffix());
        match suffix {
            Some(suffix) if self.users.from_suffixes.iter().any(|from| suffix.is_same_as(from)) => Ok(()),
            _ => Err(SkipReason::OtherSuffix),
        }
    }

    fn new_upn(&self, user: &ForestUser) -> (Result<Upn, Problem>, String) {
        match self.users.new_upn {
            NewUpn::ReplaceSuffix => match &user.upn {
                Some(before) => match Upn::parse(before) {
                    Ok(upn) => (
                        Ok(upn.with_suffix(&self.spec.domain)),
                        format!("suffix {} replaced", upn.suffix_str().trim()),
                    ),
                    Err(error) => {
                        let problem =
                            Problem::NotAUpn { value: before.clone(), why: error.reason().to_owned() };
                        (Err(problem), "suffix replaced".into())
                    }
                },
                None => {
                    let made = Upn::new(&user.sam_account_name, &self.spec.domain);
                    let why = "has no UPN yet; built from its sAMAccountName".to_owned();
                    (made.map_err(|e| Problem::NotAUpn { value: String::new(), why: e.reason().into() }), why)
                }
            },
            NewUpn::FromMail => {
                let made = match user.mail.as_deref().map(str::trim).map(|mail| (mail, Upn::parse(mail))) {
                    None => Err(Problem::NoMail),
                    Some((mail, Err(error))) => {
                        Err(Problem::NotAUpn { value: mail.into(), why: error.reason().into() })
                    }
                    Some((_, Ok(upn))) if upn.domain().is_ok_and(|d| d == self.spec.domain) => {
                        Ok(upn.with_suffix(&self.spec.domain))
                    }
                    Some((mail, Ok(_))) => Err(Problem::MailElsewhere { mail: mail.into() }),
                };
                (made, "taken from mail".into())
            }
        }
    }
}

/// Whether a user's present UPN is the wanted one. A change of case alone is no change: a directory compares without
/// it, and programs that compare with it see renamed users.
fn same_upn(wanted: &Upn, present: &str) -> bool {
    Upn::parse(present).is_ok_and(|present| present == *wanted)
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
