//! What a spec wants of one user: a new UPN, or nothing and why.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use onramp_core::forest::{AccountKind, ForestUser, UpnHolder};
use onramp_core::{DistinguishedName, ObjectGuid, Upn, UpnSuffix, comparison_key, visible};
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
    pub after: Result<Upn, Box<Problem>>,
    /// How the new UPN was made.
    pub reason: String,
    /// True if it is a built-in, critical or system account, which only `only` selects.
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
            "" => write!(f, "{}", visible(self.dn.as_str())),
            name => write!(f, "{} ({})", visible(name), visible(self.dn.as_str())),
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

/// The number of suffixes that are kept to find the nearest to one that nobody has.
const SUFFIXES_KEPT: usize = 100;

/// What a spec wants of one user.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // one at a time, and most of them are moved on at once
pub(crate) enum Choice {
    /// A new UPN, or none although one is wanted.
    Change(Candidate),
    /// Nothing: it has the wanted UPN.
    AlreadySo(Upn),
    /// Nothing, for another reason.
    Skip(SkipReason),
    /// Undecided until every user was seen: its UPN is the target of a name in `map` that does not fit it.
    Later(Box<Undecided>),
}

/// A user whose UPN is the target of a name in `map` that does not fit it: an earlier run moved it there, or it had the
/// UPN before.
#[derive(Debug)]
pub(crate) struct Undecided {
    /// What the spec wants of it, if no earlier run moved it.
    pub(crate) otherwise: Choice,
    /// The user.
    pub(crate) user: UserRef,
    /// The UPN.
    present: Upn,
    /// True if an earlier run is known to have given it.
    is_result: bool,
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
    targets: Vec<Upn>,
    /// Those of names that are UPNs, by comparison key, with the places of the names that have them. Such a name does
    /// not fit its user any more once it was moved.
    by_target: HashMap<String, Vec<usize>>,
    /// The places of names in `map` whose target some user has.
    reached: HashSet<usize>,
    /// The places of names in `map` of which nobody can tell whether they were used or mistyped.
    unclear: HashSet<usize>,
    /// The places of names in `map` that a selected user fits.
    used: HashSet<usize>,
    /// The places of suffixes in `from_suffixes` that some user has.
    suffixes_seen: HashSet<usize>,
    /// Suffixes that users have, a few of them, to find the nearest to one that nobody has.
    known_suffixes: BTreeSet<String>,
}

