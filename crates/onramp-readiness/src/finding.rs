//! The results of rules: findings, and fixes for them.

use std::borrow::Cow;
use std::fmt;

use onramp_core::{AttributeName, ObjectGuid};
use serde::{Deserialize, Serialize};

/// The key of an object in findings: the distinguished name, and the GUID where the source tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectKey {
    /// Distinguished name, as the source writes it.
    pub dn: String,
    /// `objectGUID`.
    #[serde(rename = "object_guid", default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<ObjectGuid>,
    /// Name of the source, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", onramp_core::visible(&self.dn))
    }
}

/// The stable ID of a rule, such as `upn-character`: lower-case words joined by hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(Cow<'static, str>);

impl RuleId {
    /// Creates the ID of a rule that stands in the program.
    #[must_use]
    pub const fn from_static(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }

    /// Creates an ID.
    pub fn new(id: impl Into<String>) -> Self {
        Self(Cow::Owned(id.into()))
    }

    /// The ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The weight of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Severity {
    /// A hint: synchronization works, and somebody may be surprised.
    Note,
    /// Synchronization changes the value, or leaves a part out.
    Warning,
    /// Synchronization rejects the object or the value.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// The octets of a value that a finding is about, as offsets into its UTF-8 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // a pair with names
pub struct Span {
    /// First octet.
    pub start: usize,
    /// One after the last octet.
    pub end: usize,
}

/// The trust in a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Confidence {
    /// A person has to choose.
    Low,
    /// Usually right; a person should look.
    Medium,
    /// The one right value, which loses nothing.
    High,
}

/// The change of one attribute by a fix: values that are there and go, values that come.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // made by rules of others, too
pub struct FixChange {
    /// The attribute.
    pub attribute: AttributeName,
    /// Values that go, as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Values that come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
}

/// A way to end a finding: changes of the object's attributes that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fix {
    /// The changes; each attribute at most once.
    pub changes: Vec<FixChange>,
    /// The trust in it.
    pub confidence: Confidence,
    /// A sentence about what the fix loses, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loses: Option<String>,
}

impl Fix {
    /// A fix that replaces one value of one attribute; `None` for a value that is missing, or is removed.
    pub fn replace(attribute: AttributeName, old: Option<&str>, new: Option<String>) -> Self {
        let remove = old.map(str::to_owned).into_iter().collect();
        Self::of(vec![FixChange { attribute, remove, add: new.into_iter().collect() }])
    }

    /// A fix of several changes, with high confidence.
    pub fn of(changes: Vec<FixChange>) -> Self {
        Self { changes, confidence: Confidence::High, loses: None }
    }

    /// Sets the confidence.
    #[must_use]
    pub fn with_confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Says what the fix loses; the confidence is medium at most then.
    #[must_use]
    pub fn with_loss(mut self, sentence: impl Into<String>) -> Self {
        self.loses = Some(sentence.into());
        self.confidence = self.confidence.min(Confidence::Medium);
        self
    }
}

/// A holder of a value that several objects have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Holder {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectKey,
    /// The attribute in which it has the value.
    pub attribute: AttributeName,
    /// The value, as it is there.
    pub value: String,
    /// True if this holder is recommended to keep the value.
    pub keeps: bool,
    /// The reasons for or against the holder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// The name of an error of IdFix, as its column ERROR has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum IdfixError {
    /// Characters that are not allowed.
    Character,
    /// A value that IdFix could not repair.
    Format,
    /// An unknown top-level domain.
    TopLevelDomain,
    /// An invalid part after the `@`.
    DomainPart,
    /// An invalid part before the `@`.
    LocalPart,
    /// A value that is too long.
    Length,
    /// A missing value.
    Blank,
    /// A value that another object has.
    Duplicate,
}

/// The row that IdFix would show: errors in the order of its checks, update, and proposed action.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IdfixRow {
    /// The errors.
    #[serde(rename = "idfix_error")]
    pub errors: Vec<IdfixError>,
    /// The column UPDATE; `None` where IdFix leaves it empty.
    #[serde(rename = "idfix_update", default, skip_serializing_if = "Option::is_none")]
    pub update: Option<String>,
    /// The column PROPOSEDACTION: `EDIT`, `COMPLETE` or `REMOVE`.
    #[serde(rename = "idfix_action")]
    pub action: Cow<'static, str>,
}

impl IdfixRow {
    /// Creates a row.
    pub fn new(errors: Vec<IdfixError>, update: Option<String>, action: &'static str) -> Self {
        Self { errors, update, action: Cow::Borrowed(action) }
    }
}

/// A violation of one rule by one value of one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectKey,
    /// The most specific object class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The rule.
    pub rule: RuleId,
    /// The weight.
    pub severity: Severity,
    /// The tags of the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Cow<'static, str>>,
    /// The attribute.
    pub attribute: AttributeName,
    /// The value, as it is; absent where the attribute is missing. Octets that are no text stand as lower-case
    /// hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The place of the value among those of the attribute, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_index: Option<usize>,
    /// The parts of the value that violate the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// A sentence for people.
    pub explanation: String,
    /// The document that the rule is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_source: Option<Cow<'static, str>>,
    /// The fixes, the best one first; none where no fix is safe.
    pub fixes: Vec<Fix>,
    /// A sentence that says why there is no safe fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_fix: Option<Cow<'static, str>>,
    /// All holders of a value that must be unique.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Holder>,
    /// The row of IdFix, in the profile `idfix`.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub idfix: Option<IdfixRow>,
}

impl Finding {
    /// Creates a finding about an attribute of an object.
    pub fn new(
        object: ObjectKey,
        rule: RuleId,
        severity: Severity,
        attribute: AttributeName,
        explanation: impl Into<String>,
    ) -> Self {
        Self {
            object,
            class: None,
            rule,
            severity,
            tags: Vec::new(),
            attribute,
            value: None,
            value_index: None,
            spans: Vec::new(),
            explanation: explanation.into(),
            rule_source: None,
            fixes: Vec::new(),
            no_fix: None,
            holders: Vec::new(),
            idfix: None,
        }
    }

    /// Sets the value and its place.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>, index: usize) -> Self {
        self.value = Some(value.into());
        self.value_index = Some(index);
        self
    }

    /// Sets the parts of the value.
    #[must_use]
    pub fn with_spans(mut self, spans: Vec<Span>) -> Self {
        self.spans = spans;
        self
    }

    /// Adds a fix.
    #[must_use]
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.fixes.push(fix);
        self
    }
}
