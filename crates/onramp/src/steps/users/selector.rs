//! The decision on each user: a new UPN, no change, or a reason to leave it out.

use std::collections::{BTreeSet, HashMap, HashSet};

use onramp_core::forest::{AccountKind, ForestUser};
use onramp_core::{Upn, UpnSuffix, comparison_key};

use super::addresses::edits;
use super::suggestion::Suggestions;
use crate::history::History;
use crate::plan::{BlockerKind, SkipReason};
use crate::spec::in_ascii;
use crate::spec::{Addresses, NewUpn, Spec, UsersSpec};
use crate::survey::{Candidate, UserAddresses};
use crate::user_names::{Entry, Names, NetbiosNames};
use crate::user_ref::UserRef;

/// The maximum number of suffixes that are kept to suggest a correct one.
const SUFFIXES_KEPT: usize = 100;

/// The reason of a change of the addresses alone.
const HAS_UPN: &str = "has the new UPN already";

/// The decision on one user.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // one at a time, and most of them are moved on at once
pub(super) enum Decision {
    /// The user is to get a new UPN, which may not be possible.
    Change(Candidate),
    /// The user has the new UPN already.
    Unchanged(Upn),
    /// The user is left out.
    Skip(SkipReason),
    /// The decision is possible only after every user was read: the UPN is the target of a name in `map` that does not
    /// fit the user.
    Undecided(Box<Undecided>),
}

/// A user whose UPN is the target of a name in `map` that does not fit it: an earlier run changed the UPN, or the user
/// had it before.
#[derive(Debug)]
pub(crate) struct Undecided {
    /// The decision if no earlier run changed the UPN.
    pub(crate) otherwise: Decision,
    /// The user.
    pub(crate) user: UserRef,
    /// The UPN.
    present: Upn,
    /// True if the history shows that an earlier run set it.
    is_result: bool,
    /// The addresses, if the spec changes them.
    addresses: Option<UserAddresses>,
}

/// The users spec, indexed for the lookup of every user.
pub(super) struct UserSelector<'a> {
    spec: &'a Spec,
    users: &'a UsersSpec,
    history: &'a History,
    netbios: NetbiosNames,
    pub(crate) only: Names,
    pub(crate) exclude: Names,
    pub(crate) map: Names,
    /// The targets of `map`, in the order of its names.
    targets: Vec<Upn>,
    /// The targets of names that are UPNs: comparison key to indexes in `map`. Such a name no longer fits its user after
    /// the change.
    by_target: HashMap<String, Vec<usize>>,
    /// The indexes of names in `map` whose target is the UPN of a user.
    reached: HashSet<usize>,
    /// The indexes of names in `map` that an earlier run used or that are mistyped: the data fits both.
    unclear: HashSet<usize>,
    /// The indexes of names in `map` that fit a selected user.
    used: HashSet<usize>,
    /// The indexes of suffixes in `from_suffixes` that a user has.
    suffixes_seen: HashSet<usize>,
    /// Some of the suffixes that users have, to suggest a correct one.
    known_suffixes: BTreeSet<String>,
    suggestions: Suggestions,
}

