//! The difference between two scans.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::markdown::{FINDINGS, finding_table, more};
use super::{Fingerprint, grouped};
use crate::Finding;

/// The version of the JSON form.
const FORMAT_VERSION: u32 = 1;

/// The difference between the findings of two scans: new ones, fixed ones, and those that are still there.
///
/// Findings are the same if rule, object, attribute and value are: see [`Fingerprint`]. A value that was changed and violates the
/// same rule still gives one fixed finding and a new one.
///
/// ```
/// use onramp_core::AttributeName;
/// use onramp_readiness::report::Diff;
/// use onramp_readiness::{DirectoryObject, Finding, RuleId, Severity};
///
/// let finding = |dn: &str| {
///     let key = DirectoryObject::new(dn).key();
///     let upn = AttributeName::from_static("userPrincipalName");
///     Finding::new(key, RuleId::from_static("upn-missing"), Severity::Warning, upn, "The user has no UPN.")
/// };
/// let before = [finding("CN=Anna"), finding("CN=Bob")];
/// let after = [finding("CN=Bob"), finding("CN=Eve")];
/// let diff = Diff::between(&before, &after);
/// assert_eq!(diff.new, [&after[1]]);
/// assert_eq!(diff.fixed, [&before[0]]);
/// assert_eq!(diff.remaining, [&after[0]]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff<'a> {
    /// The findings of the second scan alone.
    pub new: Vec<&'a Finding>,
    /// The findings of the first scan alone.
    pub fixed: Vec<&'a Finding>,
    /// The findings of both, as the second scan tells them.
    pub remaining: Vec<&'a Finding>,
}

#[derive(Serialize)]
struct DiffJson<'a> {
    format_version: u32,
    counts: DiffCounts,
    new: &'a [&'a Finding],
    fixed: &'a [&'a Finding],
    remaining: &'a [&'a Finding],
}

#[derive(Serialize)]
struct DiffCounts {
    new: usize,
    fixed: usize,
    remaining: usize,
}

impl<'a> Diff<'a> {
    /// Compares two scans. Findings keep the order of their scan; of several equal ones, each has at most one counterpart.
    pub fn between(before: &'a [Finding], after: &'a [Finding]) -> Self {
        let mut unseen: HashMap<Fingerprint, usize> = HashMap::new();
        for finding in before {
            *unseen.entry(Fingerprint::of(finding)).or_default() += 1;
        }
        let mut diff = Self::default();
        for finding in after {
            match unseen.get_mut(&Fingerprint::of(finding)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    diff.remaining.push(finding);
                }
                _ => diff.new.push(finding),
            }
        }
        // The last ones of several equal findings are the fixed ones.
        for finding in before.iter().rev() {
            if let Some(count) = unseen.get_mut(&Fingerprint::of(finding)).filter(|count| **count > 0) {
                *count -= 1;
                diff.fixed.push(finding);
            }
        }
        diff.fixed.reverse();
        diff
    }

    /// Returns true if the two scans found the same.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.fixed.is_empty()
    }

    /// Writes an object with `format_version`, `counts`, and the findings under `new`, `fixed` and `remaining`.
    ///
    /// # Errors
    /// An error of the writer.
    pub fn write_json(&self, out: impl Write) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        let json = DiffJson {
            format_version: FORMAT_VERSION,
            counts: DiffCounts {
                new: self.new.len(),
                fixed: self.fixed.len(),
                remaining: self.remaining.len(),
            },
            new: &self.new,
            fixed: &self.fixed,
            remaining: &self.remaining,
        };
        serde_json::to_writer(&mut out, &json)?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Writes a summary for the page of a job: the counts, the 20 most severe new findings, and 20 of those that are fixed. As
    /// with [`write_markdown`](super::write_markdown), the page is small and text of a directory stays text.
    ///
    /// # Errors
    /// An error of the writer.
    pub fn write_markdown(&self, mut out: impl Write) -> io::Result<()> {
        let page = self.markdown().map_err(io::Error::other)?;
        out.write_all(page.as_bytes())?;
        out.flush()
    }

    fn markdown(&self) -> Result<String, std::fmt::Error> {
        let [new, fixed, remaining] =
            [&self.new, &self.fixed, &self.remaining].map(|findings| grouped(findings.len() as u64));
        let mut page = String::new();
        writeln!(page, "## Directory readiness: {new} new, {fixed} fixed, {remaining} remaining\n")?;
        for (heading, findings) in [("New findings", &self.new), ("Fixed findings", &self.fixed)] {
            if findings.is_empty() {
                continue;
            }
            let mut by_severity = findings.clone();
            by_severity.sort_by_key(|finding| Reverse(finding.severity));
            writeln!(page, "<details open><summary>{heading}</summary>\n")?;
            finding_table(&mut page, by_severity.into_iter())?;
            more(&mut page, findings.len(), FINDINGS, "findings")?;
            writeln!(page, "</details>\n")?;
        }
        Ok(page)
    }
}
