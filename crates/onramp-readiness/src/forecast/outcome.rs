//! The forecast for one object.

use std::collections::BTreeMap;
use std::fmt;

use onramp_core::{AttributeName, visible};
use serde::{Deserialize, Serialize};

use super::{CloudObject, ConflictReason, MatchKind, UnknownReason};
use crate::ObjectKey;
use crate::ObjectKind;

/// The result of synchronization for one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// A new cloud object.
    New,
    /// An update of the cloud object that it is already.
    Update,
    /// A match: the values of AD replace those of a cloud object.
    Match,
    /// Not matched, although a cloud object has a value of it: an error, or values that are changed or left out.
    Conflict,
    /// A match or a conflict: a fact that decides is not known.
    Unknown,
    /// No forecast: the tenant's objects of this kind were not read.
    NotForecast,
}

/// A value of an object that a cloud object has, with which it is not matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ValueConflict {
    /// The attribute.
    pub attribute: AttributeName,
    /// The value, as it is; of a source anchor the base64.
    pub value: String,
    /// The place of the value among those of the attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_index: Option<usize>,
    /// The cloud object.
    pub cloud: Box<CloudObject>,
    /// The reason why they are not matched.
    pub reason: ConflictReason,
    /// The effect.
    pub effect: ConflictEffect,
}

/// The effect of a value that a cloud object has already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "effect")]
#[non_exhaustive]
pub enum ConflictEffect {
    /// Synchronization rejects the object.
    Rejected {
        /// The name of the error.
        error: String,
    },
    /// The object gets another UPN: its prefix, four digits, and the initial domain of the tenant.
    UpnReplaced {
        /// The new UPN, with `####` in the place of the digits.
        pattern: String,
    },
    /// The object comes in without the address, until the other object has it no more.
    Quarantined,
}

/// A value of a cloud object that a match replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Loss {
    /// The attribute.
    pub attribute: AttributeName,
    /// The values in the cloud that go.
    pub cloud: Vec<String>,
    /// The values of AD that come.
    pub forest: Vec<String>,
}

/// The forecast for one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Forecast {
    /// The object of AD.
    pub object: ObjectKey,
    /// The most specific class of the object of AD.
    pub class: Option<String>,
    /// The kind of the object of AD.
    pub kind: ObjectKind,
    /// The result.
    pub outcome: Outcome,
    /// The attribute that matches, or may match.
    pub matched_by: Option<MatchKind>,
    /// The attribute and the value that match, or may match.
    pub matched_value: Option<(AttributeName, String)>,
    /// The cloud object that is updated or matched, or may be.
    pub cloud: Option<Box<CloudObject>>,
    /// The facts that decide and are not known.
    pub unknown: Vec<UnknownReason>,
    /// The values that other cloud objects have.
    pub conflicts: Vec<ValueConflict>,
    /// The values of the cloud object that are replaced, as far as both sides were read.
    pub loses: Vec<Loss>,
    /// True if the cloud object's password is replaced, too; `None` is "not known".
    pub loses_password: Option<bool>,
}

