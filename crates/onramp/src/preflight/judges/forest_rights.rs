//! The rights of the bind account, as the directory tells them.

use onramp_core::forest::ForestObject;
use onramp_core::{AttributeName, Result};

use crate::preflight::item::{Findings, Verdict};

pub(in crate::preflight) const EFFECTIVE: AttributeName =
    AttributeName::from_static("allowedAttributesEffective");
pub(in crate::preflight) const SUFFIXES: AttributeName = AttributeName::from_static("uPNSuffixes");
pub(in crate::preflight) const UPN: AttributeName = AttributeName::from_static("userPrincipalName");
/// The number of objects that the evidence names.
const NAMED: usize = 3;

/// Judges the right to add a UPN suffix (`CN=Partitions`).
pub(in crate::preflight) fn judge_suffix(partitions: &Result<ForestObject>) -> Verdict {
    match partitions {
        Err(error) => Verdict::cannot_tell(error),
        Ok(object) if may_write(object, &SUFFIXES) => {
            Verdict::pass(format!("this account may write {SUFFIXES} of {}", object.dn))
        }
        Ok(object) => Verdict::fail(format!("this account may not write {SUFFIXES} of {}", object.dn)),
    }
}

/// Judges the right to change users, on a sample.
pub(in crate::preflight) fn judge_users(sample: &[(Result<ForestObject>, Vec<AttributeName>)]) -> Verdict {
    if sample.is_empty() {
        return Verdict::cannot_tell("no user was found to test it on");
    }
    let mut findings = Findings::default();
    let mut more = 0_usize;
    for (object, attributes) in sample {
        match object {
            Err(error) => findings.unknown.push(error.to_string()),
            Ok(object) => {
                let missing: Vec<&str> = attributes
                    .iter()
                    .filter(|attribute| !may_write(object, attribute))
                    .map(AttributeName::as_str)
                    .collect();
                if missing.is_empty() {
                    continue;
                }
                if findings.failures.len() < NAMED {
                    findings.failures.push(format!("{} of {}", missing.join(", "), object.dn));
                } else {
                    more += 1;
                }
            }
        }
    }
    if let Some(first) = findings.failures.first_mut() {
        *first = format!("this account may not write {first}");
    }
    if more > 0 {
        findings.failures.push(format!("and of {more} more"));
    }
    Verdict::of_findings(
        findings,
        format!("this account may change the {} users of the sample", sample.len()),
    )
}

fn may_write(object: &ForestObject, attribute: &AttributeName) -> bool {
    let is_it = |name: &str| name.eq_ignore_ascii_case(attribute.as_str());
    object.values(&EFFECTIVE).iter().any(|value| value.as_text().is_some_and(is_it))
}
