//! Findings that are known, and accepted for now.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};

use onramp_core::visible;

use super::Fingerprint;
use crate::Finding;

/// The first line of the file. A later version of the format changes the number.
const HEADER: &str = "# onramp readiness baseline, version 1";

/// A set of findings that a scan does not report again, each with a comment.
///
/// It is a file of text that belongs in version control: a fingerprint a line, then a comment that says what it is, or why it is
/// accepted. Empty lines and those that begin with `#` are skipped.
///
/// ```
/// use onramp_core::AttributeName;
/// use onramp_readiness::report::Baseline;
/// use onramp_readiness::{DirectoryObject, Finding, RuleId, Severity};
///
/// let finding = |dn: &str| {
///     let key = DirectoryObject::new(dn).key();
///     let upn = AttributeName::from_static("userPrincipalName");
///     Finding::new(key, RuleId::from_static("upn-missing"), Severity::Warning, upn, "The user has no UPN.")
/// };
/// let mut file = Vec::new();
/// Baseline::of(&[finding("CN=Anna"), finding("CN=Bob")]).write(&mut file)?;
///
/// let baseline = Baseline::read(file.as_slice())?;
/// let checked = baseline.apply(vec![finding("CN=Bob"), finding("CN=Eve")]);
/// assert_eq!(checked.findings, [finding("CN=Eve")]);
/// assert_eq!(checked.suppressed, [finding("CN=Bob")]);
/// assert_eq!(checked.unmatched[0].comment, "upn-missing CN=Anna userPrincipalName");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<Fingerprint, String>,
}

/// An entry of a [`Baseline`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaselineEntry {
    /// The finding.
    pub fingerprint: Fingerprint,
    /// The text after it.
    pub comment: String,
}

/// The findings of a scan, held against a [`Baseline`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaselineResult {
    /// The findings that are not in the baseline, in their order.
    pub findings: Vec<Finding>,
    /// Those that are in it, in their order.
    pub suppressed: Vec<Finding>,
    /// The entries that suppressed nothing, which may be removed from the file.
    pub unmatched: Vec<BaselineEntry>,
}

impl Baseline {
    /// Creates a baseline of all these findings, each with its rule, object, attribute and value as comment.
    pub fn of(findings: &[Finding]) -> Self {
        let entries = findings.iter().map(|finding| {
            let value = finding.value.as_deref().map(|value| format!(": {value}")).unwrap_or_default();
            let comment = format!("{} {} {}{value}", finding.rule, finding.object.dn, finding.attribute);
            (Fingerprint::of(finding), visible(&comment).trim().to_owned())
        });
        Self { entries: entries.collect() }
    }

    /// Takes the comments of the entries that another baseline has too, so that what people wrote stays.
    #[must_use]
    pub fn with_comments_of(mut self, other: &Self) -> Self {
        for (fingerprint, comment) in &mut self.entries {
            if let Some(written) = other.entries.get(fingerprint) {
                comment.clone_from(written);
            }
        }
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// An error of the reader; a first line that is not that of this format; a line that does not begin with a fingerprint.
    pub fn read(input: impl BufRead) -> io::Result<Self> {
        let mut entries = BTreeMap::new();
        for (line, number) in input.lines().zip(1_u64..) {
            let line = line?;
            let line = line.trim_start_matches('\u{feff}').trim();
            let wrong = |reason: String| {
                io::Error::new(io::ErrorKind::InvalidData, format!("line {number} of the baseline: {reason}"))
            };
            if number == 1 && line != HEADER {
                return Err(wrong(format!("'{HEADER}' is missing")));
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (fingerprint, comment) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let fingerprint = fingerprint.parse().map_err(|error| wrong(format!("{error}")))?;
            let comment = comment.trim().trim_start_matches('#').trim();
            entries.insert(fingerprint, comment.to_owned());
        }
        Ok(Self { entries })
    }

    /// Writes the file, sorted by comment, so that entries of one rule stand together and two versions can be compared.
    ///
    /// # Errors
    /// An error of the writer.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "{HEADER}")?;
        let sorted: BTreeSet<_> =
            self.entries.iter().map(|(fingerprint, comment)| (comment, fingerprint)).collect();
        for (comment, fingerprint) in sorted {
            writeln!(out, "{fingerprint} # {}", visible(comment))?;
        }
        out.flush()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns true if a finding is in the baseline.
    pub fn contains(&self, finding: &Finding) -> bool {
        self.entries.contains_key(&Fingerprint::of(finding))
    }

    /// Takes the known findings out, and tells which entries suppressed nothing.
    pub fn apply(&self, findings: Vec<Finding>) -> BaselineResult {
        let mut matched = BTreeSet::new();
        let mut result = BaselineResult::default();
        for finding in findings {
            let fingerprint = Fingerprint::of(&finding);
            if self.entries.contains_key(&fingerprint) {
                matched.insert(fingerprint);
                result.suppressed.push(finding);
            } else {
                result.findings.push(finding);
            }
        }
        let unmatched = self.entries.iter().filter(|(fingerprint, _)| !matched.contains(fingerprint));
        result.unmatched = unmatched
            .map(|(fingerprint, comment)| BaselineEntry {
                fingerprint: *fingerprint,
                comment: comment.clone(),
            })
            .collect();
        result.unmatched.sort_by(|a, b| a.comment.cmp(&b.comment));
        result
    }
}