impl<'a> UserSelector<'a> {
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
            suggestions: Suggestions::new(&spec.domain),
        }
    }

    /// Decides on a user.
    pub(crate) fn select(&mut self, user: &ForestUser) -> Decision {
        self.note_suffix(user);
        let decision = self.decide(user);
        if !matches!(decision, Decision::Skip(_)) {
            let names = self.map.find(user, &self.netbios, self.history, None);
            self.used.extend(names);
        }
        decision
    }

    fn decide(&mut self, user: &ForestUser) -> Decision {
        let mapped = self.map.find(user, &self.netbios, self.history, None);
        let (after, reason) = self.wanted(user, &mapped);
        let present = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
        let is_so = after.as_ref().is_ok_and(|after| present.as_ref() == Some(after));
        let target_of = self.note_target(user);
        let moved = after.as_ref().ok().filter(|_| is_so).cloned();
        let excluded = !self.exclude.find(user, &self.netbios, self.history, None).is_empty();
        if excluded || self.users.exclude_ous.iter().any(|ou| user.dn.is_within(ou)) {
            return Decision::Skip(SkipReason::Excluded);
        }
        let mut named = !self.only.find(user, &self.netbios, self.history, moved.as_ref()).is_empty();
        for at in &target_of {
            // Changed because of a name in `map` that is in `only`, too.
            named |= self.map.entries().get(*at).is_some_and(|key| self.only.fit_alias(key, user));
        }
        if !self.only.is_empty() && !named {
            return Decision::Skip(SkipReason::NotNamed);
        }
        let built_in = protected(user);
        if !named && let Some(reason) = built_in {
            return Decision::Skip(reason);
        }
        if self.users.skip_disabled && !user.is_enabled() {
            return Decision::Skip(SkipReason::Disabled);
        }
        let candidate = |after: Result<Upn, Box<BlockerKind>>, reason| {
            let after = after.and_then(by_the_rules);
            let suggestion = after.as_ref().err().and_then(|problem| self.suggestions.of(user, problem));
            let addresses = self.addresses_of(user);
            let (user, before, is_built_in) = (UserRef::of(user), user.upn.clone(), built_in.is_some());
            Candidate { user, before, after, reason, is_built_in, suggestion, addresses }
        };
        // A user that has the new UPN is checked like one that gets it now: no later step checks it.
        let already = |present: &Upn| match by_the_rules(present.clone()) {
            Ok(upn) if self.addresses_follow(self.addresses_of(user).as_ref(), &upn) => {
                Decision::Change(candidate(Ok(upn), HAS_UPN.to_owned()))
            }
            Ok(upn) => Decision::Unchanged(upn),
            Err(problem) => Decision::Change(candidate(Err(problem), "has it already".to_owned())),
        };
        if let (true, Some(present)) = (is_so, &present) {
            return already(present);
        }
        let own = match self.check_suffix(user) {
            Err(reason) if mapped.is_empty() => Decision::Skip(reason),
            _ => Decision::Change(candidate(after, reason)),
        };
        let Some(present) = present else { return own };
        let by_present =
            |at: &usize| self.map.entries().get(*at).is_some_and(|entry| entry.is_that_upn(present.as_str()));
        if target_of.is_empty() || !mapped.iter().all(by_present) {
            return own;
        }
        let (addresses, is_result) = (self.addresses_of(user), self.history.is_result(user));
        let user = UserRef::of(user);
        Decision::Undecided(Box::new(Undecided { otherwise: own, user, present, is_result, addresses }))
    }

    /// Decides on a user after every user was read. If the names with its UPN as target fit no user, an earlier run
    /// changed the UPN, and it stays.
    pub(crate) fn resolve(&mut self, undecided: Undecided) -> Decision {
        let Undecided { otherwise, user, present, is_result, addresses } = undecided;
        let leading = self.by_target.get(&comparison_key(present.as_str())).cloned().unwrap_or_default();
        let fits_another = |at: &usize| {
            let fits = self.map.entries().get(*at).map_or(&[][..], |entry| entry.fits.as_slice());
            fits.iter().any(|fit| fit.guid != user.guid)
        };
        if !is_result && leading.iter().any(fits_another) {
            return otherwise;
        }
        if let (false, Decision::Change(Candidate { after: Ok(next), .. })) = (is_result, &otherwise)
            && self.map.entries().iter().any(|entry| entry.is_that_upn(present.as_str()))
        {
            // Its UPN is a name in `map`, too. Either the user that had it before got another UPN, or there was none, and
            // the name with this target is mistyped.
            let on = self.by_target.get(&comparison_key(next.as_str())).map_or(&[][..], Vec::as_slice);
            if !on.iter().any(|at| self.reached.contains(at)) {
                self.unclear.extend(leading);
            }
        }
        match (by_the_rules(present.clone()), otherwise) {
            (Err(problem), Decision::Change(candidate)) => {
                Decision::Change(Candidate { after: Err(problem), suggestion: None, ..candidate })
            }
            (Ok(upn), Decision::Change(candidate)) if self.addresses_follow(addresses.as_ref(), &upn) => {
                Decision::Change(Candidate { after: Ok(upn), reason: HAS_UPN.to_owned(), ..candidate })
            }
            _ => Decision::Unchanged(present),
        }
    }

    /// Returns the addresses of a user, if the spec changes them.
    fn addresses_of(&self, user: &ForestUser) -> Option<UserAddresses> {
        (!self.users.addresses.is_leave()).then(|| UserAddresses::of(user))
    }

    /// Returns true if the addresses of a user that has the new UPN may have to change.
    fn addresses_follow(&self, present: Option<&UserAddresses>, upn: &Upn) -> bool {
        present.filter(|present| present.has_address()).is_some_and(|present| {
            // The other attributes are read later.
            let may_follow =
                self.users.addresses == Addresses::MakePrimary && !self.users.addresses_also.is_empty();
            may_follow
                || !matches!(edits(self.users, upn.as_str(), None, present), Ok(edits) if edits.is_empty())
        })
    }

    /// Returns the indexes of names in `map` that are UPNs and have the UPN of a user as target.
    fn note_target(&mut self, user: &ForestUser) -> Vec<usize> {
        if self.by_target.is_empty() {
            return Vec::new();
        }
        let key = user.upn.as_deref().map(comparison_key);
        let places = key.and_then(|key| self.by_target.get(&key)).cloned().unwrap_or_default();
        self.reached.extend(&places);
        places
    }

    /// Notes the suffix of a user, to find those in `from_suffixes` that no user has.
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

    /// Returns the suffixes in `from_suffixes` that no user has now or had before an earlier run.
    pub(crate) fn unseen_suffixes(&self) -> impl Iterator<Item = &UpnSuffix> {
        let from = self.users.from_suffixes.iter().enumerate();
        from.filter(|(at, suffix)| !self.suffixes_seen.contains(at) && !self.history.knows_suffix(suffix))
            .map(|(_, suffix)| suffix)
    }

    /// Returns some of the suffixes that users have.
    pub(crate) fn known_suffixes(&self) -> impl Iterator<Item = &str> {
        self.known_suffixes.iter().map(String::as_str)
    }

    /// Returns the names in `map` that fit no user and whose target no user has. If a user has the target, an earlier run
    /// used the name, or the name is mistyped and there is a user with a similar one.
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

    /// Returns the names in `map` that fit a user that the selection leaves out.
    pub(crate) fn unused_in_map(&self) -> impl Iterator<Item = &Entry> {
        let all = self.map.entries().iter().enumerate();
        all.filter(|(at, entry)| !entry.fits.is_empty() && !self.used.contains(at)).map(|(_, entry)| entry)
    }

    /// Returns true if a name in one of the lists fits no user yet.
    pub(crate) fn has_unknown(&self) -> bool {
        self.only.has_unknown() || self.exclude.has_unknown() || self.map.has_unknown()
    }

    /// Compares a user that the spec does not select with the names in the lists.
    pub(crate) fn note_unselected(&mut self, user: &ForestUser) {
        self.only.find(user, &self.netbios, self.history, None);
        self.exclude.find(user, &self.netbios, self.history, None);
        self.map.find(user, &self.netbios, self.history, None);
        self.note_target(user);
        for names in [&mut self.only, &mut self.exclude, &mut self.map] {
            names.compare(user);
        }
    }

    /// Returns the new UPN of a user, and its origin in words.
    fn wanted(&self, user: &ForestUser, mapped: &[usize]) -> (Result<Upn, Box<BlockerKind>>, String) {
        let target = |at: &usize| Some((self.targets.get(*at)?, self.map.entries().get(*at)?));
        let present = user.upn.as_deref().unwrap_or_default();
        let mut targets: Vec<(&Upn, &Entry)> = mapped.iter().filter_map(target).collect();
        if targets.iter().any(|(upn, _)| same_upn(upn, present)) {
            // A name has the current UPN as target: the entry for that UPN is about the user that had it before.
            targets.retain(|(upn, entry)| same_upn(upn, present) || !entry.is_that_upn(present));
        }
        targets.dedup_by(|(one, _), (other, _)| one == other);
        match targets.as_slice() {
            [] => self.new_upn(user),
            [(upn, _)] => (Ok((*upn).clone()), "named in `map`".to_owned()),
            [(one, _), (other, _), ..] => {
                let problem = BlockerKind::MappedTwice { one: (*one).clone(), other: (*other).clone() };
                (Err(Box::new(problem)), "named in `map`".to_owned())
            }
        }
    }

    fn check_suffix(&self, user: &ForestUser) -> Result<(), SkipReason> {
        if self.users.from_suffixes.is_empty() {
            return Ok(());
        }
        // A directory ignores blanks at the end (RFC 4518 section 2.6.1), which imported lists often contain.
        let suffix = user.upn.as_deref().and_then(|upn| Upn::parse(upn.trim()).ok()).map(|upn| upn.suffix());
        match suffix {
            Some(suffix) if self.users.from_suffixes.iter().any(|from| suffix.is_same_as(from)) => Ok(()),
            _ => Err(SkipReason::OtherSuffix),
        }
    }

    fn new_upn(&self, user: &ForestUser) -> (Result<Upn, Box<BlockerKind>>, String) {
        let (made, reason) = self.made_upn(user);
        (made.map_err(Box::new), reason)
    }

    #[allow(clippy::result_large_err)] // boxed by its only caller
    fn made_upn(&self, user: &ForestUser) -> (Result<Upn, BlockerKind>, String) {
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
                            BlockerKind::NotAUpn { value: before.clone(), reason: error.reason().to_owned() };
                        (Err(problem), "suffix replaced".into())
                    }
                },
                None => {
                    let made = Upn::new(&user.sam_account_name, &self.spec.domain);
                    let why = "has no UPN yet; built from its sAMAccountName".to_owned();
                    (
                        made.map_err(|e| BlockerKind::NotAUpn {
                            value: String::new(),
                            reason: e.reason().into(),
                        }),
                        why,
                    )
                }
            },
            NewUpn::FromMail => {
                let made = match user.mail.as_deref().map(str::trim).map(|mail| (mail, Upn::parse(mail))) {
                    None => Err(BlockerKind::NoMail),
                    Some((mail, Err(error))) => {
                        Err(BlockerKind::NotAUpn { value: mail.into(), reason: error.reason().into() })
                    }
                    Some((_, Ok(upn))) if upn.domain().is_ok_and(|d| d == self.spec.domain) => {
                        Ok(upn.with_suffix(&self.spec.domain))
                    }
                    Some((mail, Ok(_))) => Err(BlockerKind::MailElsewhere { mail: mail.into() }),
                };
                (made, "taken from mail".into())
            }
        }
    }
}

/// Returns the UPN if Entra accepts it.
fn by_the_rules(upn: Upn) -> Result<Upn, Box<BlockerKind>> {
    match upn.entra_violations() {
        violations if violations.is_empty() => Ok(upn),
        violations => Err(Box::new(BlockerKind::BreaksEntraRules { upn, violations })),
    }
}

/// Returns true if the current UPN of a user is the new one. A difference in case alone is no change: a directory ignores
/// case, and programs that do not ignore it would see a renamed user.
fn same_upn(wanted: &Upn, present: &str) -> bool {
    Upn::parse(present).is_ok_and(|present| present == *wanted)
}

/// Returns the reason to leave out an account that `only` does not list, such as one of the system.
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