impl Forecast {
    /// The name of the result, for counts in reports.
    pub fn outcome_name(&self) -> &'static str {
        match (self.outcome, self.matched_by) {
            (Outcome::New, _) => "new cloud object",
            (Outcome::Update, _) => "update of its own cloud object",
            (Outcome::Match, Some(MatchKind::SourceAnchor)) => "cloud object overwritten (hard match)",
            (Outcome::Match, Some(MatchKind::PrimarySmtp)) => {
                "cloud object overwritten (soft match on the primary SMTP address)"
            }
            (Outcome::Match, _) => "cloud object overwritten (soft match on the UPN)",
            (Outcome::Conflict, _) => "conflict with a cloud object",
            (Outcome::Unknown, _) => "overwritten or in conflict, not known which",
            (Outcome::NotForecast, _) => "not forecast (cloud objects of this kind were not read)",
        }
    }

    /// Counts forecasts by their results, in the order of [`Outcome`]; as
    /// [`Report::with_forecast`](crate::report::Report::with_forecast) takes them.
    pub fn count<'a>(forecasts: impl IntoIterator<Item = &'a Self>) -> Vec<(String, u64)> {
        let mut counts: BTreeMap<_, u64> = BTreeMap::new();
        for forecast in forecasts {
            *counts.entry(forecast.rank()).or_default() += 1;
        }
        counts.into_iter().map(|((.., name), count)| (name.to_owned(), count)).collect()
    }

    /// True if nothing but the result is to be told.
    pub(crate) fn is_plain(&self) -> bool {
        self.conflicts.is_empty() && !matches!(self.outcome, Outcome::Match | Outcome::Unknown)
    }

    /// The place among counts.
    pub(crate) fn rank(&self) -> (Outcome, Option<MatchKind>, &'static str) {
        let kind = self.matched_by.filter(|_| self.outcome == Outcome::Match);
        (self.outcome, kind, self.outcome_name())
    }

    /// A sentence for people.
    pub fn explanation(&self) -> String {
        let cloud = self.cloud.as_ref().map(ToString::to_string).unwrap_or_default();
        let by = self.matched_by.map(|kind| kind.to_string()).unwrap_or_default();
        match self.outcome {
            Outcome::New => "synchronization makes a new cloud object".to_owned(),
            Outcome::Update => format!("synchronization updates {cloud}, which is this object already"),
            Outcome::Match => format!("synchronization overwrites {cloud}: {by}{}", self.losses()),
            Outcome::Unknown => {
                let unknown: Vec<String> = self.unknown.iter().map(ToString::to_string).collect();
                format!(
                    "synchronization may overwrite {cloud}: {by}; not known is {}{}",
                    unknown.join(", and "),
                    self.losses()
                )
            }
            Outcome::Conflict => {
                let conflicts: Vec<String> = self.conflicts.iter().map(ToString::to_string).collect();
                conflicts.join("; ")
            }
            Outcome::NotForecast => format!("the {}s of the tenant were not read", self.kind),
        }
    }

    /// The losses, as the end of a sentence.
    fn losses(&self) -> String {
        let mut losses: Vec<String> = self.loses.iter().map(ToString::to_string).collect();
        match self.loses_password {
            Some(true) => losses.push("its password".to_owned()),
            None => losses.push("its password, if password hashes are synchronized".to_owned()),
            Some(false) => {}
        }
        if losses.is_empty() { String::new() } else { format!("; it loses {}", losses.join(", ")) }
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.explanation())
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |values: &[String]| {
            let shown: Vec<String> = values.iter().map(|value| format!("“{}”", visible(value))).collect();
            shown.join(" ")
        };
        write!(f, "{} {}", self.attribute, quoted(&self.cloud))?;
        if self.forest.is_empty() { Ok(()) } else { write!(f, " (becomes {})", quoted(&self.forest)) }
    }
}

impl fmt::Display for ValueConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.reason {
            ConflictReason::AdministratorRole => {
                "would be matched, but holds an administrator role; take the role away first"
            }
            ConflictReason::OtherAnchor => "has the value, and the source anchor of another object",
            ConflictReason::MatchBlocked => "would be matched, but the tenant blocks this kind of match",
            ConflictReason::UpnConflict => "has the UPN",
            ConflictReason::AddressConflict => "has the address",
            ConflictReason::ObjectTypeMismatch => "has the value, and is an object of another class",
            ConflictReason::MappedToAnother => {
                "would be matched, but is mapped to another object of AD (onPremisesObjectIdentifier)"
            }
        };
        write!(f, "{} {what}: {}", self.cloud, self.effect)
    }
}

impl fmt::Display for ConflictEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { error } => write!(f, "synchronization rejects this object ({error})"),
            Self::UpnReplaced { pattern } => {
                write!(f, "this object gets the UPN {} with four digits for ####", visible(pattern))
            }
            Self::Quarantined => {
                f.write_str("this object comes in without the address, which is quarantined")
            }
        }
    }
}
