//! The settings of the forest: levels, schema, roles, lifetimes.

use std::collections::BTreeSet;

use onramp_core::forest::{DomainController, ForestObject};
use onramp_core::{AttributeName, DistinguishedName, Result};

use super::controllers::Answer;
use crate::preflight::item::{Findings, Verdict};

pub(in crate::preflight) const LEVEL: AttributeName = AttributeName::from_static("msDS-Behavior-Version");
pub(in crate::preflight) const FEATURES: AttributeName = AttributeName::from_static("msDS-EnabledFeature");
pub(in crate::preflight) const ROLE_OWNER: AttributeName = AttributeName::from_static("fSMORoleOwner");
pub(in crate::preflight) const SCHEMA: AttributeName = AttributeName::from_static("objectVersion");
pub(in crate::preflight) const TOMBSTONES: AttributeName = AttributeName::from_static("tombstoneLifetime");
pub(in crate::preflight) const HEURISTICS: AttributeName = AttributeName::from_static("dSHeuristics");

// [MS-ADTS] 6.1.4.3 and 6.1.4.4.
const LEVEL_2003: u32 = 2;
const LEVEL_2008_R2: u32 = 4;
// "Find the current schema version".
const SCHEMA_2003: u32 = 30;
const SCHEMA_2012: u32 = 56;
/// The days of a forest that has no value.
const DEFAULT_TOMBSTONES: u32 = 60;
const ADVISED_TOMBSTONES: u32 = 180;

/// An object that was read for an item, with a name for people.
pub(in crate::preflight) type Read = (String, Result<ForestObject>);

/// Judges the functional levels of the forest (`CN=Partitions`) and of its domains.
pub(in crate::preflight) fn judge_level(read: &[Read]) -> Verdict {
    let mut findings = Findings::default();
    let mut levels = BTreeSet::new();
    for (name, object) in read {
        match number(object, &LEVEL) {
            Err(reason) => findings.unknown.push(format!("{name}: {reason}")),
            Ok(None) => findings.unknown.push(format!("the level of {name} is not visible")),
            Ok(Some(level)) if level < LEVEL_2003 => {
                findings.failures.push(format!("{name} has the level of {}", name_of(level)));
            }
            Ok(Some(level)) if level < LEVEL_2008_R2 => {
                findings.warnings.push(format!("{name} has the level of {}", name_of(level)));
            }
            Ok(Some(level)) => {
                levels.insert(level);
            }
        }
    }
    let all = levels.into_iter().map(name_of).collect::<Vec<_>>().join(", ");
    Verdict::of_findings(findings, format!("forest and domains have the level of {all}"))
}

fn name_of(level: u32) -> String {
    let name = match level {
        0 => "Windows 2000",
        1 | 2 => "Windows Server 2003",
        3 => "Windows Server 2008",
        4 => "Windows Server 2008 R2",
        5 => "Windows Server 2012",
        6 => "Windows Server 2012 R2",
        7 => "Windows Server 2016",
        10 => "Windows Server 2025",
        other => return format!("number {other}"),
    };
    name.to_owned()
}

/// Judges the version of the schema.
pub(in crate::preflight) fn judge_schema(schema: &Result<ForestObject>) -> Verdict {
    match number(schema, &SCHEMA) {
        Err(reason) => Verdict::cannot_tell(reason),
        Ok(None) => Verdict::cannot_tell("objectVersion of the schema is not visible"),
        Ok(Some(version)) if version < SCHEMA_2003 => {
            Verdict::fail(format!("the schema has version {version}"))
        }
        Ok(Some(version)) if version < SCHEMA_2012 => {
            Verdict::warn(format!("the schema has version {version}"))
        }
        Ok(Some(version)) => Verdict::pass(format!("the schema has version {version}")),
    }
}

/// Judges the holders of the roles of the forest and its domains.
pub(in crate::preflight) fn judge_roles(
    read: &[Read],
    controllers: &[DomainController],
    answers: &[Answer],
) -> Verdict {
    let mut findings = Findings::default();
    for (name, object) in read {
        let owner = match object {
            Err(error) => {
                findings.unknown.push(format!("{name}: {error}"));
                continue;
            }
            Ok(object) => object.text(&ROLE_OWNER),
        };
        let Some(owner) = owner else {
            findings.unknown.push(format!("the holder of {name} is not visible"));
            continue;
        };
        let settings = DistinguishedName::parse(owner).ok();
        let holder = controllers.iter().find(|one| Some(&one.settings) == settings.as_ref());
        let Some(holder) = holder else {
            // A deleted one has "\0ADEL:" in its name.
            findings
                .failures
                .push(format!("{name} is held by {owner}, which is no domain controller any more"));
            continue;
        };
        let answer = answers.iter().find(|answer| answer.controller.settings == holder.settings);
        if answer.is_some_and(|answer| answer.state.is_err()) {
            findings.failures.push(format!("{name} is held by {}, which does not answer", holder.host));
        }
    }
    Verdict::of_findings(findings, format!("{} roles have a holder", read.len()))
}

/// Judges the time for which deleted objects are kept.
pub(in crate::preflight) fn judge_tombstones(service: &Result<ForestObject>) -> Verdict {
    let days = match number(service, &TOMBSTONES) {
        Err(reason) => return Verdict::cannot_tell(reason),
        Ok(days) => days,
    };
    let told = match days {
        Some(days) => format!("deleted objects are kept for {days} days"),
        None => {
            format!("tombstoneLifetime is not set: deleted objects are kept for {DEFAULT_TOMBSTONES} days")
        }
    };
    match days.unwrap_or(DEFAULT_TOMBSTONES) {
        days if days < DEFAULT_TOMBSTONES => Verdict::fail(told),
        days if days < ADVISED_TOMBSTONES => Verdict::warn(told),
        _ => Verdict::pass(told),
    }
}

/// Judges whether the recycle bin is enabled (`CN=Partitions`).
pub(in crate::preflight) fn judge_recycle_bin(partitions: &Result<ForestObject>) -> Verdict {
    match partitions {
        Err(error) => Verdict::cannot_tell(error),
        Ok(object) => {
            let is_it = |name: &str| name.to_ascii_lowercase().starts_with("cn=recycle bin feature,");
            match object.values(&FEATURES).iter().any(|value| value.as_text().is_some_and(is_it)) {
                true => Verdict::pass("the recycle bin is enabled"),
                false => Verdict::warn("the recycle bin is not enabled"),
            }
        }
    }
}

/// Judges whether domain controllers check that UPNs are unique.
pub(in crate::preflight) fn judge_uniqueness(service: &Result<ForestObject>) -> Verdict {
    let heuristics = match service {
        Err(error) => return Verdict::cannot_tell(error),
        Ok(object) => object.text(&HEURISTICS).unwrap_or_default(),
    };
    // The 21st character is a number of flags; the lowest turns the check of UPNs off.
    let flags = heuristics.chars().nth(20).and_then(|flag| flag.to_digit(16)).unwrap_or_default();
    match flags & 1 {
        0 => Verdict::pass("domain controllers check that UPNs are unique"),
        _ => Verdict::fail(format!("dSHeuristics is \"{heuristics}\": two users may get the same UPN")),
    }
}

fn number(
    object: &Result<ForestObject>,
    attribute: &AttributeName,
) -> std::result::Result<Option<u32>, String> {
    let object = object.as_ref().map_err(ToString::to_string)?;
    object
        .text(attribute)
        .map(|text| text.trim().parse().map_err(|_| format!("{attribute} is \"{text}\", which is no number")))
        .transpose()
}
