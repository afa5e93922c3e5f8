//! The port behind which rules stand, and what it tells about them.

use std::borrow::Cow;
use std::fmt::Debug;

use onramp_core::AttributeName;
use serde::{Deserialize, Serialize};

use crate::{DirectoryObject, Finding, RuleId, Severity};

/// The description of a rule, for catalogs and reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleInfo {
    /// The ID.
    pub id: RuleId,
    /// A sentence that says what must hold.
    pub title: Cow<'static, str>,
    /// The weight of its findings.
    pub severity: Severity,
    /// The tags by which it is selected.
    pub tags: Vec<Cow<'static, str>>,
    /// The limit that it holds values against, in characters or values, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The document that it is from.
    pub source: Cow<'static, str>,
}

impl RuleInfo {
    /// Describes a rule of a program's own.
    pub fn new(id: RuleId, title: impl Into<Cow<'static, str>>, severity: Severity) -> Self {
        let source = Cow::Borrowed("");
        Self { id, title: title.into(), severity, tags: Vec::new(), limit: None, source }
    }

    /// Sets the document that the rule is from: a title, or a URL.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Cow<'static, str>>) -> Self {
        self.source = source.into();
        self
    }

    /// Sets the tags.
    #[must_use]
    pub fn with_tags(mut self, tags: Vec<Cow<'static, str>>) -> Self {
        self.tags = tags;
        self
    }
}

/// The reason why an object is not judged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Exclusion {
    /// Stable ID of the reason, such as `critical-system-object`.
    pub id: Cow<'static, str>,
    /// A sentence for people.
    pub reason: String,
}

impl Exclusion {
    /// Creates a reason.
    pub fn new(id: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self { id: id.into(), reason: reason.into() }
    }
}

/// Port: rules that judge one object at a time.
///
/// An implementation has no state that a judgment changes, so that objects can be judged in parallel and in any order.
/// What concerns several objects, the uniqueness of values, is [`Scan`](crate::Scan)'s.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait ReadinessRules: Debug + Send + Sync {
    /// The rules, in the order in which reports name them.
    fn catalog(&self) -> Vec<RuleInfo>;

    /// The attributes that the rules read, for sources that have to be asked for each.
    fn attributes(&self) -> Vec<AttributeName>;

    /// The reason why synchronization, or this profile, leaves the object out. It is not judged then, and still counts
    /// as a holder of its values. A reason with the ID of a rule in the catalog is a finding, too.
    fn exclusion(&self, object: &DirectoryObject) -> Option<Exclusion>;

    /// Judges the object's values as they are.
    fn check(&self, object: &DirectoryObject) -> Vec<Finding>;

    /// The rules whose findings the scan makes (duplicates, matches, exclusions) that do not apply to the object. It still
    /// counts as a holder of its values.
    fn out_of_scope(&self, object: &DirectoryObject) -> Vec<RuleId>;

    /// Adds the fixes to findings of [`ReadinessRules::check`] about the same object. Apart from it, since a fix is
    /// verified by judging the object as it would be.
    fn suggest(&self, object: &DirectoryObject, findings: &mut [Finding]);
}
