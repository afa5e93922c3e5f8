//! The verdict: every violation of one candidate, without its text.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::advice::Advice;
use super::violation::Violation;
use crate::protection::ProtectionVerdict;
use crate::target::Target;

/// The number of violations that need no memory of their own: more than the built-in policies find together.
const INLINE: usize = 16;

/// Everything that is wrong with one candidate.
///
/// It holds codes, numbers and places, and never a piece of the candidate. Up to sixteen violations it lives on the
/// stack alone.
#[derive(Clone)]
pub struct Verdict {
    few: [Violation; INLINE],
    len: usize,
    /// All of them, once they are too many for `few`.
    many: Vec<Violation>,
    judged: u8,
    pub(crate) protection: Option<ProtectionVerdict>,
    /// True if NIST is a target and the candidate has characters outside ASCII.
    pub(crate) unicode: bool,
    /// True if somebody is asked who has Microsoft's list.
    pub(crate) unlisted: bool,
}

impl Verdict {
    /// The verdict before any target is evaluated. A constant is written in place; the result of a function would be
    /// copied.
    pub(crate) const NOTHING: Self = Self {
        few: [Violation::EMPTY; INLINE],
        len: 0,
        many: Vec::new(),
        judged: 0,
        protection: None,
        unicode: false,
        unlisted: false,
    };

    /// Records the targets that are asked.
    #[inline]
    pub(crate) fn ask(&mut self, targets: &[Target]) {
        self.judged = targets.iter().fold(self.judged, |set, &target| set | 1 << target as u8);
    }

    /// Returns the demands that are not met: those of the domain controllers first, then in the order of [`Target`].
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        if self.many.is_empty() { self.few.get(..self.len).unwrap_or_default() } else { &self.many }
    }

    /// Returns true if every target accepts the candidate.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.len == 0
    }

    /// Returns true if the target accepts the candidate.
    #[must_use]
    pub fn accepted_by(&self, target: Target) -> bool {
        self.violations_for(target).next().is_none()
    }

    /// Returns the demands of one target that are not met.
    pub fn violations_for(&self, target: Target) -> impl Iterator<Item = &Violation> {
        self.violations().iter().filter(move |violation| violation.target == target)
    }

    /// Returns the evaluated targets, each with its answer.
    pub fn targets(&self) -> impl Iterator<Item = (Target, bool)> {
        let asked = Target::ALL.into_iter().filter(|&target| self.judged & 1 << target as u8 != 0);
        asked.map(|target| (target, self.accepted_by(target)))
    }

    /// Returns the verdict of Entra Password Protection, if the policy includes it.
    #[must_use]
    pub fn protection(&self) -> Option<&ProtectionVerdict> {
        self.protection.as_ref()
    }

    /// Returns the advice for a person whose candidate is accepted.
    pub fn advice(&self) -> impl Iterator<Item = Advice> {
        let unlisted = self.unlisted && self.is_accepted();
        let all = [(self.unicode, Advice::Unicode), (unlisted, Advice::GlobalListUnknown)];
        all.into_iter().filter(|&(given, _)| given).map(|(_, advice)| advice)
    }

    /// Puts a violation in its place: behind those of the same and of earlier targets. One that is there already only
    /// adds its places.
    pub(crate) fn push(&mut self, violation: Violation) {
        if let Some(known) = self.known(&violation) {
            known.spans = known.spans.union(&violation.spans);
            return;
        }
        let place = self.violations().partition_point(|other| other.target <= violation.target);
        if self.many.is_empty() && self.len < INLINE {
            if let Some(tail) = self.few.get_mut(place..=self.len) {
                tail.rotate_right(1);
            }
            if let Some(slot) = self.few.get_mut(place) {
                *slot = violation;
            }
        } else {
            if self.many.is_empty() {
                self.many.extend_from_slice(&self.few);
            }
            self.many.insert(place, violation);
        }
        self.len += 1;
        self.judged |= 1 << violation.target as u8;
    }
}

impl Verdict {
    /// Returns the violation that says the same.
    fn known(&mut self, violation: &Violation) -> Option<&mut Violation> {
        let all = match self.many.as_mut_slice() {
            [] => self.few.get_mut(..self.len)?,
            many => many,
        };
        all.iter_mut().find(|known| Violation { spans: violation.spans, ..**known } == *violation)
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdict")
            .field("violations", &self.violations())
            .field("protection", &self.protection)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Verdict {
    fn eq(&self, other: &Self) -> bool {
        self.violations() == other.violations()
            && self.judged == other.judged
            && self.protection == other.protection
            && self.advice().eq(other.advice())
    }
}

impl Eq for Verdict {}

/// A verdict as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Verdict")]
struct Written {
    accepted: bool,
    targets: Vec<Target>,
    violations: Vec<Violation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protection: Option<ProtectionVerdict>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    advice: Vec<Advice>,
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = Written {
            accepted: self.is_accepted(),
            targets: self.targets().map(|(target, _)| target).collect(),
            violations: self.violations().to_vec(),
            protection: self.protection,
            advice: self.advice().collect(),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Verdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let mut verdict = Self::NOTHING;
        verdict.ask(&written.targets);
        written.violations.into_iter().for_each(|violation| verdict.push(violation));
        if verdict.is_accepted() != written.accepted {
            return Err(serde::de::Error::custom("`accepted` contradicts `violations`"));
        }
        verdict.protection = written.protection;
        verdict.unicode = written.advice.contains(&Advice::Unicode);
        verdict.unlisted = written.advice.contains(&Advice::GlobalListUnknown);
        Ok(verdict)
    }
}
