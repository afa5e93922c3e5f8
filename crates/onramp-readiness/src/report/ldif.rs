//! The fixes as LDIF.

use std::io::{self, BufWriter, Write};

use onramp_core::visible;
use time::format_description::well_known::Rfc3339;

use super::{Report, confidence_word, grouped};
use crate::{Confidence, Finding};
use crate::{
    FixSkip, ObjectFix, combine_fixes,
    ldif::{ChangeRecord, Writer},
};

/// Writes the best fix of each finding as LDIF: one `changetype: modify` for each object, with all its attributes, which deletes
/// the old values before it adds new ones. So a directory refuses the record as a whole if a value has changed since the scan.
///
/// Fixes of a lower confidence are left out. Comments say which rules a record is about, what its fixes lose, and which fixes
/// were skipped, since they do not go with others of the object: see [`combine_fixes`]. An object whose name is no distinguished
/// name, such as one of Microsoft Graph, gets a comment alone.
///
/// ```
/// use onramp_core::AttributeName;
/// use onramp_readiness::report::{Report, write_ldif};
/// use onramp_readiness::{Confidence, DirectoryObject, Finding, Fix, RuleId, Severity};
///
/// let mail = AttributeName::from_static("mail");
/// let key = DirectoryObject::new("CN=Anna,DC=corp").key();
/// let finding = Finding::new(key, RuleId::from_static("mail-space"), Severity::Error, mail.clone(), "")
///     .with_fix(Fix::replace(mail, Some("a b@x.de"), Some("ab@x.de".into())));
/// let findings = [finding];
/// let mut ldif = Vec::new();
/// write_ldif(&Report::new(&findings, time::OffsetDateTime::UNIX_EPOCH), Confidence::High, &mut ldif)?;
/// let ldif = String::from_utf8_lossy(&ldif);
/// assert!(ldif.ends_with(
///     "dn: CN=Anna,DC=corp\nchangetype: modify\ndelete: mail\nmail: a b@x.de\n-\nadd: mail\nmail: ab@x.de\n-\n"
/// ));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// An error of the writer.
pub fn write_ldif(report: &Report<'_>, min_confidence: Confidence, out: impl Write) -> io::Result<()> {
    let fixes = combine_fixes(report.findings, min_confidence);
    let mut writer = Writer::new(BufWriter::new(out));
    writer.write_comment(&heading(report, min_confidence, &fixes)?)?;
    for fix in &fixes {
        let comment = comment(fix);
        if !comment.is_empty() {
            writer.write_comment(&comment)?;
        }
        if is_record(fix) {
            writer.write_change(&ChangeRecord::of_fix(&fix.object.dn, &fix.changes))?;
        }
    }
    // The buffer is flushed with the writer.
    writer.finish().map(drop)
}

fn is_record(fix: &ObjectFix<'_>) -> bool {
    !fix.changes.is_empty() && is_named(fix)
}

/// A rough test: the directory that reads the file is the judge of a name.
fn is_named(fix: &ObjectFix<'_>) -> bool {
    fix.object.dn.split_once('=').is_some_and(|(attribute, _)| {
        !attribute.is_empty() && attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    })
}

fn heading(report: &Report<'_>, min_confidence: Confidence, fixes: &[ObjectFix<'_>]) -> io::Result<String> {
    let scanned_at = report.scanned_at.format(&Rfc3339).map_err(io::Error::other)?;
    let objects = fixes.iter().filter(|fix| is_record(fix)).count();
    let skipped =
        |reason| fixes.iter().flat_map(|fix| &fix.skipped).filter(|(_, each)| *each == reason).count();
    Ok(format!(
        "Fixes of confidence {} and above, from the scan of {scanned_at}, profile {}.\n\
         Objects to change: {}. Fixes left out: {} of lower confidence, {} in conflict with others.",
        confidence_word(min_confidence),
        visible(report.profile),
        grouped(objects as u64),
        grouped(skipped(FixSkip::LowConfidence) as u64),
        grouped(skipped(FixSkip::Conflict) as u64),
    ))
}

/// Returns what a person should know about the record of an object.
fn comment(fix: &ObjectFix<'_>) -> String {
    let mut lines: Vec<String> = Vec::new();
    if !fix.changes.is_empty() && !is_named(fix) {
        lines.push(format!("not changed, since it is no distinguished name: {}", fix.object.dn));
    }
    for finding in &fix.fixed {
        let loses = finding.fixes.first().and_then(|fix| fix.loses.as_deref());
        let loses = loses.map(|loses| format!(". Loses: {loses}")).unwrap_or_default();
        lines.push(format!("{}{loses}", of(finding)));
    }
    for (finding, reason) in &fix.skipped {
        if *reason == FixSkip::Conflict {
            lines.push(format!("skipped for {}: {}: {reason}", fix.object.dn, of(finding)));
        }
    }
    lines.iter().map(|line| visible(line)).collect::<Vec<_>>().join("\n")
}

fn of(finding: &Finding) -> String {
    let confidence = finding.fixes.first().map_or("", |fix| confidence_word(fix.confidence));
    format!("{}, {} ({confidence} confidence)", finding.rule, finding.attribute)
}