impl<'a> Chooser<'a> {
    pub(crate) fn new(
        spec: &'a Spec,
        users: &'a UsersSpec,
        history: &'a History,
        netbios: NetbiosNames,
    ) -> Self {
        let map = Names::with_repeats(users.map.keys(), history);
        let targets: Vec<Upn> =
            map.entries().iter().filter_map(|entry| users.map.get(&entry.written)).map(in_ascii).collect();
        let mut by_target: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, (upn, entry)) in targets.iter().zip(map.entries()).enumerate() {
            if entry.is_upn() {
                by_target.entry(comparison_key(upn.as_str())).or_default().push(at);
            }
        }
        let (only, exclude) = (Names::new(&users.only, history), Names::new(&users.exclude, history));
        let (reached, unclear, used) = (HashSet::new(), HashSet::new(), HashSet::new());
        let (suffixes_seen, known_suffixes) = (HashSet::new(), BTreeSet::new());
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
            reached,
            unclear,
            used,
            suffixes_seen,
            known_suffixes,
        }
    }

    /// Decides what the spec wants of that user.
    pub(crate) fn choose(&mut self, user: &ForestUser) -> Choice {
        self.note_suffix(user);
        let choice = self.decide_on(user);
        if !matches!(choice, Choice::Skip(_)) {
            let names = self.map.find(user, &self.netbios, self.history, None);
            self.used.extend(names);
        }
        choice
    }

    fn decide_on(&mut self, user: &ForestUser) -> Choice {
        let mapped = self.map.find(user, &self.netbios, self.history, None);
        let (after, reason) = self.wanted(user, &mapped);
        let present = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
        let is_so = after.as_ref().is_ok_and(|after| present.as_ref() == Some(after));
        let target_of = self.reach(user);
        let moved = after.as_ref().ok().filter(|_| is_so).cloned();
        let excluded = !self.exclude.find(user, &self.netbios, self.history, None).is_empty();
        if excluded || self.users.exclude_ous.iter().any(|ou| user.dn.is_within(ou)) {
            return Choice::Skip(SkipReason::Excluded);
        }
        let mut named = !self.only.find(user, &self.netbios, self.history, moved.as_ref()).is_empty();
        for at in &target_of {
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
        let candidate = |after: Result<Upn, Box<Problem>>, reason| Candidate {
            user: UserRef::of(user),
            before: user.upn.clone(),
            after: after.and_then(by_the_rules),
            reason,
            is_built_in: built_in.is_some(),
        };
        // Whoever has the wanted UPN is judged like those that get theirs now: nobody else looks at it again.
        let already = |present: &Upn| match by_the_rules(present.clone()) {
            Ok(upn) => Choice::AlreadySo(upn),
            Err(problem) => Choice::Change(candidate(Err(problem), "has it already".to_owned())),
        };
        if let (true, Some(present)) = (is_so, &present) {
            return already(present);
        }
        let own = match self.check_suffix(user) {
            Err(reason) if mapped.is_empty() => Choice::Skip(reason),
            _ => Choice::Change(candidate(after, reason)),
        };
        let Some(present) = present else { return own };
        let by_present =
            |at: &usize| self.map.entries().get(*at).is_some_and(|entry| entry.is_that_upn(present.as_str()));
        if target_of.is_empty() || !mapped.iter().all(by_present) {
            return own;
        }
        let (user, is_result) = (UserRef::of(user), self.history.is_result(user));
        Choice::Later(Box::new(Undecided { otherwise: own, user, present, is_result }))
    }

    /// Decides about a user once every one was seen. If the names that lead to its UPN fit nobody any more, an earlier
    /// run moved it there, and it stays.
    pub(crate) fn decide(&mut self, undecided: Undecided) -> Choice {
        let Undecided { otherwise, user, present, is_result } = undecided;
        let leading = self.by_target.get(&comparison_key(present.as_str())).cloned().unwrap_or_default();
        let fits_another = |at: &usize| {
            let fits = self.map.entries().get(*at).map_or(&[][..], |entry| entry.fits.as_slice());
            fits.iter().any(|fit| fit.guid != user.guid)
        };
        if !is_result && leading.iter().any(fits_another) {
            return otherwise;
        }
        if let (false, Choice::Change(Candidate { after: Ok(next), .. })) = (is_result, &otherwise)
            && self.map.entries().iter().any(|entry| entry.is_that_upn(present.as_str()))
        {
            // Its UPN is a name in `map`, too. The one who had that name before has moved on, or there was nobody, and
            // the name that leads here is mistyped.
            let on = self.by_target.get(&comparison_key(next.as_str())).map_or(&[][..], Vec::as_slice);
            if !on.iter().any(|at| self.reached.contains(at)) {
                self.unclear.extend(leading);
            }
        }
        match (by_the_rules(present.clone()), otherwise) {
            (Err(problem), Choice::Change(candidate)) => {
                Choice::Change(Candidate { after: Err(problem), ..candidate })
            }
            _ => Choice::AlreadySo(present),
        }
    }

    /// The places of names in `map` that are UPNs and lead to the UPN which a user has.
    fn reach(&mut self, user: &ForestUser) -> Vec<usize> {
        if self.by_target.is_empty() {
            return Vec::new();
        }
        let key = user.upn.as_deref().map(comparison_key);
        let places = key.and_then(|key| self.by_target.get(&key)).cloned().unwrap_or_default();
        self.reached.extend(&places);
        places
    }

    /// Notes the suffix of a user, for those in `from_suffixes` that nobody has.
    fn note_suffix(&mut self, user: &ForestUser) {
        if self.suffixes_seen.len() == self.users.from_suffixes.len() {
            return;
        }
        let Some(upn) = user.upn.as_deref().and_then(|upn| Upn::parse(upn.trim()).ok()) else { return };
        if self.known_suffixes.len() < SUFFIXES_KEPT {
            self.known_suffixes.insert(upn.suffix_str().to_lowercase());
        }
        let suffix = upn.suffix();
        for (at, from) in self.users.from_suffixes.iter().enumerate() {
            if suffix.is_same_as(from) {
                self.suffixes_seen.insert(at);
            }
        }
    }

    /// The suffixes in `from_suffixes` that nobody has now and nobody had before an earlier run.
    pub(crate) fn unseen_suffixes(&self) -> impl Iterator<Item = &UpnSuffix> {
        let from = self.users.from_suffixes.iter().enumerate();
        from.filter(|(at, suffix)| !self.suffixes_seen.contains(at) && !self.history.knows_suffix(suffix))
            .map(|(_, suffix)| suffix)
    }

    /// Suffixes that users have.
    pub(crate) fn known_suffixes(&self) -> impl Iterator<Item = &str> {
        self.known_suffixes.iter().map(String::as_str)
    }

    /// The names of `map` that fit nobody and lead to a UPN that nobody has. One that leads to a UPN which somebody has
    /// was used by an earlier run, or it is mistyped: then there is a user of nearly that name.
    pub(crate) fn unknown_in_map(&self) -> impl Iterator<Item = &Entry> {
        let is_lost = |at: usize, entry: &Entry| {
            !self.reached.contains(&at)
                || self.unclear.contains(&at)
                || entry.nearly().is_some_and(|name| !self.is_in_map(name))
        };
        self.map
            .entries()
            .iter()
            .enumerate()
            .filter(move |(at, entry)| entry.is_unknown() && is_lost(*at, entry))
            .map(|(_, entry)| entry)
    }

    /// Returns true if a UPN is a name in `map`, or the target of one.
    fn is_in_map(&self, upn: &str) -> bool {
        self.by_target.contains_key(&comparison_key(upn))
            || self.map.entries().iter().any(|entry| entry.is_that_upn(upn))
    }

    /// The names of `map` that fit a user whom the selection leaves out.
    pub(crate) fn unused_in_map(&self) -> impl Iterator<Item = &Entry> {
        let all = self.map.entries().iter().enumerate();
        all.filter(|(at, entry)| !entry.fits.is_empty() && !self.used.contains(at)).map(|(_, entry)| entry)
    }

    /// Returns true if some name of some list fits nobody yet.
    pub(crate) fn has_unknown(&self) -> bool {
        self.only.has_unknown() || self.exclude.has_unknown() || self.map.has_unknown()
    }

    /// Looks at a user that the spec does not select: a name may fit it, or nearly.
    pub(crate) fn meet(&mut self, user: &ForestUser) {
        self.only.find(user, &self.netbios, self.history, None);
        self.exclude.find(user, &self.netbios, self.history, None);
        self.map.find(user, &self.netbios, self.history, None);
        self.reach(user);
        for names in [&mut self.only, &mut self.exclude, &mut self.map] {
            names.compare(user);
        }
    }

    /// The UPN that a user is to get, and how it is made.
    fn wanted(&self, user: &ForestUser, mapped: &[usize]) -> (Result<Upn, Box<Problem>>, String) {
        let target = |at: &usize| Some((self.targets.get(*at)?, self.map.entries().get(*at)?));
        let present = user.upn.as_deref().unwrap_or_default();
        let mut targets: Vec<(&Upn, &Entry)> = mapped.iter().filter_map(target).collect();
        if targets.iter().any(|(upn, _)| same_upn(upn, present)) {
            // A name led it to the UPN that it has: what the map says of that UPN is about whoever had it before.
            targets.retain(|(upn, entry)| same_upn(upn, present) || !entry.is_that_upn(present));
        }
        targets.dedup_by(|(one, _), (other, _)| one == other);
        match targets.as_slice() {
            [] => self.new_upn(user),
            [(upn, _)] => (Ok((*upn).clone()), "named in `map`".to_owned()),
            [(one, _), (other, _), ..] => {
                let problem = Problem::MappedTwice { one: (*one).clone(), other: (*other).clone() };
                (Err(Box::new(problem)), "named in `map`".to_owned())
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

    fn new_upn(&self, user: &ForestUser) -> (Result<Upn, Box<Problem>>, String) {
        let (made, reason) = self.made_upn(user);
        (made.map_err(Box::new), reason)
    }

    #[allow(clippy::result_large_err)] // boxed by its only caller
    fn made_upn(&self, user: &ForestUser) -> (Result<Upn, Problem>, String) {
        match self.users.new_upn {
            NewUpn::ReplaceSuffix => match &user.upn {
                Some(before) => match Upn::parse(before) {
                    Ok(upn) => (
                        Ok(upn.with_suffix(&self.spec.domain)),
                        match upn.suffix_str().trim() {
                            suffix if suffix == upn.suffix_str() => format!("suffix {suffix} replaced"),
                            _ => "suffix replaced and blanks at the end removed".to_owned(),
                        },
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

/// The UPN, if Entra takes it.
fn by_the_rules(upn: Upn) -> Result<Upn, Box<Problem>> {
    match upn.entra_violations() {
        violations if violations.is_empty() => Ok(upn),
        violations => Err(Box::new(Problem::BreaksEntraRules { upn, violations })),
    }
}

/// The UPN with its suffix as a tenant holds it, if that is a domain name.
pub(crate) fn in_ascii(upn: &Upn) -> Upn {
    upn.domain().map_or_else(|_| upn.clone(), |domain| upn.with_suffix(&domain))
}

/// Returns true if a user's present UPN is the wanted one. A change of case alone is no change: a directory compares without
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
