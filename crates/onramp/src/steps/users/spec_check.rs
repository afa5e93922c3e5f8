//! The names in a users spec that are probably mistakes.

use onramp_core::{DistinguishedName, UpnSuffix};

use super::selector::UserSelector;
use crate::plan::{BlockerKind, SkipReason};
use crate::spec::{distance, nearest};
use crate::survey::{Candidate, Survey};
use crate::user_names::{Entry, Names, dn_key};

/// An OU of the spec that does not exist, and an existing one with a similar name.
pub(super) struct MissingOu {
    pub(super) ou: DistinguishedName,
    pub(super) nearest: Option<(usize, String)>,
}

impl MissingOu {
    /// Compares it with the OUs above a user.
    pub(super) fn compare(&mut self, parent: Option<&DistinguishedName>) {
        let mut above = parent.cloned();
        while let Some(dn) = above {
            let found = (distance(&dn_key(&self.ou), &dn_key(&dn)), dn.to_string());
            if self.nearest.as_ref().is_none_or(|nearest| found < *nearest) {
                self.nearest = Some(found);
            }
            above = dn.parent();
        }
    }
}

/// Returns the suffixes in `from_suffixes` that are probably mistyped: no user has them, the forest does not offer them,
/// and there is a similar one, or no user has the new UPN.
pub(super) fn unknown_suffixes(selector: &UserSelector<'_>, survey: &Survey) -> Vec<BlockerKind> {
    let none_moved = !survey.users.skipped_counts.contains_key(&SkipReason::Unchanged)
        && !survey.users.candidates.iter().any(Candidate::has_upn);
    let problem = |suffix: &UpnSuffix| {
        let known =
            survey.suffix.offered.iter().map(|known| known.suffix.as_str()).chain(selector.known_suffixes());
        let similar = nearest(suffix.as_str(), known);
        let suffix = suffix.to_string();
        (similar.is_some() || none_moved).then_some(BlockerKind::NoSuchSuffix { suffix, similar })
    };
    unoffered_suffixes(selector, survey).iter().filter_map(problem).collect()
}

/// Returns the suffixes in `from_suffixes` that no user has, and that the forest does not offer.
pub(super) fn unoffered_suffixes(selector: &UserSelector<'_>, survey: &Survey) -> Vec<UpnSuffix> {
    selector.unseen_suffixes().filter(|suffix| !survey.suffix.offers(suffix)).cloned().collect()
}

/// Returns the problems with the names in a spec: names that fit no user, several users, or a user outside the selection.
pub(super) fn invalid_names(
    selector: &UserSelector<'_>,
    chosen: &[bool],
    missing_ous: Vec<MissingOu>,
) -> Vec<BlockerKind> {
    let mut problems = Vec::new();
    let unknown = |list: &str, entry: &Entry| BlockerKind::NoSuchUser {
        list: list.to_owned(),
        name: entry.written.clone(),
        similar: entry.nearest().map(str::to_owned),
    };
    let lists: [(&str, &Names); 2] = [("only", &selector.only), ("exclude", &selector.exclude)];
    for (list, names) in lists {
        let lost = names.entries().iter().filter(|entry| entry.is_unknown());
        problems.extend(lost.map(|entry| unknown(list, entry)));
    }
    problems.extend(selector.unknown_in_map().map(|entry| unknown("map", entry)));
    for (list, names) in [("only", &selector.only), ("map", &selector.map)] {
        for entry in names.entries().iter().filter(|entry| entry.is_ambiguous()) {
            let (list, name, fits) = (list.to_owned(), entry.written.clone(), entry.fits.clone());
            problems.push(BlockerKind::AmbiguousUser { list, name, fits });
        }
    }
    for (entry, chosen) in selector.only.entries().iter().zip(chosen) {
        if let (false, Some(user)) = (chosen, entry.fits.first().or(entry.fitted.first())) {
            problems.push(BlockerKind::OutsideSelection { name: entry.written.clone(), fits: user.clone() });
        }
    }
    problems.extend(missing_ous.into_iter().map(|missing| {
        let near = |(distance, name): &(usize, String)| *distance <= 2.max(name.chars().count() / 3);
        let similar = missing.nearest.filter(near).map(|(_, name)| name);
        BlockerKind::NoSuchOu { ou: missing.ou, similar }
    }));
    problems
}
