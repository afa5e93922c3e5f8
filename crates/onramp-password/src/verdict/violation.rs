//! One demand that is not met.

use serde::{Deserialize, Serialize};

use super::code::{Code, NameSource};
use super::spans::Spans;
use crate::class::{CharacterClass, Classes};
use crate::target::Target;

/// One demand that is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Violation {
    /// The target that refuses the candidate.
    pub target: Target,
    /// The kind of the requirement.
    pub code: Code,
    /// The counted value, for codes that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u32>,
    /// The required value, for codes that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The source of the name, for [`Code::ContainsName`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<NameSource>,
    /// The missing classes, for [`Code::TooFewClasses`] and [`Code::ClassMissing`].
    #[serde(default, skip_serializing_if = "none")]
    pub missing: Classes,
    /// The places in the candidate.
    #[serde(default = "nowhere", skip_serializing_if = "Spans::is_empty")]
    pub spans: Spans,
}

impl Violation {
    pub(crate) const EMPTY: Self = Self::new(Target::OnPremises, Code::TooShort);

    pub(crate) const fn new(target: Target, code: Code) -> Self {
        Self {
            target,
            code,
            found: None,
            limit: None,
            name: None,
            missing: Classes::NONE,
            spans: Spans::NONE,
        }
    }

    pub(crate) fn counted(mut self, found: usize, limit: usize) -> Self {
        self.found = u32::try_from(found).ok();
        self.limit = u32::try_from(limit).ok();
        self
    }

    pub(crate) fn at(mut self, spans: Spans) -> Self {
        self.spans = spans;
        self
    }

    pub(crate) fn named(mut self, name: NameSource) -> Self {
        self.name = Some(name);
        self
    }

    /// Returns the number that is lacking.
    pub(crate) fn lacking(&self) -> u32 {
        self.limit.unwrap_or(0).saturating_sub(self.found.unwrap_or(0))
    }

    /// Returns the missing classes that a person is asked for: letters without case, which few people can type, only where the
    /// others do not suffice.
    pub(crate) fn missing_by_name(&self) -> Classes {
        let usual = self.missing.without(CharacterClass::OtherLetter);
        if usual.count() >= self.lacking().max(1) { usual } else { self.missing }
    }

    pub(crate) fn missing(mut self, classes: Classes) -> Self {
        self.missing = classes;
        self
    }
}

fn none(classes: &Classes) -> bool {
    classes.is_empty()
}

fn nowhere() -> Spans {
    Spans::NONE
}
