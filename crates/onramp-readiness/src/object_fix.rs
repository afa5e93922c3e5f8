//! The fixes of an object, put together.

use std::collections::{HashMap, HashSet};
use std::fmt;

use onramp_core::{AttributeName, ObjectGuid};

use crate::attributes::{MEMBER, OBJECT_CLASS, PROXY_ADDRESSES};
use crate::{Confidence, Finding, Fix, FixChange, ObjectKey};

/// The fixes of one object as one change, with what could not be part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectFix<'a> {
    /// The object.
    pub object: &'a ObjectKey,
    /// The changes; each attribute once. Empty if no fix was taken.
    pub changes: Vec<FixChange>,
    /// The findings whose best fix is part of the changes, in their order.
    pub fixed: Vec<&'a Finding>,
    /// The findings whose best fix is not, each with the reason.
    pub skipped: Vec<(&'a Finding, FixSkip)>,
}

/// The reason why a fix was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FixSkip {
    /// The confidence is lower than asked for.
    LowConfidence,
    /// Another fix of the object, with the same or a higher confidence, changes the same value in another way.
    Conflict,
}

impl fmt::Display for FixSkip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LowConfidence => "the confidence is lower than asked for",
            Self::Conflict => "another fix of the object changes the same value in another way",
        })
    }
}

/// Puts the best fix of each finding together, object by object, in the order in which findings name the objects.
///
/// A fix is taken as a whole or not at all: those with the highest confidence first, then in the order of the findings. One
/// that would remove a value that is removed or added already, add one that is, or give a second value to an attribute that has
/// one value, is skipped. Findings without a fix are in no [`ObjectFix`].
///
/// ```
/// use onramp_core::AttributeName;
/// use onramp_readiness::{Confidence, DirectoryObject, Finding, Fix, RuleId, Severity, combine_fixes};
///
/// let mail = AttributeName::from_static("mail");
/// let finding = |rule: &'static str, new: &str| {
///     let key = DirectoryObject::new("CN=Anna,DC=corp").key();
///     Finding::new(key, RuleId::from_static(rule), Severity::Error, mail.clone(), "")
///         .with_fix(Fix::replace(mail.clone(), Some("a b@x.de"), Some(new.to_owned())))
/// };
/// let findings = [finding("mail-space", "ab@x.de"), finding("mail-format", "ab@x.de"), finding("other", "a.b@x.de")];
/// let [fix] = combine_fixes(&findings, Confidence::High).try_into().unwrap();
/// assert_eq!(fix.changes.len(), 1);
/// assert_eq!(fix.changes[0].add, ["ab@x.de"]);
/// assert_eq!((fix.fixed.len(), fix.skipped.len()), (2, 1));
/// ```
pub fn combine_fixes(findings: &[Finding], min_confidence: Confidence) -> Vec<ObjectFix<'_>> {
    let mut places: HashMap<Identity, usize> = HashMap::new();
    let mut objects: Vec<(&ObjectKey, Vec<(&Finding, &Fix)>)> = Vec::new();
    for finding in findings {
        let Some(fix) = finding.fixes.first() else { continue };
        let place = *places.entry(Identity::of(&finding.object)).or_insert(objects.len());
        match objects.get_mut(place) {
            Some((_, fixes)) => fixes.push((finding, fix)),
            None => objects.push((&finding.object, vec![(finding, fix)])),
        }
    }
    objects.into_iter().map(|(object, fixes)| combine(object, fixes, min_confidence)).collect()
}

#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Guid(ObjectGuid),
    Dn(String),
}

impl Identity {
    fn of(object: &ObjectKey) -> Self {
        object.guid.map_or_else(|| Self::Dn(object.dn.to_lowercase()), Self::Guid)
    }
}

/// Puts fixes together; `None` if they contradict each other.
pub(crate) fn combined<'a>(fixes: impl Iterator<Item = &'a Fix>) -> Option<Vec<FixChange>> {
    let mut taken = Taken::default();
    for fix in fixes {
        if !taken.take(fix) {
            return None;
        }
    }
    Some(taken.changes)
}

fn combine<'a>(
    object: &'a ObjectKey,
    fixes: Vec<(&'a Finding, &'a Fix)>,
    min_confidence: Confidence,
) -> ObjectFix<'a> {
    let mut order: Vec<usize> = (0..fixes.len()).collect();
    order.sort_by_key(|&place| std::cmp::Reverse(fixes.get(place).map(|(_, fix)| fix.confidence)));
    let mut taken = Taken::default();
    let mut outcomes: Vec<Option<FixSkip>> = vec![None; fixes.len()];
    for place in order {
        let (Some((_, fix)), Some(outcome)) = (fixes.get(place), outcomes.get_mut(place)) else { continue };
        *outcome = match fix.confidence >= min_confidence {
            false => Some(FixSkip::LowConfidence),
            true if !taken.take(fix) => Some(FixSkip::Conflict),
            true => None,
        };
    }
    let mut result = ObjectFix { object, changes: taken.changes, fixed: Vec::new(), skipped: Vec::new() };
    for ((finding, _), outcome) in fixes.into_iter().zip(outcomes) {
        match outcome {
            None => result.fixed.push(finding),
            Some(reason) => result.skipped.push((finding, reason)),
        }
    }
    result
}

/// The changes that were taken, and the values in them as a directory compares them: without regard to case.
#[derive(Default)]
struct Taken<'a> {
    changes: Vec<FixChange>,
    whole: HashSet<&'a FixChange>,
    removed: HashSet<(&'a AttributeName, String)>,
    added: HashSet<(&'a AttributeName, String)>,
    /// The attributes that got a value without losing one.
    filled: HashSet<&'a AttributeName>,
}

impl<'a> Taken<'a> {
    /// Takes a fix, unless it does not go with those that were taken.
    fn take(&mut self, fix: &'a Fix) -> bool {
        let others: Vec<_> = fix.changes.iter().filter(|change| !self.whole.contains(change)).collect();
        if others.iter().any(|change| self.conflicts(change)) {
            return false;
        }
        for change in others {
            let FixChange { attribute, remove, add } = change;
            self.removed.extend(remove.iter().map(|value| (attribute, value.to_lowercase())));
            self.added.extend(add.iter().map(|value| (attribute, value.to_lowercase())));
            if remove.is_empty() {
                self.filled.insert(attribute);
            }
            match self.changes.iter_mut().find(|taken| taken.attribute == *attribute) {
                Some(taken) => {
                    taken.remove.extend(remove.iter().cloned());
                    taken.add.extend(add.iter().cloned());
                }
                None => self.changes.push(change.clone()),
            }
            self.whole.insert(change);
        }
        true
    }

    fn conflicts(&self, FixChange { attribute, remove, add }: &'a FixChange) -> bool {
        let is_touched = |value: &String| {
            let value = (attribute, value.to_lowercase());
            self.removed.contains(&value) || self.added.contains(&value)
        };
        let is_single = ![PROXY_ADDRESSES, MEMBER, OBJECT_CLASS].contains(attribute);
        remove.iter().chain(add).any(is_touched)
            || (is_single && remove.is_empty() && self.filled.contains(attribute))
    }
}
