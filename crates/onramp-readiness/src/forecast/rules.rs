//! The rules of matching: the verdict on a cloud object that has the anchor, the address or the UPN of an object of AD.

use super::{ConflictReason, TenantFlags, UnknownReason};

/// The facts about a cloud object that decide on a match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// True if both are users, both groups or both contacts.
    pub(super) is_same_kind: bool,
    /// True if it belongs to another object of AD. Only soft matches ask.
    pub(super) has_other_anchor: Option<bool>,
    /// True if it holds a directory role.
    pub(super) has_role: Option<bool>,
    /// True if `onPremisesObjectIdentifier` names another object of AD. Only hard matches ask.
    pub(super) is_mapped_to_another: Option<bool>,
}

/// The verdict on a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Synchronization matches the two.
    Match,
    /// Synchronization would match the two, and something forbids it.
    Refused(ConflictReason),
    /// Synchronization does not look at this attribute.
    NoMatch,
    /// A deciding fact is not known.
    Unknown(Vec<UnknownReason>),
}

/// The verdict on a cloud object with the same anchor that is not synchronized.
pub(super) fn hard_match(facts: &Facts, flags: &TenantFlags) -> Verdict {
    let is_mapped = match (facts.is_mapped_to_another, flags.allow_update_of_object_identifier) {
        (Some(false), _) | (_, Some(true)) => Some(false),
        (Some(true), Some(false)) => Some(true),
        _ => None,
    };
    let mapping = match facts.is_mapped_to_another {
        None => UnknownReason::ObjectIdentifier,
        Some(_) => UnknownReason::ObjectIdentifierUpdate,
    };
    first_of([
        (Some(!facts.is_same_kind), ConflictReason::ObjectTypeMismatch, UnknownReason::Roles),
        (facts.has_role, ConflictReason::AdministratorRole, UnknownReason::Roles),
        (flags.block_hard_match, ConflictReason::MatchBlocked, UnknownReason::BlockHardMatch),
        (is_mapped, ConflictReason::MappedToAnother, mapping),
    ])
}

/// The verdict on a cloud object with the same primary SMTP address.
pub(super) fn soft_match(facts: &Facts, flags: &TenantFlags) -> Verdict {
    first_of([
        (Some(!facts.is_same_kind), ConflictReason::ObjectTypeMismatch, UnknownReason::Roles),
        (facts.has_other_anchor, ConflictReason::OtherAnchor, UnknownReason::Anchor),
        (facts.has_role, ConflictReason::AdministratorRole, UnknownReason::Roles),
        (flags.block_soft_match, ConflictReason::MatchBlocked, UnknownReason::BlockSoftMatch),
    ])
}

/// The verdict on a cloud user with the same UPN.
pub(super) fn soft_match_on_upn(facts: &Facts, flags: &TenantFlags) -> Verdict {
    match (flags.soft_match_on_upn, soft_match(facts, flags)) {
        (Some(false), _) => Verdict::NoMatch,
        (None, Verdict::Match) => Verdict::Unknown(vec![UnknownReason::SoftMatchOnUpn]),
        (None, Verdict::Unknown(mut reasons)) => {
            reasons.push(UnknownReason::SoftMatchOnUpn);
            Verdict::Unknown(reasons)
        }
        (_, verdict) => verdict,
    }
}

/// The first reason that holds; else all that are not known; else a match.
fn first_of(reasons: [(Option<bool>, ConflictReason, UnknownReason); 4]) -> Verdict {
    if let Some((_, reason, _)) = reasons.iter().find(|(holds, ..)| *holds == Some(true)) {
        return Verdict::Refused(*reason);
    }
    let unknown: Vec<_> =
        reasons.into_iter().filter(|(holds, ..)| holds.is_none()).map(|(.., unknown)| unknown).collect();
    if unknown.is_empty() { Verdict::Match } else { Verdict::Unknown(unknown) }
}
